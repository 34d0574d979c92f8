import { describe, expect, it } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { type MicroEurPerKwh, microEurPerKwh } from '#domain/money.ts'
import { builtInPolicy, curvePolicy, PAYMENT_POLICIES } from '#domain/payment-policies.ts'
import {
  award,
  carriedDeficit,
  curveAt,
  monthlyAvailability,
  outsideDeadBand,
  type PaymentPolicy,
  payByPolicy,
  policyHash,
  type Stretch,
} from '#domain/payment-policy.ts'
import { checkPaymentPolicy } from '#domain/payment-policy-check.ts'
import { escrowNeeded } from '#domain/settlement.ts'

const HOUR = 3600
/** The currency's unit per MWh, as prices are printed, in minor units per kWh. */
const perMwh = (price: number) => microEurPerKwh(BigInt(Math.round(price * 1000)))
const MINOR = 1_000_000n

function policy(name: string): PaymentPolicy {
  const found = builtInPolicy(name)
  if (found === null) throw new Error(`no built-in policy ${name}`)
  return found
}

/** A portfolio over one hour, in kW: baseline, ordered, metered. */
function hour(baselineKw: number, orderedKw: number, meteredKw: number, hours = 1): Stretch {
  const wh = (kw: number) => Math.round(kw * hours * 1000)
  return {
    seconds: hours * HOUR,
    orderedWh: wh(orderedKw),
    deliveredWh: wh(baselineKw) - wh(meteredKw),
    baselineWh: wh(baselineKw),
    meteredWh: wh(meteredKw),
  }
}

/** A share delivered of an order of 100 kWh, at 1 per kWh: what is paid of 100. */
function paidOfHundred(name: string, deliveredKw: number): number {
  const { utilisation } = payByPolicy(
    policy(name),
    [hour(200, 100, 200 - deliveredKw)],
    microEurPerKwh(MINOR),
  )
  return Number(utilisation) / Number(MINOR)
}

