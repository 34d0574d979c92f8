import { expect, test } from 'vitest'
import { allocate, type Candidate, type Offerable, type PeriodNeed } from '#domain/allocation.ts'
import { offerable, type ResourceNow } from '#domain/flexibility-offer.ts'
import { organisationId, ownerId, resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { ChargingSession } from '#domain/resource.ts'
import { addSeconds, instant, parseInstant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline } from '../../support/builders.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import { habitW } from '#simulations/scenarios/habit.ts'
import type { Scenario, ScenarioCall, ScenarioDevice } from '#simulations/scenarios/scenario.ts'

const WALLETS_OWNER = 'owner-01'
const seeds = Array.from({ length: 25 }, (_, index) => index + 1)

function needsOf({ periods }: ScenarioCall, seconds: number): PeriodNeed[] {
  return periods.map(({ start, powerW }) => {
    const from = parseInstant(start)
    return { start: from, end: addSeconds(from, seconds), powerW }
  })
}

/** What the service knows of a device as the gate closes, four minutes after the start. */
function nowOf(scenario: Scenario, device: ScenarioDevice, periods: number): ResourceNow {
  const lookedAt = addSeconds(parseInstant(scenario.start), 240)
  const { main } = scenario.calls
  const window = { start: parseInstant(main.windowStart), end: parseInstant(main.windowEnd) }
  const isCharger = device.kind === 'charger'
  const habit = isCharger ? Math.round(habitW(device, window, scenario.timeZone)) : 0
  const candidate: Candidate = {
    resourceId: resourceId(device.ref),
    ownerId: ownerId(WALLETS_OWNER),
    aggregatorId: organisationId('agg-amber'),
    aggregatorShareBp: basisPoints(1500),
    kind: device.kind,
    price: microEurPerKwh(BigInt(device.offer.price)),
    rating: device.rating,
    ...aBaseline(Array.from({ length: periods }, () => habit)),
  }
  const powerW = isCharger ? (device.visits[0]?.car.maxW ?? 0) : 0
  return {
    candidate,
    reading: {
      resourceId: candidate.resourceId,
      at: lookedAt,
      powerW,
      registerWh: (isCharger ? device.registerWh : 0) + Math.round((powerW * 240) / 3600),
      socBp: isCharger ? null : Math.round(device.battery.soc * 10_000),
    },
    session: sessionOf(scenario, device),
    condition: null,
    promised: [],
    promisedWh: 0,
    lookedAt,
  }
}

function sessionOf(scenario: Scenario, device: ScenarioDevice): ChargingSession | null {
  const visit = device.kind === 'charger' ? device.visits[0] : undefined
  if (device.kind !== 'charger' || visit === undefined) return null
  const startedAt = parseInstant(visit.pluggedInAt)
  const soFarWh = (visit.car.maxW * (parseInstant(scenario.start) - startedAt)) / 3_600_000
  return {
    resourceId: resourceId(device.ref),
    startedAt,
    endedAt: null,
    energyNeededWh: visit.energyNeededWh,
    departureAt: instant(Date.parse(visit.departureAt)),
    startRegisterWh: Math.floor(device.registerWh - soFarWh),
  }
}

test.each(seeds)(
  'seed %i: both calls are met with orders that show, and reserves are left',
  (seed) => {
    const scenario = bundledScenario(seed)
    const { main, overlapping } = scenario.calls
    if (overlapping === null) throw new Error('no overlapping call')
    const north = new Set(
      scenario.sites.filter((one) => one.congestionPoint === 'cp-north').map(({ ref }) => ref),
    )
    const asked = scenario.devices.filter(
      ({ site, offer }) => north.has(site) && offer.fromMinute < 1000,
    )
    const order = (call: ScenarioCall, left: readonly ScenarioDevice[]) => {
      const needs = needsOf(call, scenario.settlementPeriodSeconds)
      const found = left.map((device) => {
        return offerable(nowOf(scenario, device, needs.length), needs, 'reduce-import')
      })
      const offers = found.filter((one): one is Offerable => !('reason' in one))
      const skipped = found.flatMap((one) => ('reason' in one ? [one.reason] : []))
      return {
        needs,
        offers,
        skipped,
        allocations: allocate(needs, offers, 'reduce-import', 'order'),
      }
    }
    const first = order(main, asked)
    expect(first.skipped).toEqual(['departure', 'departure'])
    const taken = new Set<string>(first.allocations.map((one) => one.resourceId))
    const second = order(
      overlapping,
      asked.filter(({ ref }) => !taken.has(ref)),
    )
    for (const { needs, allocations } of [first, second]) {
      for (const { start, powerW } of needs) {
        const periods = allocations
          .flatMap((one) => one.periods)
          .filter((one) => one.start === start)
        expect(periods.reduce((sum, one) => sum + one.powerW, 0)).toBe(powerW)
        // A device that ignores less than this could not be told from one that obeys.
        for (const period of periods) expect(period.powerW).toBeGreaterThanOrEqual(900)
      }
    }
    const reserve = first.offers.length - first.allocations.length - second.allocations.length
    expect(reserve).toBeGreaterThanOrEqual(3)
    const kinds = new Set(
      scenario.devices
        .filter(({ ref }) => taken.has(ref))
        .map((one) => {
          return one.kind === 'charger' ? one.version : one.kind
        }),
    )
    expect([...kinds].sort()).toEqual(['1.6', '2.0.1', 'battery'])
    const wallet = scenario.sites
      .filter(({ owner }) => owner === WALLETS_OWNER)
      .map(({ ref }) => ref)
    const paid = scenario.devices.filter(({ ref, site }) => taken.has(ref) && wallet.includes(site))
    expect(paid.length).toBeGreaterThanOrEqual(1)
  },
)
