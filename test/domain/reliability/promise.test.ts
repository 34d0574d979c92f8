import { describe, expect, it } from 'vitest'
import type { Offerable, PeriodNeed } from '#domain/allocation.ts'
import { hashOf } from '#domain/canonical.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { learntFrom, surelyHeld } from '#domain/reliability/promise.ts'
import { uniformFrom } from '#domain/reliability/seeded.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from '../../support/builders.ts'

const FLEET = 40
const BATTERY_W = 5_000
const groupsOf = () => ['class battery']
const names = Array.from({ length: FLEET }, (_, i) => `r-${String(i).padStart(2, '0')}`)

const offers = names.map((name, i): Offerable => {
  const { id, ownerId, aggregatorId, kind, rating } = aResource(name, 'battery', 0n)
  const candidate = {
    resourceId: id,
    ownerId,
    aggregatorId,
    kind,
    rating,
    ...aBaseline(),
    aggregatorShareBp: basisPoints(0),
    price: microEurPerKwh(BigInt(100_000 + i)),
  }
  return { candidate, fromW: [0, 0], powerMaxW: [BATTERY_W, BATTERY_W], energyMaxWh: 100_000 }
})

/** A settled call in which every device gave such a share of 1,000 Wh; the parts that are looked at. */
function past(share: number, deliveryLevelBp: number | undefined = 9500): FlexibilityCall {
  const lines = offers.map(({ candidate: { resourceId } }) => ({
    resourceId,
    orderedWh: 1_000,
    deliveredWh: 1_000 * share,
    reason: 'paid',
  }))
  const sums = { orderedWh: FLEET * 1_000, deliveredWh: FLEET * 1_000 * share }
  return {
    settlement: { lines, ...sums },
    repairs: [],
    program: { deliveryLevelBp },
    candidates: offers.map(({ candidate }) => candidate),
  } as unknown as FlexibilityCall
}

function surely(
  calls: readonly FlexibilityCall[],
  askedW: readonly number[],
  all: readonly Offerable[] = offers,
) {
  const needs = askedW.map((powerW, i): PeriodNeed => {
    const start = addSeconds(WINDOW_START, i * 900)
    return { start, end: addSeconds(start, 900), powerW }
  })
  const dice = uniformFrom(hashOf({ margin: 'call-1' }))
  const whole = askedW.map(() => BATTERY_W)
  const offered = all.map((one) => ({ ...one, fromW: whole.map(() => 0), powerMaxW: whole }))
  const question = { needs, offers: offered, direction: 'reduce-import', groupsOf, dice } as const
  return surelyHeld(question, learntFrom(calls, 0.05, groupsOf))
}

const promised = (calls: readonly FlexibilityCall[], askedW: readonly number[]): number[] =>
  surely(calls, askedW).needs.map(({ powerW }) => powerW)

const times = (count: number, call: FlexibilityCall) => Array.from({ length: count }, () => call)

describe('what may be promised', () => {
  it('is all that is asked where more than enough devices are willing', () => {
    expect(promised([], [50_000, 80_000])).toEqual([50_000, 80_000])
  })

  it('is the same in two periods alike, less than all together, and nothing where nothing is asked', () => {
    const allW = FLEET * BATTERY_W
    const [first = 0, second, none] = [...promised([], [allW, allW]), ...promised([], [0])]
    expect(second).toBe(first)
    expect(first).toBeLessThan(allW)
    expect(none).toBe(0)
  })

  it('grows with calls that came, and shrinks with calls that did not', () => {
    const allW = FLEET * BATTERY_W
    const [unknown = 0] = promised([], [allW])
    const [good = 0] = promised(times(30, past(1)), [allW])
    const [bad = 0] = promised(times(30, past(0.5)), [allW])
    expect(good).toBeGreaterThan(unknown)
    expect(bad).toBeLessThan(unknown)
    expect(bad).toBeLessThan(0.55 * allW)
  })
})

describe('a device that has to know early', () => {
  const early = (which: (i: number) => boolean) =>
    offers.map((one, i) => {
      const conditions = { noticeSeconds: 300 }
      return which(i) ? { ...one, candidate: { ...one.candidate, conditions } } : one
    })
  /** Ten are ordered, and others stand behind them. */
  const askedW = 10 * BATTERY_W

  it('is not counted on behind those that are ordered: it cannot be called in the window', () => {
    const { needs, countedOn } = surely(
      [],
      [askedW],
      early((i) => i >= 10 && i % 2 === 0),
    )
    expect(needs[0]?.powerW).toBe(askedW)
    const behind = countedOn.slice(10).map(({ resourceId }) => Number(resourceId.slice(2)))
    expect(behind.length).toBeGreaterThan(0)
    expect(behind.filter((i) => i % 2 === 0)).toEqual([])
  })

  it('makes an order no surer where nobody else stands behind it', () => {
    const [alone] = surely([], [askedW], offers.slice(0, 10)).needs
    const [behind] = surely(
      [],
      [askedW],
      early((i) => i >= 10),
    ).needs
    expect(alone?.powerW).toBeLessThan(askedW)
    expect(behind?.powerW).toBeLessThan(askedW)
  })

  it('is counted on where it is ordered', () => {
    const countedOn = (all: readonly Offerable[]) => surely([], [askedW], all).countedOn
    expect(countedOn(early((i) => i < 10))).toEqual(countedOn(offers))
  })
})

describe('what past calls teach the margin', () => {
  /** A program begins with half of what it allows. */
  const STARTS = 0.025
  const riskAfter = (calls: readonly FlexibilityCall[]) =>
    learntFrom(calls, 0.05, groupsOf).calibration.risk

  it('is caution after a short call, and a little courage after one that came', () => {
    expect(riskAfter([past(0.9)])).toBeLessThan(STARTS - 0.01)
    expect(riskAfter([past(1)])).toBeGreaterThan(STARTS)
  })

  it('is no caution where only reaction times are missing, or nothing was kept back', () => {
    expect(riskAfter([past(0.985)])).toBeGreaterThan(STARTS)
    const free = { ...past(0.5), program: {} } as FlexibilityCall
    expect(riskAfter([free])).toBe(STARTS)
  })

  it('is nothing from a call that is not settled, but for whom it has let go', () => {
    const open = { ...past(0.5), settlement: null, allocations: [] } as FlexibilityCall
    expect(learntFrom([open], 0.05, groupsOf).record.devices.size).toBe(0)
    const periods = [{ start: WINDOW_START, end: addSeconds(WINDOW_START, 900), powerW: 5_000 }]
    const reasons = ['not-obeying', 'silent', 'overridden', 'cannot-pause']
    const letGo = {
      ...open,
      repairs: reasons.map((reason, i) => ({ resourceId: names[i], reason })),
      allocations: names.map((resourceId) => ({ resourceId, periods })),
    } as unknown as FlexibilityCall
    const { record, calibration } = learntFrom([letGo], 0.05, groupsOf)
    expect(
      [...record.devices].map(([id, { record: own }]) => [id, own.reached, own.delivered]),
    ).toEqual([
      ['r-00', { good: 1, bad: 0 }, { good: 0, bad: 1 }],
      ['r-01', { good: 0, bad: 1 }, { good: 0, bad: 0 }],
    ])
    expect(record.groups.size).toBe(0)
    expect(calibration.risk).toBe(STARTS)
  })
})
