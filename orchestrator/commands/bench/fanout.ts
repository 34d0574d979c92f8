import { type Child, startChild } from './child.ts'
import { type BenchRun, type Measurement, measurement, median } from './measurement.ts'
import type { Dial } from './ocpp-load.ts'
import { GATEWAY_FLAGS, type OcppRun, startOcppRun } from './ocpp-run.ts'

const ROUNDS = 5
const METERED = 1_000

/** Readings in and setpoints out: real driver, real sockets, the load on another core. */
export async function run({ seed, size, timer, say }: BenchRun): Promise<Measurement[]> {
  const stations = size('stations', 10_000)
  const meterMs = size('meterms', 5_000)
  const world = await startOcppRun(timer)
  const bare = startChild('./bare-loop.ts', timer, GATEWAY_FLAGS)
  const bareLoad = startChild('./ocpp-load.ts', timer)
  try {
    await world.grow(stations)
    say(`${stations} stations are set up`)
    const metered = await meter(world, { stations: Math.min(METERED, stations), meterMs, seed })
    say('readings are measured')
    await dialBare(bare, bareLoad, stations)
    const ours: number[] = []
    const theirs: number[] = []
    const { processorSeconds: busyBefore } = await world.state()
    // Turn by turn, so that both have the same share of whatever else the machine does.
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(await bare.ask<number>('setpoints', { payload: bareProfile(round) }, 60_000))
      const order = { count: stations, powerW: 5_000 + 100 * round }
      ours.push(await world.gateway.ask<number>('setpoints', order, 60_000))
    }
    const busy = (await world.state()).processorSeconds - busyBefore
    const each = measurement({
      measure: 'processor time of the gateway for each setpoint',
      value: (busy / (ROUNDS * stations)) * 1e6,
      unit: 'µs',
      better: 'lower',
    })
    return [...metered, ...setpoints(stations, ours, theirs), each]
  } finally {
    await Promise.all([world.stop(), bare.stop(), bareLoad.stop()])
  }
}

async function meter(
  { loads, state }: OcppRun,
  { stations, meterMs, seed }: { stations: number; meterMs: number; seed: number },
): Promise<Measurement[]> {
  const [load] = loads
  if (load === undefined) throw new Error('there is no load')
  const deadlineMs = meterMs + 60_000
  await load.ask('meter', { stations, ms: meterMs / 5, seed }, deadlineMs) // compiled by now
  const before = await state()
  await load.ask<number>('meter', { stations, ms: meterMs, seed }, deadlineMs)
  const after = await state()
  const readings = after.readings - before.readings
  const told = { unit: '1/s', better: 'higher', bar: 20_000 } as const
  return [
    measurement({
      ...told,
      measure: "MeterValues answered on one core (per second of the gateway's processor time)",
      value: readings / (after.processorSeconds - before.processorSeconds),
    }),
    measurement({
      ...told,
      measure: 'MeterValues answered per second of wall time, the load beside it',
      value: readings / (meterMs / 1_000),
    }),
  ]
}

function setpoints(stations: number, ours: number[], theirs: number[]): Measurement[] {
  return [
    measurement({
      measure: `${stations} setpoints acknowledged`,
      value: median(ours),
      unit: 's',
      better: 'lower',
      bar: 1,
    }),
    measurement({
      measure: 'setpoints acknowledged per second, against a bare ws loop',
      value: stations / median(ours),
      unit: '1/s',
      better: 'higher',
      reference: stations / median(theirs),
      bar: 0.5,
    }),
  ]
}

async function dialBare(bare: Child, load: Child, count: number): Promise<void> {
  const url = await bare.ask<string>('start', null, 30_000)
  const dial: Dial = { url, first: 0, count, boots: false }
  await load.ask('connect', dial, 60_000 + 10 * count)
}

/** The same message as the driver's. */
function bareProfile(round: number): object {
  return {
    connectorId: 1,
    csChargingProfiles: {
      chargingProfileId: 11,
      stackLevel: 1,
      chargingProfilePurpose: 'TxProfile',
      chargingProfileKind: 'Absolute',
      transactionId: 194_000_000 + round,
      chargingSchedule: {
        chargingRateUnit: 'A',
        startSchedule: '2026-03-02T17:00:00.000Z',
        duration: 1860,
        chargingSchedulePeriod: [{ startPeriod: 0, limit: 7.2, numberPhases: 3 }],
      },
    },
  }
}
