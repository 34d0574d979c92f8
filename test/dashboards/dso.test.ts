import { describe, expect, test } from 'vitest'
import type { CallSummary, HeldRest, WholeCall } from '#dashboards/api.ts'
import { nextDeadline } from '#dashboards/dso/deadline.ts'
import { shortfallOf } from '#dashboards/dso/shortfall.ts'

const ZONE = 'Europe/Amsterdam'
const at = (minute: number) => new Date(Date.UTC(2026, 0, 14, 16, minute)).toISOString()
const plain = (text: string | null) => text?.replaceAll(/[\u00a0\u202f]/g, ' ') ?? null

type DsoCall = Extract<WholeCall, { view: 'dso' }>

function aCall(changes: Partial<DsoCall> = {}): DsoCall {
  const period = (minute: number, deliveredW: number | null) => ({
    start: at(minute),
    end: at(minute + 15),
    requestedW: 10_000,
    orderedW: 8000,
    baselineW: deliveredW === null ? null : 20_000,
    measuredW: deliveredW === null ? null : 20_000 - deliveredW,
    deliveredW,
  })
  return {
    view: 'dso',
    id: 'call-1',
    state: 'dispatched',
    dsoId: 'dso',
    congestionPointId: 'cp',
    product: 'scheduled',
    direction: 'reduce-import',
    window: { start: at(0), end: at(30) },
    requestedAt: at(-10),
    gateClosesAt: at(-5),
    cancelledAt: null,
    releasedAt: null,
    requestedWh: 5000,
    orderedWh: 4000,
    deliveredWh: null,
    control: null,
    deficientWh: null,
    periods: [period(0, 7900), period(15, null)],
    repairs: [],
    corrections: [],
    priceCapMinorPerKwh: '450000',
    penalty: { kind: 'none' },
    programVersion: 1,
    resourcesOrdered: 2,
    reserve: null,
    activations: [],
    skipped: [],
    allocatedBy: null,
    network: null,
    reasons: [],
    rebound: null,
    escrow: null,
    transactions: [],
    attestations: { required: 2, signed: 0, signers: [], refusals: [] },
    evidence: null,
    ...changes,
  }
}

describe('the shortfall', () => {
  const shown = (call: WholeCall, minute: number) => {
    const { label, figure, of, isAbnormal } = shortfallOf(call, Date.parse(at(minute)), ZONE)
    return [label, plain(figure), plain(of), isAbnormal]
  }

  test('before anything is measured there is no figure, and no alarm', () => {
    const [first] = aCall().periods
    if (first === undefined) throw new Error('a call has periods')
    const call = aCall({ periods: [{ ...first, deliveredW: null }] })
    expect(shown(call, 1)).toEqual([
      'Shortfall since 17:00',
      null,
      '8.0 kW ordered, no reading yet',
      false,
    ])
  })

  test('in the window it is what the running period lacks; noise is no alarm', () => {
    expect(shown(aCall(), 10)).toEqual([
      'Shortfall since 17:00',
      '100 W',
      '7.9 kW delivered of 8.0 kW ordered',
      false,
    ])
    const [first, second] = aCall().periods
    if (first === undefined || second === undefined) throw new Error('there are two periods')
    const call = aCall({ periods: [first, { ...second, deliveredW: 6000 }] })
    expect(shown(call, 20)).toEqual([
      'Shortfall since 17:15',
      '2.0 kW',
      '6.0 kW delivered of 8.0 kW ordered',
      true,
    ])
  })

  test('more than ordered lacks nothing; the wrong way lacks more than all', () => {
    const [first] = aCall().periods
    if (first === undefined) throw new Error('a call has periods')
    const with_ = (deliveredW: number) => aCall({ periods: [{ ...first, deliveredW }] })
    expect(shown(with_(9000), 5)[1]).toBe('0 W')
    expect(shown(with_(-500), 5)[1]).toBe('8.5 kW')
  })

  test('before the window it is what no offer covers; after it what was deficient', () => {
    expect(shown(aCall({ state: 'ordered' }), -1)).toEqual([
      'Not covered by offers',
      '1.0 kWh',
      '4.0 kWh of 5.0 kWh requested',
      true,
    ])
    const paid = aCall({ state: 'paid', deliveredWh: 3950, deficientWh: 50 })
    expect(shown(paid, 90)).toEqual([
      'Shortfall',
      '50 Wh',
      '3.95 kWh delivered of 4.0 kWh ordered',
      false,
    ])
  })
})

describe('the next deadline', () => {
  const deadline = (changes: Partial<DsoCall>, held: HeldRest[] = []) => {
    const found = nextDeadline(aCall(changes), null, [], held)
    return found === null ? null : [found.what, found.at === null ? null : toText(found.at)]
  }
  const toText = (ms: number) => new Date(ms).toISOString()

  test.each<CallSummary['state']>(['paid', 'declined', 'expired', 'cancelled', 'refunded'])(
    'there is none for a call that is %s',
    (state) => expect(deadline({ state })).toBeNull(),
  )

  test('what is on hold keeps a deadline until it has come to its end', () => {
    const rest = (state: HeldRest['state']): HeldRest => ({
      id: '0x01',
      round: 2,
      state,
      amountMinor: '1',
      settleBy: at(90),
      challenged: false,
      lines: [],
    })
    for (const state of ['settled', 'paid'] as const) {
      expect(deadline({ state }, [rest('held')])).toEqual(['What is on hold is decided', at(90)])
    }
    expect(deadline({ state: 'paid' }, [rest('refunded')])).toBeNull()
    expect(deadline({ state: 'paid' }, [rest('paid')])).toBeNull()
  })

  test.each<[CallSummary['state'], string, string | null]>([
    ['requested', 'Offers close', at(-5)],
    ['offered', 'Your signature is due', at(0)],
    ['ordered', 'Window begins', at(0)],
    ['dispatched', 'Window ends', at(30)],
    ['measured', 'Verifiers must have signed', null],
    ['verified', 'Dispute window ends', null],
    ['settled', 'Paid in the next payout', null],
  ])('%s: %s', (state, what, instant) => {
    expect(deadline({ state })).toEqual([what, instant])
  })

  test('a cancellation inside the window ends it', () => {
    expect(deadline({ cancelledAt: at(12) })).toEqual(['Window ends', at(12)])
  })
})
