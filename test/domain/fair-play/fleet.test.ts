import { describe, expect, it } from 'vitest'
import { type HabitDay, type Known, stateFindingsOf } from '#domain/fair-play/state.ts'
import type { Finding, FindingCode } from '#domain/fair-play/finding.ts'
import { READ_AS_WINDOW_BEGINS, referenceOf } from '#domain/baseline/candidate.ts'
import { aProgram, aResource } from '../../support/builders.ts'
import { type HonestDevice, honestFleet, QUARTERS_BEFORE } from '../../support/honest-fleets.ts'

/*
 * What a service states of whole fleets: three seeds of 600 devices of people who do nothing wrong,
 * and the same with one thing changed. The first of a device's days is the call's.
 */
const SEEDS = [20_260_114, 20_260_115, 20_260_116]
const HOURS = { direction: 'reduce-import', periodSeconds: 900 } as const
const BASELINE_DAYS = 10

function knownOf(device: HonestDevice): Known {
  const { resourceId, rating, days } = device
  const { ownerId, aggregatorId } = aResource(resourceId, 'charger', 0n)
  const kind = rating.exportMaxW > 0 ? 'battery' : 'charger'
  const [today, ...earlier] = days
  return {
    candidate: {
      resourceId,
      ownerId,
      aggregatorId,
      aggregatorShareBp: aProgram().feeBp,
      kind,
      rating,
      price: aProgram().priceCapMax,
      baselineMethod: referenceOf(aProgram().chargerBaseline),
      baselineW: [],
      baseline: READ_AS_WINDOW_BEGINS,
    },
    meter: null,
    beforeWh: today?.wh.slice(0, QUARTERS_BEFORE) ?? [],
    days: earlier.map(
      ({ start, wh }, i): HabitDay => ({
        start,
        before: wh.slice(0, QUARTERS_BEFORE),
        inside: wh.slice(QUARTERS_BEFORE),
        isCallDay: false,
        isBaselineDay: i < BASELINE_DAYS,
      }),
    ),
    deliveredWh: kind === 'battery' ? 1000 : 0,
    readsBeforeWindow: true,
  }
}

const fleets = SEEDS.map((seed) => honestFleet(seed, 600).map(knownOf))
const devices = fleets.flat().length
const found = (change: (known: Known) => Known = (known) => known): Finding[] =>
  fleets.flatMap((fleet) => stateFindingsOf(fleet.map(change), HOURS))
const share = (findings: readonly Finding[], code: FindingCode) =>
  findings.filter((finding) => finding.code === code).length / devices

describe('a fleet', () => {
  it('of honest people gives a finding in at most one line of a hundred', () => {
    const honest = found()
    expect(honest.length / devices).toBeLessThanOrEqual(0.01)
  })

  it('whose last half-hour was inflated by all that a charger takes is found in most lines', () => {
    const inflated = found((known) => {
      const { importMaxW } = known.candidate.rating
      const quarter = (wh: number | null) => (wh ?? 0) + importMaxW / 4
      const { beforeWh } = known
      return {
        ...known,
        beforeWh: [...beforeWh.slice(0, -2), ...beforeWh.slice(-2).map(quarter)],
      }
    })
    // The rest had been charging at that hour before: it is no news.
    expect(share(inflated, 'pre-window-inflation')).toBeGreaterThan(0.8)
  })

  it('whose baseline days were inflated is found, unless they are call days', () => {
    const raised = (isCallDay: boolean) => (known: Known) => ({
      ...known,
      days: known.days.map((day) =>
        day.isBaselineDay
          ? { ...day, isCallDay, inside: day.inside.map((wh) => (wh ?? 0) + 1000) }
          : day,
      ),
    })
    expect(share(found(raised(false)), 'baseline-inflation')).toBeGreaterThan(0.9)
    // Days that no baseline stands on say nothing of it.
    expect(share(found(raised(true)), 'baseline-inflation')).toBe(0)
  })

  it('with a register missing is judged by what there is', () => {
    const gaps = found((known) => ({ ...known, beforeWh: known.beforeWh.map(() => null) }))
    expect(share(gaps, 'pre-window-inflation')).toBe(0)
  })

  it('under one meter key is held, all of it', () => {
    const [one, two] = (fleets[0] ?? []).map((known) => ({
      ...known,
      meter: { serial: 'M-1', publicKey: 'ab' },
    }))
    const codes = stateFindingsOf([one as Known, two as Known], HOURS).map(({ code }) => code)
    expect(codes.filter((code) => code === 'shared-meter')).toHaveLength(2)
  })
})
