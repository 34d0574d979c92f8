import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { resourceId } from '#domain/ids.ts'
import type { DeviceDriver } from '#ports.ts'
import { type DeviceUnderTest, type Heard, heard, orderFor, type Rig, until } from './rig.ts'

/** Wall time that a driver may take beyond the deadline it was given. */
const GRACE_MS = 800
const STOP_MS = 6_000
/** A device lets go by its own clock, in whole seconds of business time. */
const LETS_GO_SECONDS = 2

/**
 * What every driver owes the gateway, one sentence each. The order matters: it is one device's life
 * from its first connection to the end of the service.
 */
export function driverConformance(name: string, openRig: () => Promise<Rig>): void {
  describe(`the contract of drivers: ${name}`, () => {
    let rig: Rig
    let driver: DeviceDriver
    let device: DeviceUnderTest
    let seen: Heard
    let version = 0

    beforeAll(async () => {
      rig = await openRig()
      seen = heard()
      driver = await rig.openDriver(seen.log)
      await driver.start(seen)
      device = await rig.openDevice(driver)
    }, 30_000)

    afterAll(async () => {
      await driver?.stop()
      await device?.leave()
      await rig?.close()
    }, 30_000)

    const id = () => device.resource.id
    const next = (powerW: number | null, seconds?: number) =>
      orderFor(device.resource, rig.clock, ++version, powerW, seconds)
    const near = (powerW: number) =>
      expect.toSatisfy(
        (got: unknown) => typeof got === 'number' && Math.abs(got - powerW) <= device.stepW,
        `within ${device.stepW} W of ${powerW} W`,
      )
    const isUp = () => seen.connections.at(-1)?.isConnected === true
    const times = () => seen.connections.filter(({ isConnected }) => isConnected).length

    /** The code of a refusal, and whether it came in its time. */
    async function refusal(work: Promise<unknown>, deadlineMs: number): Promise<string> {
      const began = performance.now()
      const error = await work.then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(performance.now() - began).toBeLessThan(deadlineMs + GRACE_MS)
      if (error === null) return 'it was taken'
      return error instanceof DomainError ? error.code : `no DomainError: ${String(error)}`
    }

    test('a device that nobody attached is unreachable, for orders and read-backs', async () => {
      const stranger = { ...device.resource, id: resourceId('stranger') }
      const order = orderFor(stranger, rig.clock, 1, null)
      expect(await refusal(driver.apply(stranger.id, order, 500), 500)).toBe('device-unreachable')
      expect(await refusal(driver.readBack(stranger.id, 500), 500)).toBe('device-unreachable')
    })

    test('an attached device connects and tells once that it did, and what it can do', async () => {
      await driver.attach(device.resource)
      await driver.attach(device.resource)
      await until('the connection', isUp, 12_000)
      await driver.attach({ ...device.resource })
      await delay(150)
      expect(times()).toBe(1)
      await until('its capability', () => seen.capabilities.length > 0)
      const capability = seen.capabilities.at(-1)
      expect(['A', 'W']).toContain(capability?.unit)
      expect([1, 3, null]).toContain(capability?.phases)
      expect(capability?.minimumW).toBeGreaterThanOrEqual(0)
      expect(capability?.stepW).toBeGreaterThan(0)
      expect(capability?.stepW).toBeLessThanOrEqual(device.stepW)
      expect(capability?.meterIntervalSeconds ?? 1).toBeGreaterThan(0)
      expect(capability?.protocol.startsWith(driver.protocol)).toBe(true)
    })

    test('before any order it says that its own default is in force', async () => {
      expect(await driver.readBack(id(), 2_000)).toEqual({ kind: 'default' })
      expect(device.truth()).toBeNull()
    })

    test('an order counts when the device has it, and is read back from the device', async () => {
      const [first, second] = device.powersW
      for (const powerW of [first, second]) {
        await driver.apply(id(), next(powerW), 2_000)
        expect(device.truth()).toEqual(near(powerW))
        const effective = await driver.readBack(id(), 2_000)
        expect(effective).toMatchObject({ kind: 'limited', powerW: near(powerW) })
      }
    })

    test('readings come on time and once each, in whole W and Wh, + is import', async () => {
      const [, powerW] = device.powersW
      const settled = seen.readings.length + 2 // one was under way, in one the power changed
      await until('four readings', () => seen.readings.length >= settled + 4, 8_000)
      const readings = seen.readings.slice(settled)
      for (const reading of readings) {
        expect(Number.isSafeInteger(reading.registerWh)).toBe(true)
        expect(Number.isSafeInteger(reading.powerW)).toBe(true)
        expect(Math.sign(reading.powerW ?? 0)).toBe(Math.sign(powerW))
        expect(reading.at).toBeLessThanOrEqual(rig.clock.now())
        expect(reading.at).toBeGreaterThan(rig.clock.now() - 60_000)
      }
      const stamps = seen.readings.map(({ at }) => at)
      expect(new Set(stamps).size).toBe(stamps.length)
      expect(stamps).toEqual([...stamps].sort((a, b) => a - b))
      const rise = (readings.at(-1)?.registerWh ?? 0) - (readings[0]?.registerWh ?? 0)
      expect(Math.sign(rise)).toBe(Math.sign(powerW))
    })

    test('a lower version never replaces a higher one', async () => {
      const [first, second] = device.powersW
      const older = next(second)
      await driver.apply(id(), next(first), 2_000)
      expect(await refusal(driver.apply(id(), older, 2_000), 2_000)).toBe('device-refused')
      expect(device.truth()).toEqual(near(first))
    })

    test('what the device refuses is refused, and what held before holds', async () => {
      const [first, second] = device.powersW
      device.refuse(true)
      const said = await refusal(driver.apply(id(), next(second), 3_000), 3_000)
      device.refuse(false)
      expect(said).toBe('device-refused')
      expect(device.truth()).toEqual(near(first))
    })

    test('null brings it back to its default, and the read-back says so', async () => {
      await driver.apply(id(), next(null), 2_000)
      expect(device.truth()).toBeNull()
      expect(await driver.readBack(id(), 2_000)).toEqual({ kind: 'default' })
    })

    test('a device that does not answer is unreachable within the deadline', async () => {
      const [first] = device.powersW
      device.hush()
      expect(await refusal(driver.apply(id(), next(first), 400), 400)).toBe('device-unreachable')
      await device.cut()
      await until('the loss being told', () => !isUp(), 12_000)
    })

    test('away it is unreachable at once, and a late order never reaches it', async () => {
      const [first, second, third] = device.powersW
      const before = times()
      const late = next(third)
      expect(await refusal(driver.apply(id(), late, 700), 700)).toBe('device-unreachable')
      expect(await refusal(driver.readBack(id(), 700), 700)).toBe('device-unreachable')
      await device.restore()
      await until('the connection', () => times() > before, 15_000)
      await delay(300)
      expect(times()).toBe(before + 1)
      expect(device.truth()).not.toEqual(near(third))
      expect(device.truth()).not.toEqual(near(first)) // nor does the one that went unanswered
      await driver.apply(id(), next(second), 2_000)
      expect(device.truth()).toEqual(near(second))
    })

    test('a reason for being away is not told twice', () => {
      const told = seen.connections.map(({ isConnected, detail }) => `${isConnected} ${detail}`)
      expect(told.filter((line, i) => line === told[i - 1])).toEqual([])
    })

    test('let go, a device that we dial loses its line and keeps its order, until we dial again', async () => {
      if (driver.detach === undefined) return // it dials us, and moves to another gateway by itself
      const [, second] = device.powersW
      await driver.detach(id())
      await until('the line being gone', () => device.connections() === 0, 2_000)
      expect(await refusal(driver.apply(id(), next(null), 700), 700)).toBe('device-unreachable')
      expect(device.truth()).toEqual(near(second))
      const before = times()
      await driver.attach(device.resource)
      await until('the connection', () => times() > before, 12_000)
      expect(await driver.readBack(id(), 2_000)).toMatchObject({
        kind: 'limited',
        powerW: near(second),
      })
    })

    test('the service gone, the device lets go by itself when the order ends', async () => {
      const [first] = device.powersW
      const seconds = 12
      const order = next(first, seconds)
      await driver.apply(id(), order, 2_000)
      const began = performance.now()
      await driver.stop()
      expect(performance.now() - began).toBeLessThan(STOP_MS)
      await until('the line being gone', () => device.connections() === 0, 2_000)
      const [connections, readings] = [seen.connections.length, seen.readings.length]
      if (rig.clock.now() < order.validUntil - LETS_GO_SECONDS * 1000) {
        expect(device.truth()).toEqual(near(first))
      }
      await until('the end of the order', () => rig.clock.now() >= order.validUntil)
      await delay((LETS_GO_SECONDS * 1000) / rig.clock.speed)
      expect(device.truth()).toBeNull()
      expect(seen.connections.length).toBe(connections)
      expect(seen.readings.length).toBe(readings)
    })
  })
}
