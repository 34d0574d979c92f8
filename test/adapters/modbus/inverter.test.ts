import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { ServerTCP } from 'modbus-serial'
import { afterEach, expect, test } from 'vitest'
import { createModbusDriver, type ModbusDriverOptions } from '#adapters/modbus/driver.ts'
import { InverterModbus } from '#simulations/devices/inverter-modbus.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { batteryOf, quietHooks } from '../conformance/machines.ts'
import {
  heard,
  INTERVAL_SECONDS,
  orderFor,
  resourceOf,
  runningClock,
  until,
} from '../conformance/rig.ts'

/** Of driver and device alike. */
const clock = runningClock()
const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A driver, and what its sink hears; a resource at a port. */
async function startDriver(port: number, options: Partial<ModbusDriverOptions> = {}) {
  const limits: (number | null)[] = []
  const seen = {
    ...heard(),
    limitedElsewhere: (_: unknown, limitW: number | null) => void limits.push(limitW),
  }
  const connection = { protocol: 'modbus', host: '127.0.0.1', port, unitId: 1 } as const
  const resource = resourceOf('inverter', 'battery', connection)
  const world = { clock, timer: wallTimer, log: seen.log }
  const meteringIntervalSeconds = INTERVAL_SECONDS
  const driver = createModbusDriver({ ...world, meteringIntervalSeconds, pollMs: 50, ...options })
  await driver.attach(resource) // known before it starts
  await driver.start(seen)
  ends.push(() => driver.stop())
  const isUp = () => seen.connections.at(-1)?.isConnected === true
  return {
    driver,
    seen,
    limits,
    resource,
    isUp,
    reason: () => seen.connections.at(-1)?.detail,
  }
}

async function startInverter(
  options: { base?: number } = {},
  quirks: Partial<InverterModbus['quirks']> = {},
) {
  const inverter = new InverterModbus(
    batteryOf('inverter'),
    clock.now(),
    quietHooks(clock),
    options,
  )
  Object.assign(inverter.quirks, quirks)
  const port = await inverter.start()
  const tick = setInterval(() => inverter.advance(), 20)
  ends.push(() => inverter.stop())
  ends.push(() => clearInterval(tick))
  return { inverter, port }
}

async function startServer(registers: (address: number) => number) {
  const vector = { getHoldingRegister: registers }
  const server = new ServerTCP(vector, { host: '127.0.0.1', port: '0' as never })
  await new Promise<void>((resolve) => server.on('initialized', () => resolve()))
  ends.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const { _server: listening } = server as unknown as { _server: Server }
  return (listening.address() as AddressInfo).port
}

test('what is no SunSpec device is refused, and the reason says what was looked for', async () => {
  const port = await startServer(() => {
    throw Object.assign(new Error('no such register'), { modbusErrorCode: 2 })
  })
  const { seen, reason } = await startDriver(port)
  await until('the refusal', () => seen.connections.length > 0)
  expect(reason()).toContain("expected 'SunS' at register 40000, 50000, 0")
  expect(seen.connections).toMatchObject([{ isConnected: false }])
})

test('a device without the models that are needed is refused, and they are named', async () => {
  const words = [0x5375, 0x6e53, 103, 2, 0, 0, 0xffff, 0]
  const port = await startServer((address) => words[address - 40_000] ?? 0)
  const { seen, reason } = await startDriver(port)
  await until('the refusal', () => seen.connections.length > 0)
  expect(reason()).toBe('expected the SunSpec models 1, 701, 702, 704, got 103')
})

test('a chain of models without an end is refused', async () => {
  const port = await startServer((address) => [0x5375, 0x6e53][address - 40_000] ?? 0)
  const { seen, reason } = await startDriver(port)
  await until('the refusal', () => seen.connections.length > 0)
  expect(reason()).toBe('its chain of SunSpec models has no end')
})

test.each([50_000, 0])('a map at register %d is found', async (base) => {
  const { port } = await startInverter({ base })
  const { isUp, reason, driver, resource } = await startDriver(port)
  await until('the connection', isUp)
  expect(reason()).toBe('SunSpec, Gridcall Simulated inverter, REMOTE')
  await driver.apply(resource.id, orderFor(resource, clock, 1, -1000), 1_000)
})

