import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { builtInMethod } from '#domain/baseline/methods.ts'
import { LIKE_DAYS } from '#domain/baseline/methods-history.ts'
import type { BaselineMethod } from '#domain/baseline/method.ts'
import { hashOf } from '#domain/canonical.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import {
  type Address,
  congestionPointId,
  organisationId,
  ownerId,
  programId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import type { Program } from '#domain/program.ts'
import type { CongestionPoint, Organisation, Owner, Resource, Site } from '#domain/resource.ts'
import { basisPoints } from '#domain/units.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { registerCongestionPoint } from '#lifecycle/register-congestion-point.ts'
import { registerOrganisation } from '#lifecycle/register-organisation.ts'
import { registerOwner } from '#lifecycle/register-owner.ts'
import { registerSite } from '#lifecycle/register-site.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
import { startOf } from '#simulations/scenarios/year/availability.ts'
import type { YearDevice } from '#simulations/scenarios/year/fleet.ts'
import { ratingOf } from '#simulations/scenarios/year/machines.ts'
import { PROMISED_RISK } from '#simulations/scenarios/year/policy.ts'
import { createWorld, type WorldOptions } from '#simulations/world.ts'
import type { Store } from '#store-ports.ts'

export const DSO = organisationId('dso')
export const FEEDER = congestionPointId('feeder')
const AGGREGATOR = organisationId('aggregator')

/** Two days that are alike: habits are the same every evening here, failures are not. */
const HABIT: BaselineMethod = {
  name: 'year-habit',
  version: 1,
  family: 'history',
  status: 'own',
  unit: 'resource',
  days: {
    ...LIKE_DAYS,
    dayTypes: 'every-day',
    pool: { size: 2, lookbackDays: 4, select: { by: 'all' }, minDays: 2 },
  },
  adjustment: null,
  floorAtZero: false,
  rounding: 'half-even',
  resolutionSeconds: null,
}

/** Waits are short: what is asked here is what devices do within the window. */
export const PROGRAM: Program = {
  id: programId('year'),
  version: 1,
  dsoId: DSO,
  timeZone: 'UTC',
  settlementPeriodSeconds: 900,
  meteringIntervalSeconds: 30,
  controlCycleSeconds: 30,
  noticeSeconds: 240,
  graceSeconds: 60,
  disputeWindowSeconds: 60,
  epochSeconds: 60,
  epochWindowSeconds: 60,
  settleBySeconds: 3_600,
  priceCapMax: microEurPerKwh(450_000n),
  feeBp: basisPoints(200),
  paymentPolicy: curvePolicy([
    { deliveredBp: 2_500, payBp: 0 },
    { deliveredBp: 9_500, payBp: 10_000 },
  ]),
  deliveryLevelBp: basisPoints(Math.round((1 - PROMISED_RISK) * 10_000)),
  chargerBaseline: HABIT,
  batteryBaseline: lastReading(),
  toleranceW: 600,
  toleranceBp: basisPoints(500),
}

export const WORLD: Omit<WorldOptions, 'start'> = {
  meteringIntervalSeconds: PROGRAM.meteringIntervalSeconds,
  disputeWindowSeconds: PROGRAM.disputeWindowSeconds,
  epochWindowSeconds: PROGRAM.epochWindowSeconds,
}

/** What a service keeps from one day to the next: who takes part, and the calls that are over. */
export type Kept = {
  readonly organisations: readonly Organisation[]
  readonly point: CongestionPoint
  readonly owner: Owner
  readonly site: Site
  readonly resources: readonly Resource[]
  readonly calls: readonly FlexibilityCall[]
}

/** Enrols the whole fleet with a service of its own, through every check that it makes. */
export async function enrolYear(fleet: readonly YearDevice[]): Promise<Kept> {
  const world = createWorld({ ...WORLD, start: startOf(-1) })
  await world.boot()
  const ports = world.ports()
  const { payer, agent } = SIMULATED_PARTIES
  const parties = [
    { id: DSO, kind: 'dso', name: 'DSO', address: payer },
    { id: AGGREGATOR, kind: 'aggregator', name: 'Aggregator', aggregatorShareBp: 1_500 },
    { id: organisationId('agent'), kind: 'agent', name: 'Payout agent', address: agent },
  ] as const
  const organisations: Organisation[] = []
  for (const party of parties) {
    organisations.push((await registerOrganisation(ports, party)).organisation)
  }
  await saveProgram(ports, PROGRAM)
  const point = await registerCongestionPoint(ports, { id: FEEDER, dsoId: DSO, name: 'Feeder' })
  const address: Address = `0x${hashOf({ wallet: 'year' }).slice(2, 42)}`
  const { owner } = await registerOwner(ports, AGGREGATOR, {
    id: ownerId('owner'),
    payout: { kind: 'wallet', address },
  })
  const site = await registerSite(ports, AGGREGATOR, {
    id: siteId('site'),
    ownerId: owner.id,
    congestionPointId: point.id,
  })
  const resources: Resource[] = []
  for (const device of fleet) {
    const { resource } = await enrolResource(ports, AGGREGATOR, {
      id: resourceId(device.ref),
      kind: device.kind,
      siteId: site.id,
      rating: ratingOf(device),
      offer: {
        price: microEurPerKwh(BigInt(device.priceMicroEur)),
        directions: ['reduce-import'],
        fromMinute: 0,
        untilMinute: 1_440,
      },
      connection: { protocol: 'simulated', address: device.ref },
    })
    resources.push(resource)
  }
  await world.stop()
  return { organisations, point, owner, site, resources, calls: [] }
}

/** A new day's store: parties, devices and past calls as they were left, and nothing else. */
export async function handOver(kept: Kept, store: Store): Promise<void> {
  await store.transaction(async (tx) => {
    for (const organisation of kept.organisations) await tx.organisations.save(organisation)
    await tx.organisations.saveProgram(PROGRAM)
    await tx.organisations.saveCongestionPoint(kept.point)
    await tx.resources.saveOwner(kept.owner)
    await tx.resources.saveSite(kept.site)
    for (const resource of kept.resources) await tx.resources.save(resource)
    for (const call of kept.calls) await tx.calls.create(call)
  })
}

function lastReading(): BaselineMethod {
  const found = builtInMethod('reading-before')
  if (found === null) throw new Error('there is no method reading-before')
  return found
}