describe('a payment policy is refused', () => {
  const good = policy('uftp')
  const refused: [string, Partial<PaymentPolicy>, string, string][] = [
    ['with one point', { curve: [{ deliveredBp: 0, payBp: 0 }] }, 'curve', '1'],
    [
      'whose pay falls with more delivered',
      {
        curve: [
          { deliveredBp: 0, payBp: 9 },
          { deliveredBp: 5, payBp: 8 },
        ],
      },
      'curve[1]',
      '"payBp":8',
    ],
    [
      'whose points do not rise',
      {
        curve: [
          { deliveredBp: 5, payBp: 1 },
          { deliveredBp: 5, payBp: 8 },
        ],
      },
      'curve[1]',
      '"deliveredBp":5',
    ],
    ['with a share that is not whole', { capBp: 1.5 }, 'capBp', '1.5'],
    ['that pays for more than twice the order', { capBp: 20_001 }, 'capBp', '20001'],
    ['whose threshold lies above its cap', { capBp: 7000, floorBp: 8000 }, 'floorBp', '8000'],
    ['with a negative dead band', { deadBand: { bp: -1, pays: 'all' } }, 'deadBand.bp', '-1'],
    ['that holds back without an end', { provisionalShareBp: 7000 }, 'trueUpSeconds', '0'],
    ['that carries single periods', { carry: 'month', over: 'period' }, 'over', 'period'],
    ['of no source', { source: ' ' }, 'source', ' '],
    ['of no name', { name: 'U F T P' }, 'name', 'U F T P'],
    [
      'with a negative price',
      { penalty: { kind: 'per-kwh-deficient', price: -1n as MicroEurPerKwh } },
      'penalty',
      '-1',
    ],
    [
      'that takes more than was earned',
      { penalty: { kind: 'share-of-payment', shareBp: 10_001 } },
      'penalty.shareBp',
      '10001',
    ],
  ]
  it.each(refused)('%s, naming the field and what came', (_what, changes, field, got) => {
    let error: unknown
    try {
      checkPaymentPolicy('paymentPolicy', { ...good, ...changes })
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(DomainError)
    const [problem] = (error as DomainError).problems
    expect(problem?.field).toBe(`paymentPolicy.${field}`)
    expect(problem?.got).toContain(got)
    expect(problem?.expected).not.toBe('')
  })
})

describe('a published rule pays what its own example says', () => {
  it.each([
    [7, 2, 14, 0, 0, 14],
    [8, 2, 14, 0, 0, 14],
    [9, 1, 7, 1, 11, -4],
    [10, 0, 0, 2, 22, -22],
    [11, 0, 0, 3, 33, -33],
  ])('UFTP: %i MW metered', (metered, delivered, paid, deficit, penalty, net) => {
    const figures = payByPolicy(policy('uftp'), [hour(10_000, 2000, metered * 1000)], perMwh(7))
    const eur = (amount: number) => BigInt(amount) * MINOR
    expect(figures).toEqual({
      payableWh: delivered * 1_000_000,
      deficientWh: deficit * 1_000_000,
      utilisation: eur(paid),
      availability: 0n,
      penalty: eur(penalty),
      net: eur(net),
    })
  })

  it('BIP: 460 kW for 2 h at a firm level of 400 kW cost 720', () => {
    const figures = payByPolicy(policy('bip'), [hour(900, 500, 460, 2)], perMwh(0))
    expect(figures.penalty).toBe(720n * MINOR)
    expect(figures.utilisation).toBe(0n)
  })

  it('ELRP: 220 kWh below a baseline of 1,120 are paid 440, and nothing is taken', () => {
    // 800 kW, raised in the day by 1.55, which the rule limits to 1.40.
    const baselineKw = (800 * Math.min(155, 140)) / 100
    const figures = payByPolicy(policy('elrp'), [hour(baselineKw, 400, 900)], perMwh(0))
    expect(figures).toMatchObject({ utilisation: 440n * MINOR, penalty: 0n, net: 440n * MINOR })
  })

  it('DEG: 80 of 100 kW for half an hour are paid 400 and cost 40', () => {
    const figures = payByPolicy(
      policy('deg'),
      [hour(200, 100, 120, 0.5)],
      microEurPerKwh(10n * MINOR),
    )
    expect(figures).toMatchObject({
      utilisation: 400n * MINOR,
      penalty: 40n * MINOR,
      net: 360n * MINOR,
    })
  })

  it('NGED scheduled utilisation: 0.01245 MW for 129 h at 1,812 are paid 2,910.16', () => {
    const hours = Array.from({ length: 129 }, () => hour(12.45, 12.45, 0))
    const { net } = payByPolicy(policy('nged-su-example'), hours, perMwh(1812))
    expect(net).toBe(2_910_162_600n)
  })
})

describe('what is known of other rules only by thresholds is said to be our reading', () => {
  it.each([
    ['ssen-transition-like', 50, 0],
    ['ssen-transition-like', 75, 37.5], // 75 kWh at half the price
    ['ssen-transition-like', 100, 100],
    ['ssen-transition-like', 130, 100], // capped at what was instructed
    ['switch-like', 74.99, 0],
    ['switch-like', 75, 75],
    ['sthlmflex-like', 79.99, 0],
    ['sthlmflex-like', 80, 80],
    ['dlrp-like', 10, 10], // energy is paid alone; performance scales the reservation
  ])('%s: %f of 100 kWh delivered are paid %f', (name, delivered, paid) => {
    expect(policy(name).status).toBe('reading')
    expect(paidOfHundred(name, delivered)).toBe(paid)
  })

  it('dlrp-like: 18 per kW and month at full performance, 23 from the fifth call on', () => {
    const month = (performanceBp: number, calls: number) =>
      monthlyAvailability(policy('dlrp-like'), 100_000, performanceBp, calls) / MINOR
    expect([month(10_000, 4), month(10_000, 5), month(5000, 5)]).toEqual([1800n, 2300n, 1150n])
    expect(monthlyAvailability(policy('uftp'), 100_000, 10_000, 9)).toBe(0n)
  })

  it('bip: 8 per kW and month whatever was delivered', () => {
    expect(monthlyAvailability(policy('bip'), 100_000, 0, 1)).toBe(800n * MINOR)
  })
})

describe('every built-in policy', () => {
  it.each(PAYMENT_POLICIES.map((one) => [one.name, one] as const))(
    '%s can be put in force',
    (name, one) => {
      expect(checkPaymentPolicy('paymentPolicy', one)).toBe(one)
      expect(builtInPolicy(name, one.version)).toBe(one)
      expect(builtInPolicy(name, 99)).toBeNull()
    },
  )

  it('has a hash of its own, which any change changes', () => {
    const hashes = PAYMENT_POLICIES.map(policyHash)
    expect(new Set(hashes).size).toBe(hashes.length)
    const uftp = policy('uftp')
    expect(policyHash({ ...uftp, version: 2 })).not.toBe(policyHash(uftp))
    expect(policyHash(structuredClone(uftp))).toBe(policyHash(uftp))
  })
})

describe('a curve', () => {
  const curve = [
    { deliveredBp: 2500, payBp: 0 },
    { deliveredBp: 9500, payBp: 10_000 },
  ]
  it.each([
    [0, 0],
    [2500, 0],
    [2501, 1],
    [6000, 5000],
    [9499, 9998],
    [9500, 10_000],
    [12_000, 10_000],
  ])('pays at %i bp delivered %i bp of the price', (delivered, pay) => {
    expect(curveAt(curve, delivered)).toBe(pay)
  })

  it('begins at nothing where its first point lies higher', () => {
    expect(
      curveAt(
        [
          { deliveredBp: 5000, payBp: 8000 },
          { deliveredBp: 10_000, payBp: 10_000 },
        ],
        2500,
      ),
    ).toBe(4000)
  })
})

describe('a dead band of 5 % of a baseline of 1,000 Wh', () => {
  const at = (pays: 'all' | 'rest' | 'stretched', deliveredWh: number) =>
    outsideDeadBand({ bp: 500, pays }, { deliveredWh, baselineWh: 1000, orderedWh: 250 })
  it.each([-200, 0, 49])('pays nothing at %i Wh, however it pays the rest', (wh) => {
    expect([at('all', wh), at('rest', wh), at('stretched', wh)]).toEqual([0, 0, 0])
  })
  it('pays all of more, or the rest, or stretches it to the whole order', () => {
    expect([at('all', 150), at('rest', 150), at('stretched', 150)]).toEqual([150, 100, 125])
    expect([at('all', 250), at('rest', 250), at('stretched', 250)]).toEqual([250, 200, 250])
    expect(at('stretched', 300)).toBe(300)
  })
})

describe('signed results carried within a month', () => {
  it('are made up before anything is earned again, and never twice', () => {
    expect(carriedDeficit([])).toBe(0)
    expect(carriedDeficit([100, -30])).toBe(-30)
    expect(carriedDeficit([100, -30, 50])).toBe(0)
    expect(carriedDeficit([-30, 10, -5])).toBe(-25)
  })

  it('pay a fleet that does nothing only what rises above its highest sum', () => {
    const noise = [80, -120, 60, -10, 90, -100, 40]
    let paid = 0
    noise.forEach((wh, i) => {
      const carriedWh = carriedDeficit(noise.slice(0, i))
      const stretch = { ...hour(1, 1, 1), deliveredWh: wh }
      paid += award(policy('monthly-net'), stretch, { mostWh: Infinity, carriedWh }).payableWh
    })
    expect(paid).toBe(100) // the sums run 80, -40, 20, 10, 100, 0, 40
  })
})

describe('the escrow of an order', () => {
  it('holds the most that the policy can pay, and the fee on it', () => {
    const curve = curvePolicy(policy('uftp').curve)
    const price = microEurPerKwh(450_000n)
    expect(escrowNeeded(1000, price, 200, curve)).toBe(459_000n)
    expect(escrowNeeded(1000, price, 200, { ...curve, capBp: 12_000 })).toBe(550_800n)
    const stands = {
      kind: 'per-kwh-ordered',
      price: microEurPerKwh(50_000n),
      scaledByDelivery: false,
    } as const
    expect(escrowNeeded(1000, price, 200, { ...curve, availability: stands })).toBe(510_000n)
  })
})
