import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '#domain/api-key.ts'
import type { Capability } from '#domain/capability.ts'
import { callId, organisationId, resourceId, siteId } from '#domain/ids.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { callAccess } from '#http/call-access.ts'
import { visibleEvents } from '#http/event-view.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { recordCapability, recordCondition, recordSecurity } from '#lifecycle/record-device.ts'
import { acceptAsDso, aResource, WINDOW_START } from '../support/builders.ts'
import { plugCharger } from '../support/simulated-call.ts'
import { undocumented } from './documented.ts'
import { aTown, callBody, idempotent, type Service, startService, type Town } from './service.ts'

const at = (seconds: number) => formatInstant(addSeconds(WINDOW_START, seconds))
const PATH = '/v1/resources/charger-1/setpoints'

const CAPABILITY: Capability = {
  protocol: 'ocpp1.6',
  make: 'Ampere',
  model: 'One',
  firmware: '1.2',
  quirks: 'stack-zero',
  unit: 'A',
  phases: 3,
  minimumW: 4140,
  stepW: 69,
  stackLevelMax: 3,
  periodsMax: 6,
  purposes: ['TxProfile'],
  kinds: ['Absolute'],
  pauses: true,
  resumes: null,
  readBack: 'composite',
  meterIntervalSeconds: 30,
  signs: false,
  v2x: false,
  dynamic: false,
  offlineFallback: 'expires',
  updateEverySeconds: null,
}

describe('the truth chain over HTTP', () => {
  let service: Service
  let keys: Town['keys']
  const get = (path: string, key: string) => service.send('GET', path, { key })

  beforeAll(async () => {
    service = await startService()
    keys = (await aTown(service)).keys
    const { world, ports } = service
    for (const [id, disobeys] of [
      ['charger-1', false],
      ['liar', true],
    ] as const) {
      const charger = aResource(id, 'charger', disobeys ? 120_000n : 110_000n)
      const { kind, rating, offer } = charger
      await plugCharger(world, charger, 7000, { disobeys })
      await enrolResource(ports, organisationId('agg-1'), {
        id: charger.id,
        kind,
        siteId: siteId('site-anna'),
        rating,
        offer,
        connection: { protocol: 'simulated', address: id },
      })
    }
    await world.passTo(addSeconds(WINDOW_START, -600))
    const sent = { key: keys.dso, body: callBody([12_600]), headers: idempotent() }
    const { body } = await service.send('POST', '/v1/flexibility-calls', sent)
    await world.passTo(addSeconds(WINDOW_START, -300))
    await acceptAsDso(ports, callId(body.id))
    await world.passTo(addSeconds(WINDOW_START, -30))
  })
  afterAll(() => service.stop())

  test('what is foreign is not there: other aggregators, other owners, DSOs', async () => {
    for (const key of [keys.otherAgg, keys.bert, keys.dso, keys.verifier]) {
      expect((await get(PATH, key)).status).toBe(404)
    }
    const unknown = '/v1/resources/nobody/setpoints'
    for (const key of [keys.agg, keys.anna, keys.operator]) {
      expect((await get(unknown, key)).status).toBe(404)
    }
  })

  test('a limit that is none of 1 to 100 is refused', async () => {
    for (const limit of ['0', '101', '-1', 'many']) {
      const answer = await get(`${PATH}?limit=${limit}`, keys.agg)
      expect([400, 422], limit).toContain(answer.status)
      expect(JSON.stringify(answer.body)).toContain('limit')
    }
  })

  test('before the window there is nothing, for nobody: notice is silent', async () => {
    for (const key of [keys.agg, keys.anna, keys.operator]) {
      expect((await get(PATH, key)).body).toEqual([])
    }
  })

  test('in the window every link stands with its time, for all who may see it', async () => {
    await service.world.passTo(addSeconds(WINDOW_START, 0))
    const [ordered] = (await get(PATH, keys.agg)).body
    expect(ordered).toMatchObject({ observed: null, missing: ['observed'] })
    await service.world.passTo(addSeconds(WINDOW_START, 90))
    for (const key of [keys.agg, keys.anna, keys.operator]) {
      const { body } = await get(PATH, key)
      expect(body).toMatchObject([
        {
          version: 1,
          ordered: { at: at(0), powerW: 0 },
          acknowledged: { at: at(0), strategy: null },
          effective: { at: at(0), powerW: 0 },
          observed: { at: at(30), powerW: 0 },
          refusal: null,
          missing: [],
        },
      ])
    }
  })

  test('a device that says yes and does not follow shows which link is missing', async () => {
    const { body } = await get('/v1/resources/liar/setpoints?limit=2', keys.agg)
    expect(body).toMatchObject([
      { version: 2, ordered: { powerW: null } },
      { version: 1, ordered: { powerW: 1400 }, missing: ['observed'] },
    ])
    expect((await get('/v1/resources/liar/setpoints?limit=1', keys.agg)).body).toHaveLength(1)
  })

  test('the resource tells its newest setpoint, what it can do and what others do to it', async () => {
    const before = (await get('/v1/resources/charger-1', keys.agg)).body
    expect(before).toMatchObject({ condition: null, setpoint: { version: 1 } })
    expect(before.capability.make).toBeNull()
    const id = resourceId('charger-1')
    await recordCapability(service.ports, id, CAPABILITY)
    await recordCondition(service.ports, id, { externalLimitW: 4140.4, externalSource: 'EMS' })
    for (const key of [keys.agg, keys.anna, keys.operator]) {
      expect((await get('/v1/resources/charger-1', key)).body).toMatchObject({
        health: { connected: true },
        capability: { make: 'Ampere', quirks: 'stack-zero', offlineFallback: 'expires' },
        condition: { externalLimitW: 4140, externalSource: 'EMS', overrideSince: null },
      })
    }
  })

  test('who knocked wrongly is told to the operator and the aggregator, and to nobody else', async () => {
    const { ports } = service
    const id = resourceId('charger-1')
    await recordSecurity(ports, { resourceId: id, kind: 'wrong-credential', detail: 'refused' })
    const told = async (name: keyof Town['keys']) =>
      ports.store.transaction(async (tx) => {
        const key = await tx.keys.find(sha256Hex(keys[name]))
        if (key === null) throw new Error(`${name} has no key`)
        const events = await tx.events.after(0, 500)
        const shown = await visibleEvents(tx, await callAccess(tx, key), events)
        return shown.filter(({ kind }) => kind === 'device-security').length
      })
    expect([await told('operator'), await told('agg')]).toEqual([1, 1])
    expect([await told('anna'), await told('otherAgg'), await told('dso')]).toEqual([0, 0, 0])
  })

  test('all of that is as the document says', async () => {
    const { body } = await service.send('GET', '/openapi.json')
    expect(body.paths['/v1/resources/{id}/setpoints'].get['x-roles']).toEqual([
      'aggregator',
      'owner',
      'operator',
    ])
    await get('/v1/operator/setpoints', keys.operator)
    const asked = service.exchanges.filter(({ path }) => path.startsWith('/v1/'))
    expect(asked.length).toBeGreaterThan(20)
    expect(undocumented(body.paths, asked)).toEqual([])
  })
})
