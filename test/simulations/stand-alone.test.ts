import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import modbus from 'modbus-serial'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createMachineClock } from '#processes/wall-time.ts'
import { startBattery, startCharger, startInverter } from '#simulations/stand-alone.ts'
import { Csms, until } from './devices/csms.ts'
import { clientPki, connectTo, nodeIds } from './devices/opcua-client.ts'

const clock = createMachineClock()
let folder: string
let said: string[]
const say = (line: string) => void said.push(line)

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gridcall-test-alone-'))
  said = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.each(['1.6', '2.0.1', '2.1'] as const)('a charger alone over OCPP %s', (version) => {
  test('is let in with its password only, tells what its car needs, and meters on whole seconds', async () => {
    const csms = new Csms()
    await csms.start()
    onTestFinished(() => csms.stop())
    csms.passwords.set('charger-1', 'right')
    const url = csms.url('charger-1')
    const stranger = startCharger({ version, url, password: 'wrong', clock, say })
    await until('it is turned away', () => csms.refusals > 0)
    await stranger.stop()

    const charger = startCharger({ version, url, password: 'right', clock, say })
    onTestFinished(() => charger.stop())
    const needs = version === '1.6' ? 'DataTransfer' : 'NotifyEVChargingNeeds'
    await until('it tells its needs', () => csms.of('charger-1', needs).length > 0)
    expect(JSON.stringify(csms.of('charger-1', needs)[0])).toMatch(/energyAmount\D+30000/)
    if (version === '1.6') {
      const interval = { key: 'ClockAlignedDataInterval', value: '1' }
      await csms.call('charger-1', 'ChangeConfiguration', interval)
      await until('it meters', () => csms.of('charger-1', 'MeterValues').length > 1)
      const stamps = csms.of('charger-1', 'MeterValues').map(({ meterValue }) => {
        return Date.parse((meterValue as { timestamp: string }[])[0]?.timestamp ?? '')
      })
      expect(stamps.every((at) => at % 1000 === 0)).toBe(true)
      expect(Math.abs((stamps[0] ?? 0) - clock.now())).toBeLessThan(5000)
    }
    expect(csms.deviations).toEqual([])
    expect(said.some((line) => / connected\b/.test(line))).toBe(true)
  })
})

test('a charger alone has the quirks it was given', async () => {
  const csms = new Csms()
  await csms.start()
  onTestFinished(() => csms.stop())
  csms.passwords.set('charger-1', 'right')
  const url = csms.url('charger-1')
  const quirks = ['B6', 'D8'] as const
  const charger = startCharger({ version: '1.6', quirks, url, password: 'right', clock, say })
  onTestFinished(() => charger.stop())
  await until('it is there', () => csms.of('charger-1', 'StartTransaction').length > 0)
  const key = ['ChargeProfileMaxStackLevel']
  const { configurationKey } = await csms.call('charger-1', 'GetConfiguration', { key })
  expect(configurationKey).toMatchObject([{ value: '3' }])
  void csms.call('charger-1', 'GetConfiguration', {}).catch(() => undefined)
  await until('it restarts', () => csms.of('charger-1', 'BootNotification').length === 2)
})

test('a battery alone trusts one client, and shows the same certificate when it comes back', async () => {
  const client = await clientPki(folder, 'gateway')
  const stranger = await clientPki(folder, 'stranger')
  onTestFinished(async () => {
    await client.manager.dispose()
    await stranger.manager.dispose()
  })
  const options = { folder, clientCertificatePem: client.pem, clock, say }
  const first = await startBattery({ ...options, port: 0 })
  await expect(connectTo(first.endpoint, stranger)).rejects.toThrow()
  const { session, close } = await connectTo(first.endpoint, client)
  const nodeId = await nodeIds(session)
  const soc = await session.read({ nodeId: nodeId('StateOfCharge') })
  expect(soc.value.value).toBeCloseTo(65, 0)
  await close()
  await first.stop()

  const again = await startBattery({ ...options, port: Number(first.endpoint.split(':').at(-1)) })
  onTestFinished(() => again.stop())
  expect(again.endpoint).toBe(first.endpoint)
  expect(again.thumbprint).toBe(first.thumbprint)
})

test('an inverter alone is a SunSpec map on a Modbus port', async () => {
  const inverter = await startInverter({ port: 0, clock, say })
  onTestFinished(() => inverter.stop())
  const client = new modbus.default()
  await client.connectTCP('127.0.0.1', { port: inverter.port })
  onTestFinished(() => new Promise<void>((resolve) => client.close(() => resolve())))
  client.setTimeout(2000)
  const { buffer } = await client.readHoldingRegisters(40_000, 20)
  expect(buffer.toString('latin1', 0, 4)).toBe('SunS')
  expect(buffer.toString('latin1', 8, 16)).toBe('Gridcall')
})
