import { afterEach, describe, expect, it } from 'vitest'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import type { DeviceDriver } from '#ports.ts'
import { CHARGER, type DisputedCall, measuredCall } from '../support/disputed-call.ts'
import { WINDOW_START } from '../support/builders.ts'

const LOST_FROM = addSeconds(WINDOW_START, 1770)
let call: DisputedCall
afterEach(() => call.world.stop())

/** A driver whose line is cut: from an instant on the charger's readings stay where they are. */
function cutLine(driver: DeviceDriver, from: Instant, kept: DeviceReading[]): DeviceDriver {
  return {
    ...driver,
    start: (sink) =>
      driver.start({
        ...sink,
        measured: (reading) =>
          reading.resourceId === CHARGER && reading.at >= from
            ? void kept.push(reading)
            : sink.measured(reading),
      }),
  }
}

/** Measured without the charger's last readings, which wait in the station. */
async function measuredWithout() {
  const kept: DeviceReading[] = []
  call = await measuredCall({
    interpose: (ports, driver) => ({ ports, driver: cutLine(driver, LOST_FROM, kept) }),
  })
  return kept
}

const lineOf = async () =>
  (await call.call()).settlement?.lines.find(({ resourceId }) => resourceId === CHARGER)
const bundleOf = async (version: number) =>
  (await call.world.store.transaction((tx) => tx.evidence.load(call.id, version))) ?? ''

describe('readings that come after the evidence was closed', () => {
  it('open it again: a new version pays what they show, and the old one stays as it was', async () => {
    const kept = await measuredWithout()
    expect(await lineOf()).toMatchObject({ reason: 'no-readings', gross: 0n })
    const first = await bundleOf(1)
    await recordTelemetry(call.world.ports(), kept)
    await call.pass(60, [])
    expect((await call.call()).evidence?.version).toBe(2)
    expect((await lineOf())?.gross).toBeGreaterThan(0n)
    expect(await bundleOf(1)).toBe(first)
    const meter = call.world.ports().checkMeterSignature
    const second = await bundleOf(2)
    expect(verifyBundle(second, { gateway: verifySimulatedSignature, meter })).toEqual([])
    expect(parseBundle(second).readings.length).toBeGreaterThan(parseBundle(first).readings.length)
    for (let i = 0; i < 4; i++) await call.pass(300)
    expect((await call.call()).state).toBe('paid')
  })

  it('change nothing where nothing follows from them', async () => {
    const kept = await measuredWithout()
    await recordTelemetry(call.world.ports(), kept)
    await call.pass(60, [])
    await call.pass(60, [])
    expect((await call.call()).evidence?.version).toBe(2)
  })

  it('come too late once the result stands proposed', async () => {
    const kept = await measuredWithout()
    await call.pass(90)
    expect((await call.call()).state).toBe('verified')
    await recordTelemetry(call.world.ports(), kept)
    await call.pass(60)
    expect((await call.call()).evidence?.version).toBe(1)
    expect(await lineOf()).toMatchObject({ reason: 'no-readings', gross: 0n })
  })
})
