import { afterEach, describe, expect, it } from 'vitest'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { DomainError } from '#domain/errors.ts'
import type { CallId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import { verifyBundle } from '#domain/verification.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { DeviceDriver, Ports } from '#ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'
import { AVAILABILITY, FREQUENCY } from '../support/standby-world.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const battery = aResource('battery', 'battery', 200_000n)

let world: World
afterEach(() => world.stop())

/** What waits behind a line that is cut as the window ends. */
type Line = { isCut: boolean; readonly kept: DeviceReading[] }

function behind(driver: DeviceDriver, line: Line): DeviceDriver {
  const { recording } = driver
  if (recording === undefined) throw new Error('this driver fetches no recordings')
  return {
    ...driver,
    start: (sink) =>
      driver.start({
        ...sink,
        measured: (reading) =>
          line.isCut && reading.at >= at(1770)
            ? void line.kept.push(reading)
            : sink.measured(reading),
      }),
    async recording(...asked) {
      if (line.isCut) throw new DomainError('device-unreachable', 'its line is cut')
      return recording(...asked)
    },
  }
}

/** 3 kW stand by for half an hour, 1,500 Wh; from its last seconds nothing is heard. */
async function cutOff(changes: Partial<Program>) {
  const program = aProgram(changes)
  const line: Line = { isCut: true, kept: [] }
  const interpose = (ports: Ports, driver: DeviceDriver) => {
    return { ports, driver: behind(driver, line) }
  }
  world = createWorld({ start: at(-1200), ...program, interpose })
  await world.boot()
  await enrolAll(world, [battery], program)
  const frequencyMilliHz = () => 50_000
  plugBattery(world, battery, changes.frequency ? { frequencyMilliHz } : {})
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([3000, 3000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  return { id: call.id, line }
}

const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))

async function differing(id: CallId, version: number) {
  const text = await world.store.transaction((tx) => tx.evidence.load(id, version))
  const meter = world.ports().checkMeterSignature
  return verifyBundle(text ?? '', { gateway: verifySimulatedSignature, meter })
}

async function comesBack(line: Line) {
  line.isCut = false
  await recordTelemetry(world.ports(), line.kept.splice(0))
  // What the gateway's tick does, which this world without wall time does not have.
  await world.ports().wakeUps.notify('setpoints')
}

describe('what shows that somebody stood by, and comes after the evidence was closed', () => {
  it('opens it again: readings of a call for availability', async () => {
    const { id, line } = await cutOff(AVAILABILITY)
    await world.passTo(at(2010))
    const closed = await found(id)
    expect(closed).toMatchObject({ state: 'measured', evidence: { version: 1 } })
    // Of the first half of the window only.
    expect(closed.settlement?.lines).toMatchObject([{ gross: 15_000n }])
    await comesBack(line)
    await world.passTo(at(2040))
    const again = await found(id)
    expect(again.evidence?.version).toBe(2)
    expect(again.settlement?.lines).toMatchObject([{ reason: 'stood-by', gross: 30_000n }])
    expect(await differing(id, 2)).toEqual([])
    await world.passTo(at(2130))
    expect((await found(id)).evidence?.version).toBe(2)
  })

  it('opens it again: what a device recorded of the frequency', async () => {
    const { id, line } = await cutOff(FREQUENCY)
    await world.passTo(at(2010))
    expect((await found(id)).settlement?.lines).toMatchObject([{ gross: 0n }])
    await comesBack(line)
    await world.passTo(at(2100))
    const again = await found(id)
    expect(again.settlement?.lines).toMatchObject([{ reason: 'stood-by', gross: 30_000n }])
    expect(await differing(id, again.evidence?.version ?? 0)).toEqual([])
  })
})

describe('a service that comes back after the window', () => {
  it('waits for what a device recorded meanwhile before it measures', async () => {
    const { id, line } = await cutOff(FREQUENCY)
    await world.passTo(at(1770))
    await world.stop()
    await world.passTo(at(1950))
    await world.boot()
    await world.passTo(at(1980))
    expect((await found(id)).state).toBe('dispatched')
    await comesBack(line)
    await world.passTo(at(2130))
    const measured = await found(id)
    expect(measured).toMatchObject({ state: 'measured', evidence: { version: 1 } })
    expect(measured.settlement?.lines).toMatchObject([{ reason: 'stood-by', gross: 30_000n }])
  })
})