test('with its battery in LOCAL control nothing is promised either, and the reason says so', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource, limits } = await startDriver(port)
  await until('the connection', isUp)
  inverter.quirks.isBatteryLocal = true
  await until('it being told', () => limits.length > 1)
  const order = driver.apply(resource.id, orderFor(resource, clock, 1, 1000), 1_000)
  await expect(order).rejects.toMatchObject({
    code: 'device-refused',
    message: expect.stringMatching(/the battery is in LOCAL control/),
  })
  expect(inverter.writes).toEqual([])
  expect(await driver.readBack(resource.id, 1_000)).toEqual({ kind: 'unknown' })
  inverter.quirks.isBatteryLocal = false
  await until('it being over', () => limits.length > 2)
  await driver.apply(resource.id, orderFor(resource, clock, 2, 1000), 1_000)
  expect(limits).toEqual([null, 0, null])
})

test('an inverter that takes percent only gets no more than was ordered, with its end first', async () => {
  const { inverter, port } = await startInverter({}, { isPercentOnly: true })
  const { isUp, driver, seen, resource } = await startDriver(port)
  await until('the connection', isUp)
  const most = inverter.unit.spec.dischargeMaxW
  await driver.apply(resource.id, orderFor(resource, clock, 1, -1234), 1_000)
  const [timer, ...rest] = inverter.writes
  expect(timer?.values).toHaveLength(3)
  const tenths = Math.floor((1234 * 1000) / most)
  expect(rest.map(({ values }) => values)).toEqual([[tenths], [1, 0]])
  const powerW = Math.round(-(tenths * most) / 1000)
  expect(await driver.readBack(resource.id, 1_000)).toEqual({ kind: 'limited', powerW })
  await driver.apply(resource.id, orderFor(resource, clock, 2, 1000), 1_000)
  expect(await driver.readBack(resource.id, 1_000)).toMatchObject({ kind: 'limited' })
  await driver.apply(resource.id, orderFor(resource, clock, 3, null), 1_000)
  expect(await driver.readBack(resource.id, 1_000)).toEqual({ kind: 'default' })
  expect(seen.connections).toMatchObject([{ isConnected: true }])
})

test('in LOCAL control orders are refused, nothing is promised and nobody can tell', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource, limits } = await startDriver(port)
  await until('the connection', isUp)
  expect(limits).toEqual([null])
  inverter.unit.local = true
  await until('it being told', () => limits.length > 1)
  const order = driver.apply(resource.id, orderFor(resource, clock, 1, 1000), 1_000)
  await expect(order).rejects.toMatchObject({ code: 'device-refused', message: /LOCAL/ })
  expect(await driver.readBack(resource.id, 1_000)).toEqual({ kind: 'unknown' })
  inverter.unit.local = false
  await until('it being over', () => limits.length > 2)
  expect(limits).toEqual([null, 0, null])
})

test('a power beyond its rating, and an order without a second left, are never sent', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource } = await startDriver(port)
  await until('the connection', isUp)
  for (const order of [
    orderFor(resource, clock, 1, 5001),
    orderFor(resource, clock, 2, -5001),
    orderFor(resource, clock, 3, 1000, 0),
  ]) {
    const sent = driver.apply(resource.id, order, 1_000)
    await expect(sent).rejects.toMatchObject({ code: 'device-refused' })
  }
  expect(inverter.writes).toEqual([])
})

test('an exception "busy" is no refusal: the gateway may try again', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource } = await startDriver(port)
  await until('the connection', isUp)
  inverter.quirks.refusesWith = 6
  const order = orderFor(resource, clock, 1, 1000)
  const busy = driver.apply(resource.id, order, 1_000)
  await expect(busy).rejects.toMatchObject({ code: 'device-unreachable', message: /is busy/ })
  inverter.quirks.refusesWith = null
  await driver.apply(resource.id, order, 1_000)
  expect(inverter.unit.setpoint?.powerW).toBe(1000)
})

