import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { builtInMethod } from '#domain/baseline/methods.ts'
import {
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
import type { Organisation, Resource } from '#domain/resource.ts'
import { parseInstant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import type { Scenario, ScenarioDevice } from '#simulations/scenarios/scenario.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { machineOf } from './scenario-machine.ts'

export const DSO = organisationId('dso')

/** The contract under which a scenario is played without wall time; that of the demo. */
function programOf(scenario: Scenario): Program {
  const chargerBaseline = builtInMethod('mean-10-of-10')
  const batteryBaseline = builtInMethod('reading-before')
  if (!chargerBaseline || !batteryBaseline) throw new Error('a built-in baseline is missing')
  return {
    id: programId('program'),
    version: 1,
    dsoId: DSO,
    timeZone: scenario.timeZone,
    settlementPeriodSeconds: scenario.settlementPeriodSeconds,
    meteringIntervalSeconds: scenario.meteringIntervalSeconds,
    controlCycleSeconds: 30,
    restartSeconds: scenario.restartSeconds,
    noticeSeconds: 300,
    graceSeconds: 120,
    disputeWindowSeconds: 180,
    epochSeconds: 120,
    epochWindowSeconds: 60,
    settleBySeconds: 1800,
    priceCapMax: microEurPerKwh(450_000n),
    feeBp: basisPoints(200),
    paymentPolicy: curvePolicy([
      { deliveredBp: 2500, payBp: 0 },
      { deliveredBp: 9500, payBp: 10_000 },
    ]),
    chargerBaseline,
    batteryBaseline,
    toleranceW: 200,
    toleranceBp: basisPoints(500),
  }
}

/**
 * A scenario's parties and devices in a world without wall time, its machines plugged in.
 * @param disobedient is asked at every step who ignores what was set, by ref
 */
export async function scenarioWorld(
  scenario: Scenario,
  disobedient: ReadonlySet<string>,
): Promise<World> {
  const program = programOf(scenario)
  const start = parseInstant(scenario.start)
  const world = createWorld({ start, ...program })
  await world.boot()
  await enrol(world, scenario, program)
  for (const device of scenario.devices) {
    world.driver.plug(resourceId(device.ref), machineOf(device, world.clock, disobedient))
    if (device.kind === 'battery') continue
    const past = device.history.map(({ at, registerWh }) => {
      const known = { resourceId: resourceId(device.ref), at: parseInstant(at), registerWh }
      return { ...known, powerW: null, socBp: null }
    })
    await recordTelemetry(world.ports(), past, 'imported')
  }
  await world.ports().wakeUps.notify('resources')
  return world
}

async function enrol({ store }: World, scenario: Scenario, program: Program): Promise<void> {
  const { payer, agent } = SIMULATED_PARTIES
  await store.transaction(async (tx) => {
    await tx.organisations.save(organisation('dso', 'dso', 0, payer))
    await tx.organisations.save(organisation('agent', 'agent', 0, agent))
    for (const { ref, shareBp } of scenario.aggregators) {
      await tx.organisations.save(organisation(ref, 'aggregator', shareBp, null))
    }
    await tx.organisations.saveProgram(program)
    for (const { ref, name, room } of scenario.congestionPoints) {
      const point = { id: congestionPointId(ref), dsoId: DSO, name }
      await tx.organisations.saveCongestionPoint(room === null ? point : { ...point, room })
    }
    for (const { ref, aggregator } of scenario.owners) {
      const aggregatorId = organisationId(aggregator)
      await tx.resources.saveOwner({ id: ownerId(ref), aggregatorId, payout: { kind: 'agent' } })
    }
    for (const device of scenario.devices) await tx.resources.save(resourceOf(scenario, device))
  })
}

function organisation(
  id: string,
  kind: Organisation['kind'],
  shareBp: number,
  address: Organisation['address'],
): Organisation {
  const aggregatorShareBp = basisPoints(shareBp)
  return { id: organisationId(id), kind, name: id, address, aggregatorShareBp }
}

function resourceOf(scenario: Scenario, device: ScenarioDevice): Resource {
  const { ref, kind, site, rating, offer } = device
  const place = scenario.sites.find((one) => one.ref === site)
  if (place === undefined) throw new Error(`the scenario has no site ${site}`)
  return {
    id: resourceId(ref),
    kind,
    siteId: siteId(site),
    ownerId: ownerId(place.owner),
    aggregatorId: organisationId(place.aggregator),
    congestionPointId: congestionPointId(place.congestionPoint),
    rating,
    offer: { ...offer, price: microEurPerKwh(BigInt(offer.price)) },
    connection: { protocol: 'simulated', address: ref },
    meter: null,
    enrolledAt: parseInstant(scenario.start),
  }
}
