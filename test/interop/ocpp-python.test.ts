/**
 * The central system against stations made of the Python package `ocpp` (mobilityhouse): it checks
 * each of our frames against a copy of the schemas that is not ours.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { formatInstant } from '#domain/time.ts'
import {
  charger,
  PASSWORD,
  setpoint,
  START,
  startWorld,
  until,
  type World,
} from '#test/adapters/ocpp/world.ts'
import { describeWith } from '#test/support/describe-with.ts'
import { python } from './python.ts'

const resource = charger()

type Told = { kind: string; [field: string]: unknown }

function startStation(world: World, version: string) {
  const script = join(import.meta.dirname, 'ocpp_station.py')
  const url = world.driver.url('CP-1')
  const child = spawn(python, [script, version, url, 'CP-1', PASSWORD, formatInstant(START)])
  const told: Told[] = []
  const complaints: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => told.push(JSON.parse(line) as Told))
  child.stderr.on('data', (chunk) => complaints.push(String(chunk)))
  const exit = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  return {
    child,
    told,
    complaints,
    exit,
    of: (kind: string) => told.filter((one) => one.kind === kind),
  }
}

describeWith('python3-venv', 'OCPP stations of the Python package ocpp', () => {
  let world: World

  afterEach(async () => {
    await world.stop()
  })

  async function callOn(version: '1.6' | '2.0.1'): Promise<void> {
    world = await startWorld({ bootGraceMs: 5_000 })
    const station = startStation(world, version)
    try {
      await until('the station to meter', () => station.of('metered').length === 1, 20_000)
      await until('the set-up', () => world.heard.connected.length === 1, 20_000)
      expect(station.of('booted')).toMatchObject([
        { status: 'Accepted', time: '2026-03-02T17:00:00Z' },
      ])
      await world.driver.apply(resource.id, setpoint(resource), 5_000)
      // Asked at once, on the line that acknowledged; what the station prints comes on another one.
      expect(await world.driver.readBack(resource.id, 5_000)).toEqual({
        kind: 'limited',
        powerW: 4_140,
      })
      await until('the profile in print', () => station.of('profile').length === 2)
      expect(station.of('profile')).toMatchObject([
        { purpose: 'TxDefaultProfile', limit: 16, duration: null },
        { purpose: 'TxProfile', limit: 6, duration: 1_860 },
      ])
      await world.driver.apply(resource.id, setpoint(resource, { version: 2, powerW: null }), 5_000)
      expect(await world.driver.readBack(resource.id, 5_000)).toEqual({ kind: 'default' })
      await until('the clearing in print', () => station.of('cleared').at(-1)?.['found'] === true)
      expect(station.of('cleared').at(-1)).toMatchObject({ id: 720_001 })
      station.child.stdin.write('leave\n')
      expect([await station.exit, station.complaints.join('')]).toEqual([0, ''])
      await until('the end in print', () => station.of('done').length === 1)
      expect(station.of('done')).toEqual([{ kind: 'done', protocol: `ocpp${version}` }])
    } finally {
      station.child.kill()
    }
    expect(world.heard.readings).toEqual([
      { resourceId: resource.id, at: START + 30_000, powerW: 11_000, registerWh: 592, socBp: null },
    ])
    expect(world.heard.sessions.at(-1)).toMatchObject({
      startedAt: START,
      endedAt: START + 60_000,
    })
  }

  test('a 1.6 station is set up, limited, read back, released and metered', async () => {
    await callOn('1.6')
    expect(world.heard.sessions.at(-1)).toMatchObject({ startRegisterWh: 500 })
  })

  test('a 2.0.1 station is set up, limited, read back, released and metered', async () => {
    await callOn('2.0.1')
    expect(world.heard.sessions.at(-1)).toMatchObject({ energyNeededWh: 9_000 })
  })

  test('a station with a wrong password is turned away before the upgrade', async () => {
    world = await startWorld({}, [charger({ password: 'f'.repeat(40) })])
    const station = startStation(world, '1.6')
    expect(await station.exit).not.toBe(0)
    expect(station.complaints.join('')).toContain('HTTP 401')
  })
})
