import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { callId, organisationId, resourceId, siteId } from '#domain/ids.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { recordCondition } from '#lifecycle/record-device.ts'
import { acceptAsDso, aResource, WINDOW_START } from '../support/builders.ts'
import { plugCharger } from '../support/simulated-call.ts'
import {
  aTown,
  callBody,
  idempotent,
  type Service,
  startService,
  type Town,
} from '../http/service.ts'

const cli = join(resolve(import.meta.dirname, '..', '..'), 'orchestrator', 'cli.ts')
const at = (seconds: number) => formatInstant(addSeconds(WINDOW_START, seconds))

describe('gridcall devices', () => {
  let service: Service
  let keys: Town['keys']
  const children: ChildProcess[] = []

  beforeAll(async () => {
    service = await startService()
    keys = (await aTown(service)).keys
    const charger = aResource('charger-1', 'charger', 110_000n)
    const { kind, rating, offer } = charger
    await plugCharger(service.world, charger, 7000)
    await enrolResource(service.ports, organisationId('agg-1'), {
      id: charger.id,
      kind,
      siteId: siteId('site-anna'),
      rating,
      offer,
      connection: { protocol: 'simulated', address: 'charger-1' },
    })
    await service.world.passTo(addSeconds(WINDOW_START, -600))
    const sent = { key: keys.dso, body: callBody([5600]), headers: idempotent() }
    const { body } = await service.send('POST', '/v1/flexibility-calls', sent)
    await service.world.passTo(addSeconds(WINDOW_START, -300))
    await acceptAsDso(service.ports, callId(body.id))
    await service.world.passTo(addSeconds(WINDOW_START, -30))
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })
  afterAll(() => service.stop())

  /** Runs the command as a person does, against the service's real socket. */
  function devices(args: readonly string[], key: string = keys.agg, url = service.url) {
    const child = spawn(process.execPath, [cli, 'devices', ...args], {
      env: { ...process.env, GRIDCALL_API_URL: url, GRIDCALL_API_KEY: key },
    })
    children.push(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (said.out += String(chunk)))
    child.stderr.on('data', (chunk) => (said.err += String(chunk)))
    const ended = once(child, 'close').then(([code]) => code as number)
    return { child, said, ended }
  }

  test('refuses what it does not know, and a device that is not there', async () => {
    const wrong = devices(['look'])
    expect(await wrong.ended).toBe(2)
    expect(wrong.said.err).toContain('gridcall devices watch ID')
    const foreign = devices(['watch', 'charger-1'], keys.otherAgg)
    expect(await foreign.ended).toBe(1)
    expect(foreign.said.err).toContain('the service answered 404')
    const nobody = devices(['watch', 'charger-1'], keys.agg, 'http://127.0.0.1:9')
    expect(await nobody.ended).toBe(1)
    const endless = devices(['watch', 'charger-1', '--for', 'ever'])
    expect(await endless.ended).toBe(1)
    expect(endless.said.err).toContain('--for: expected seconds')
  })

  test('list tells each device with its connection, as words or as one object', async () => {
    const words = devices(['list'])
    expect(await words.ended).toBe(0)
    expect(words.said.out).toMatch(
      /^charger-1: charger over simulated; connected; never asked for anything$/m,
    )
    expect(words.said.out).toMatch(
      /^charger-anna: charger over ocpp; never connected; never asked/m,
    )
    const json = devices(['list', '--json'])
    expect(await json.ended).toBe(0)
    expect(JSON.parse(json.said.out).devices).toHaveLength(2)
  })

  test('watch shows each link as it comes, until Ctrl-C', async () => {
    const { child, said, ended } = devices(['watch', 'charger-1'])
    const shows = (text: string) =>
      expect.poll(() => said.out, { timeout: 10_000, interval: 50 }).toContain(text)
    await shows('connected: in memory')
    expect(said.out).not.toContain('setpoint')
    await service.world.passTo(addSeconds(WINDOW_START, 0))
    await shows('setpoint 1 effective')
    expect(said.out).not.toContain('observed') // nobody has measured anything yet
    await service.world.passTo(addSeconds(WINDOW_START, 30))
    await shows('setpoint 1 observed')
    const limit = { externalLimitW: 3000, externalSource: 'EMS' }
    await recordCondition(service.ports, resourceId('charger-1'), limit)
    await shows('limited to 3000 W by EMS')
    await service.world.passTo(addSeconds(WINDOW_START, 930))
    await shows('setpoint 2 observed')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    const chain = said.out.split('\n').filter((line) => line.includes('setpoint 1'))
    expect(chain).toEqual([
      `${at(0)}  setpoint 1 ordered: 1400 W, until ${at(900)}`,
      `${at(0)}  setpoint 1 acknowledged`,
      `${at(0)}  setpoint 1 effective: it says 1400 W`,
      `${at(30)}  setpoint 1 observed: its meter says 1400 W`,
    ])
    expect(said.err).toBe('')
  })

  test('watch --json writes one object per line, and --for ends it', async () => {
    const { said, ended } = devices(['watch', 'charger-1', '--json', '--for', '2'])
    expect(await ended).toBe(0)
    const lines = said.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toContainEqual({ what: 'observed', version: 2, powerW: 7000, at: at(930) })
    expect(lines.map(({ version }) => version)).not.toContain(1) // the newest, and what comes
  })
})
