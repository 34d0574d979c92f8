import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Role } from '#domain/api-key.ts'
import {
  aTown,
  callBody,
  idempotent,
  offerBody,
  type Party,
  type Service,
  startService,
  type Town,
} from './service.ts'

type Operation = { 'x-roles'?: Role[] }
type Route = { readonly method: string; readonly path: string; readonly roles: readonly Role[] }

/** One key per role, and who is the stranger to everything of `dso`, `agg` and `anna`. */
const KEY_OF: Record<Role, Party> = {
  dso: 'dso',
  aggregator: 'agg',
  owner: 'anna',
  operator: 'operator',
  verifier: 'verifier',
  agent: 'agent',
  arbiter: 'arbiter',
}
const STRANGER: Partial<Record<Role, Party>> = {
  dso: 'otherDso',
  aggregator: 'otherAgg',
  owner: 'bert',
}

describe('who may do what', () => {
  let service: Service
  let town: Town
  let routes: Route[]
  let callId: string
  let stopId: string

  beforeAll(async () => {
    service = await startService()
    town = await aTown(service)
    const body = callBody([3000, 3000])
    const headers = idempotent()
    const post = { key: town.keys.dso, body, headers }
    callId = (await service.send('POST', '/v1/flexibility-calls', post)).body.id
    const stop = { congestionPointId: 'cp-north', reason: 'a line is down' }
    const stopped = { key: town.keys.dso, body: stop }
    stopId = (await service.send('POST', '/v1/emergency-stops', stopped)).body.id
    const { body: document } = await service.send('GET', '/openapi.json')
    routes = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
      ([path, operations]) =>
        Object.entries(operations).map(([method, operation]) => ({
          method: method.toUpperCase(),
          path,
          roles: operation['x-roles'] ?? [],
        })),
    )
  })
  afterAll(() => service.stop())

  test('every route of the document names the roles it is for', () => {
    expect(routes.length).toBeGreaterThan(30)
    expect(routes.filter(({ roles }) => roles.length === 0)).toEqual([])
  })

  test('no route answers without a key, and none with a key that was never given', async () => {
    const neverGiven = `gc_dso_${'A'.repeat(43)}xxxxxx`
    for (const { method, path } of routes) {
      for (const key of [null, 'nonsense', neverGiven]) {
        const answer = await service.send(method, path.replaceAll(/\{.+?\}/g, 'x'), { key })
        // The address has failed so often by now that it is told to wait.
        expect([401, 429], `${method} ${path}`).toContain(answer.status)
        expect(answer.body.code).toMatch(/unauthenticated|too-many-requests/)
      }
    }
  })

  test('a valid key is let in although its address has failed too often', async () => {
    const failed = await service.send('GET', '/v1/congestion-points', { key: 'nonsense' })
    expect(failed.status).toBe(429)
    expect(Number(failed.headers.get('retry-after'))).toBeGreaterThan(0)
    const { keys } = town
    const answer = await service.send('GET', '/v1/congestion-points', { key: keys.dso })
    expect(answer.status).toBe(200)
  })

  test('a route that is not for a role answers it as what does not exist', async () => {
    const nowhere = await service.send('GET', '/v1/nowhere', { key: town.keys.dso })
    expect(nowhere.status).toBe(404)
    let refused = 0
    for (const { method, path, roles } of routes) {
      for (const role of Object.keys(KEY_OF) as Role[]) {
        if (roles.includes(role)) continue
        const real = path.replaceAll(/\{.+?\}/g, 'x')
        const body = method === 'GET' ? undefined : {}
        const answer = await service.send(method, real, { key: town.keys[KEY_OF[role]], body })
        expect(answer.status, `${role} ${method} ${path}`).toBe(404)
        expect(withoutPath(answer.body)).toEqual(withoutPath(nowhere.body))
        refused += 1
      }
    }
    expect(refused).toBeGreaterThan(100)
  })

  test('what is foreign answers exactly as what is unknown', async () => {
    const compared: string[] = []
    for (const { method, path, roles } of routes) {
      const parameter = /\{(.+?)\}/.exec(path)?.[1]
      if (parameter === undefined || path.startsWith('/v1/verification')) continue
      const own = ownIdFor(path, { callId, stopId })
      for (const role of roles) {
        const stranger = STRANGER[role]
        if (stranger === undefined) continue
        const key = town.keys[stranger]
        const body = bodyFor(method, path)
        const at = (id: string) => path.replace(`{${parameter}}`, id).replace('{callId}', callId)
        const foreign = await service.send(method, at(own), { key, body })
        const unknown = await service.send(method, at('unknown'), { key, body })
        expect(foreign.status, `${stranger} ${method} ${path}`).toBe(404)
        expect(withoutPath(foreign.body)).toEqual(withoutPath(unknown.body))
        compared.push(`${role} ${method} ${path}`)
      }
    }
    expect(compared).toHaveLength(52)
  })

  test('a stop is lifted by who made it, and by no other DSO', async () => {
    const lift = (party: Party) =>
      service.send('POST', `/v1/emergency-stops/${stopId}/lift`, {
        key: town.keys[party],
        body: {},
      })
    expect((await lift('otherDso')).status).toBe(404)
    const one = { key: town.keys.dso }
    const standing = await service.send('GET', `/v1/emergency-stops/${stopId}`, one)
    expect(standing.body).toMatchObject({ id: stopId, by: 'dso', liftedAt: null })
    const lifted = await lift('dso')
    expect(lifted.body.liftedAt).toMatch(/^20/)
  })

  test('lists hold what is one’s own and nothing else', async () => {
    const list = async (party: Party, path: string): Promise<{ id: string }[]> =>
      (await service.send('GET', path, { key: town.keys[party] })).body
    const ids = async (party: Party, path: string) => (await list(party, path)).map(({ id }) => id)
    expect(await ids('dso', '/v1/flexibility-calls')).toEqual([callId])
    expect(await ids('otherDso', '/v1/flexibility-calls')).toEqual([])
    expect(await ids('dso', '/v1/congestion-points')).toEqual(['cp-north'])
    expect(await ids('otherDso', '/v1/programs')).toHaveLength(1)
    expect(await ids('agg', '/v1/owners')).toEqual(['anna'])
    expect(await ids('otherAgg', '/v1/resources')).toEqual(['battery-bert'])
    expect(await ids('anna', '/v1/owner/resources')).toEqual(['charger-anna'])
    expect(await ids('bert', '/v1/resources')).toEqual(['battery-bert'])
    expect(await ids('operator', '/v1/resources')).toEqual(['battery-bert', 'charger-anna'])
  })

  test('what names somebody else’s owner, site or grid is refused as unknown', async () => {
    const { keys } = town
    const post = (key: string, path: string, body: unknown) =>
      service.send('POST', path, { key, body, headers: idempotent() })
    const site = { ownerId: 'bert', congestionPointId: 'cp-north' }
    const foreignOwner = await post(keys.agg, '/v1/sites', site)
    expect(foreignOwner).toMatchObject({ status: 404, body: { errors: [{ field: 'ownerId' }] } })
    const call = callBody([3000], { congestionPointId: 'cp-south' })
    const foreignPoint = await post(keys.dso, '/v1/flexibility-calls', call)
    const madeUp = { ...call, congestionPointId: 'cp-nowhere' }
    const noPoint = await post(keys.dso, '/v1/flexibility-calls', madeUp)
    expect(foreignPoint.body.code).toBe('unknown-congestion-point')
    expect(noPoint.body.code).toBe('unknown-congestion-point')
    const point = { dsoId: 'dso-2', name: 'Mine now' }
    expect((await post(keys.dso, '/v1/congestion-points', point)).status).toBe(404)
  })
})