test('no power is ever in force without an end: the timer goes first', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource } = await startDriver(port)
  await until('the connection', isUp)
  const order = orderFor(resource, clock, 1, -3000, 100)
  await driver.apply(resource.id, order, 1_000)
  const [timer, power] = inverter.writes
  expect(timer?.values.slice(0, 2)).toEqual([0, 0])
  expect(timer?.values[2]).toBeLessThanOrEqual(100)
  expect(timer?.values[2]).toBeGreaterThan(95)
  expect(power?.values).toEqual([1, 1, 0, 3000])
  expect(power?.at).toBe((timer?.at ?? 0) - 8)
})

test('on a slow line the timer is set again, so that it never ends after the order', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource } = await startDriver(port)
  await until('the connection', isUp)
  inverter.quirks.answersAfterMs = 150 // 1.5 s of business time for each answer
  const order = orderFor(resource, clock, 1, 2000, 60)
  await driver.apply(resource.id, order, 5_000)
  expect(inverter.writes.length).toBeGreaterThan(2)
  expect(inverter.unit.setpoint?.validUntil).toBeLessThanOrEqual(order.validUntil)
  expect(inverter.unit.setpoint?.validUntil).toBeGreaterThan(order.validUntil - 20_000)
})

test('an inverter that keeps an order past its timer is brought back', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource, seen } = await startDriver(port)
  await until('the connection', isUp)
  inverter.quirks.keepsPastItsTimer = true
  await driver.apply(resource.id, orderFor(resource, clock, 1, 2000, 4), 1_000)
  await until('the end', () => inverter.unit.setpoint === null, 3_000)
  expect(seen.lines.join()).toContain('its timer did not end the order')
})

test('an order whose answer was lost does not hold when the line is back', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource } = await startDriver(port)
  await until('the connection', isUp)
  const kept = orderFor(resource, clock, 1, 1000)
  await driver.apply(resource.id, kept, 1_000)
  inverter.quirks.mute = 'to writes'
  // Its first write is carried out, and nobody hears that it was.
  const lost = driver.apply(resource.id, orderFor(resource, clock, 2, 3000), 300)
  await expect(lost).rejects.toMatchObject({ code: 'device-unreachable' })
  await until('the loss', () => !isUp())
  inverter.quirks.mute = 'no'
  await until('the connection', isUp)
  expect(inverter.unit.setpoint).toBeNull()
})

test('a heartbeat that stands still means no orders, until it beats again', async () => {
  const { inverter, port } = await startInverter()
  const { isUp, driver, resource, seen } = await startDriver(port, { staleMs: 600 })
  await until('the connection', isUp)
  inverter.quirks.isFrozen = true
  await until('it being told', () => !isUp())
  expect(seen.connections.at(-1)?.detail).toBe('its heartbeat stands still for 0.6 s')
  const order = driver.apply(resource.id, orderFor(resource, clock, 1, 1000), 1_000)
  await expect(order).rejects.toMatchObject({ code: 'device-unreachable' })
  inverter.quirks.isFrozen = false
  await until('the return', isUp)
})

test('answers that nobody asked for, or that come twice, are dropped', async () => {
  const { inverter, port } = await startInverter()
  const noisy = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
    near.pipe(far)
    far.on('data', (answer) => {
      const stranger = Buffer.from(answer)
      stranger.writeUInt16BE((answer.readUInt16BE(0) + 7) % 256, 0)
      stranger.fill(0x5a, 9)
      near.write(Buffer.concat([stranger, answer, answer]))
    })
  })
  await new Promise<void>((resolve) => noisy.listen(0, '127.0.0.1', resolve))
  ends.push(() => new Promise<void>((resolve) => noisy.close(() => resolve())))
  const { isUp, driver, resource, seen } = await startDriver((noisy.address() as AddressInfo).port)
  await until('the connection', isUp)
  await driver.apply(resource.id, orderFor(resource, clock, 1, 1234), 1_000)
  expect(inverter.unit.setpoint?.powerW).toBe(1234)
  expect(await driver.readBack(resource.id, 1_000)).toEqual({ kind: 'limited', powerW: 1234 })
  await until('two readings', () => seen.readings.length >= 2)
  expect(seen.readings.every(({ socBp }) => socBp !== null && socBp > 4900 && socBp < 5100)).toBe(
    true,
  )
})