function withoutPath({ instance, ...problem }: { instance: string }) {
  expect(instance).toMatch(/^\/v1\//)
  return problem
}

function ownIdFor(path: string, ids: { readonly callId: string; readonly stopId: string }): string {
  if (path.includes('/emergency-stops/')) return ids.stopId
  if (path.includes('/owners/')) return 'anna'
  if (path.includes('/congestion-points/')) return 'cp-north'
  if (/\/(flexibility-calls|receipts)\//.test(path)) return ids.callId
  return path.includes('/sites/') ? 'site-anna' : 'charger-anna'
}

const twoStreets = {
  name: 'two streets',
  baseKv: 0.4,
  root: 'a',
  buses: [{ id: 'a' }, { id: 'b' }],
  branches: [{ from: 'a', to: 'b', rOhm: 0.1, xOhm: 0.1 }],
}

function bodyFor(method: string, path: string): unknown {
  if (method === 'GET') return undefined
  if (path.endsWith('/offer')) return offerBody('100000')
  if (path.endsWith('/limits')) return { leastSocBp: null, readyBy: null }
  if (path.endsWith('/consent')) return { given: false }
  if (path.endsWith('/charge-now')) return { minutes: 10, costMinor: '0' }
  if (path.endsWith('/feeder')) return { branch: 'a-b', feeder: twoStreets }
  if (path.endsWith('/room')) return { room: null }
  if (path.endsWith('/trust')) return { thumbprint: 'AB'.repeat(20) }
  if (path.endsWith('/acceptance')) {
    return { validAfter: 0, validBefore: 1, signature: `0x${'11'.repeat(65)}` }
  }
  if (path.endsWith('/disputes')) {
    return { resourceId: 'charger-anna', reason: 'delivery', text: 'not there' }
  }
  if (path.endsWith('/activations')) {
    return { start: '2026-01-01T00:00:00Z', end: '2026-01-01T00:15:00Z' }
  }
  if (/\/(cancellation|credential|lift)$/.test(path)) return {}
  return { readings: [{ at: '2026-01-01T00:00:00Z', registerWh: 1 }] }
}
