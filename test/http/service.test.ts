import { createHash } from 'node:crypto'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hc } from 'hono/client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import type { Api } from '#http/api.ts'
import type { Store } from '#store-ports.ts'
import { aTown, callBody, idempotent, type Service, startService, type Town } from './service.ts'

const STARTED: Service[] = []
const start = async (...options: Parameters<typeof startService>) => {
  const service = await startService(...options)
  STARTED.push(service)
  return service
}
afterEach(async () => {
  for (const service of STARTED.splice(0)) await service.stop()
})

describe('health', () => {
  test('the process says that it is alive, without a key', async () => {
    const service = await start()
    const answer = await service.send('GET', '/healthz')
    expect(answer).toMatchObject({ status: 200, body: { alive: true } })
  })

  test('ready means that the database took a write and the chain goes on', async () => {
    const service = await start()
    for (let i = 0; i < 2; i++) {
      const answer = await service.send('GET', '/readyz')
      expect(answer).toMatchObject({
        status: 200,
        body: { ready: true, database: { ready: true }, chain: { ready: true, headAgeSeconds: 0 } },
      })
    }
  })

  test('a database that takes no write makes it not ready, and the log says why', async () => {
    const memory = createMemoryStore()
    let broken = false
    const store: Store = {
      close: () => memory.close(),
      transaction: (work) =>
        broken ? Promise.reject(new Error('disk is full')) : memory.transaction(work),
    }
    const other = await start({}, store)
    broken = true
    const answer = await other.send('GET', '/readyz')
    expect(answer).toMatchObject({
      status: 503,
      body: { ready: false, database: { ready: false } },
    })
    expect(answer.text).not.toContain('disk is full')
    expect(other.logs.join()).toContain('disk is full')
  })

  test('a chain that stands still, has no block or does not answer makes it not ready', async () => {
    const now = (await start()).world.clock.now()
    for (const chainHeadAt of [
      async () => now - 61_000,
      async () => null,
      () => Promise.reject(new Error('no route')),
    ]) {
      const service = await start({ chainHeadAt })
      const answer = await service.send('GET', '/readyz')
      expect(answer).toMatchObject({ status: 503, body: { ready: false, chain: { ready: false } } })
    }
  })
})

describe('metrics', () => {
  test('are for the operator only: counts could tell of a call before its window', async () => {
    const service = await start()
    const { keys } = await aTown(service)
    expect((await service.send('GET', '/metrics')).status).toBe(401)
    for (const key of [keys.dso, keys.anna, keys.agg, keys.verifier]) {
      expect((await service.send('GET', '/metrics', { key })).status).toBe(404)
    }
  })

  test('count answers by route and never by id', async () => {
    const service = await start()
    const { keys } = await aTown(service)
    await service.send('GET', '/v1/resources/charger-anna', { key: keys.agg })
    await service.send('GET', '/v1/resources/charger-nobody', { key: keys.agg })
    await service.send('GET', '/v1/made/up', { key: keys.agg })
    const { text } = await service.send('GET', '/metrics', { key: keys.operator })
    const line =
      /gridcall_http_request_seconds_count\{method="GET",route="\/v1\/resources\/:id",status="(\d+)"\} (\d)/g
    expect([...text.matchAll(line)].map(([, status, count]) => [status, count])).toEqual([
      ['200', '1'],
      ['404', '1'],
    ])
    expect(text).not.toMatch(/charger-|made\/up|anna/)
    expect(text).toContain('process_resident_memory_bytes')
    expect(text).toContain('gridcall_resources{connected="false"} 2')
  })

  test('tell of the sender’s backlog and its oldest, and of the last comparison of the books', async () => {
    const service = await start()
    const { keys } = await aTown(service)
    const metric = async () => (await service.send('GET', '/metrics', { key: keys.operator })).text
    const ready = async () => (await service.send('GET', '/readyz')).body
    const books = { agree: true, differences: 0, comparedAt: null }
    expect(await ready()).toMatchObject({ books, sender: { stuck: false } })
    expect(await metric()).toMatch(/^gridcall_books_compared_age_seconds NaN$/im)

    const { store, clock } = service.world
    const refund = (requestId: `0x${string}`) => ({ kind: 'refundExpired', requestId }) as const
    await store.transaction(async (tx) => {
      await tx.chain.intend('waits', refund('0x01'))
      await tx.chain.intend('sent', refund('0x02'))
      await tx.chain.signed('sent', { hash: '0x03', nonce: 0, raw: '0x04' })
      await tx.events.append([
        {
          kind: 'books-compared',
          at: addSeconds(clock.now(), -90),
          callId: null,
          resourceId: null,
          organisationIds: [],
          ownerId: null,
          notice: false,
          message: 'compared',
          data: {},
        },
      ])
    })
    const told = await metric()
    expect(told).toContain('gridcall_chain_intents_open{state="pending"} 1')
    expect(told).toContain('gridcall_chain_intents_open{state="sent"} 1')
    expect(told).toMatch(/^gridcall_chain_oldest_wait_seconds 0/m)
    expect(told).toContain('gridcall_books_compared_age_seconds 90')
    const state = await ready()
    expect(state).toMatchObject({
      books: { comparedAt: formatInstant(addSeconds(clock.now(), -90)) },
    })
    expect(JSON.stringify(state)).not.toContain('pending') // that would tell of a call beforehand
  })
})

describe('documentation', () => {
  test('the document describes every route with its bodies, answers and problems', async () => {
    const service = await start()
    const { body } = await service.send('GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    const post = body.paths['/v1/flexibility-calls'].post
    const { properties } = post.requestBody.content['application/json'].schema
    expect(properties.priceCapMinorPerKwh).toMatchObject({ type: 'string', example: '450000' })
    expect(post.responses.default.content).toHaveProperty('application/problem+json')
    expect(post.parameters).toContainEqual(
      expect.objectContaining({ name: 'idempotency-key', in: 'header' }),
    )
    expect(body.paths['/v1/stream'].get['x-roles']).toEqual([
      'dso',
      'aggregator',
      'owner',
      'operator',
    ])
    for (const operations of Object.values(body.paths) as Record<string, { summary?: string }>[]) {
      for (const { summary } of Object.values(operations)) expect(summary).toBeTruthy()
    }
  })

  test('the page works without a network: it loads nothing, and names every route', async () => {
    const service = await start()
    const { text, headers } = await service.send('GET', '/docs')
    expect(headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(text).not.toMatch(/<script|https?:\/\//)
    const style = /<style>(.*?)<\/style>/s.exec(text)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`)
    const { body } = await service.send('GET', '/openapi.json')
    for (const path of Object.keys(body.paths)) expect(text).toContain(`<code>${path}</code>`)
  })
})

describe('pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-pages-'))
  beforeAll(() => {
    for (const page of ['dso', 'aggregator', 'owner']) {
      mkdirSync(join(folder, page))
      writeFileSync(join(folder, page, 'index.html'), `<title>${page}</title>`)
    }
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'assets', 'app-1a2b.js'), 'export {}')
    writeFileSync(join(folder, 'secret.txt'), 'not for everybody')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('a page that was not built says so', async () => {
    const service = await start()
    const answer = await service.send('GET', '/dso')
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('has not been built')
  })

  test('nothing outside the assets is handed out', async () => {
    const service = await start({ dashboardsFolder: folder })
    for (const path of [
      '/assets/../secret.txt',
      '/assets/%2e%2e/secret.txt',
      '/assets/..%2fsecret.txt',
      '/assets/%2e%2e%2f%2e%2e%2fetc/passwd',
      '/assets/x%00.js',
      '/assets/',
      '/assets/none.js',
      '/secret.txt',
    ]) {
      const { status, text } = await service.send('GET', path)
      expect([path, status]).toEqual([path, 404])
      expect(text).not.toContain('not for everybody')
    }
  })

  test('the front leads to each of them', async () => {
    const service = await start({ dashboardsFolder: folder })
    const { text } = await service.send('GET', '/')
    for (const page of ['dso', 'aggregator', 'owner']) expect(text).toContain(`href="/${page}"`)
  })

  test('each role has its page, which may load nothing from elsewhere', async () => {
    const service = await start({ dashboardsFolder: folder })
    for (const page of ['dso', 'aggregator', 'owner']) {
      const { status, text, headers } = await service.send('GET', `/${page}`)
      expect([status, text]).toEqual([200, `<title>${page}</title>`])
      const policy = headers.get('content-security-policy')
      expect(policy).toContain("default-src 'self'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
    const asset = await service.send('GET', '/assets/app-1a2b.js')
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(asset.headers.get('cache-control')).toContain('immutable')
  })
})

describe('the demo’s clock', () => {
  test('does not exist in real use', async () => {
    const service = await start()
    const sent = { key: service.operatorKey, body: {} }
    expect((await service.send('POST', '/v1/operator/clock', sent)).status).toBe(404)
  })

  test('is started by the operator', async () => {
    let started = 0
    const startClock = async () => {
      started += 1
      return { wallMs: 1, businessMs: 2, speed: 60 }
    }
    const service = await start({ startClock })
    const sent = { key: service.operatorKey, body: {} }
    const { status, body } = await service.send('POST', '/v1/operator/clock', sent)
    expect([status, body.speed, started]).toEqual([200, 1, 1])
  })
})

describe('answers', () => {
  test('are kept by nobody on the way', async () => {
    const service = await start()
    const town: Town = await aTown(service)
    const mine = await service.send('GET', '/v1/owners', { key: town.keys.agg })
    const refused = await service.send('GET', '/v1/owners', { key: town.keys.dso })
    expect(mine.headers.get('cache-control')).toBe('no-store')
    expect(refused.headers.get('cache-control')).toBe('no-store')
  })

  test('tell the business time and how fast it runs, refusals too', async () => {
    const service = await start()
    const key = service.operatorKey
    for (const path of ['/v1/organisations', '/v1/flexibility-calls/none']) {
      const { headers } = await service.send('GET', path, { key })
      expect(headers.get('gridcall-now')).toBe(formatInstant(service.world.clock.now()))
      expect(headers.get('gridcall-speed')).toBe('1')
    }
  })

  test('what is nowhere is a problem too', async () => {
    const service = await start()
    const answer = await service.send('GET', '/nowhere')
    expect(answer).toMatchObject({ status: 404, body: { code: 'not-found', instance: '/nowhere' } })
  })

  test('the typed client of the pages knows bodies and answers', async () => {
    const service = await start()
    const { keys } = await aTown(service)
    const headers = { authorization: `Bearer ${keys.dso}`, ...idempotent() }
    const client = hc<Api>(service.url, { headers })
    const json = callBody([3000]) as Parameters<
      (typeof client.v1)['flexibility-calls']['$post']
    >[0]['json']
    const posted = await client.v1['flexibility-calls'].$post({ json, header: {} })
    const call = await posted.json()
    const state: string = call.state // compiles only if the answer's type is known
    expect([call.view, state, call.requestedWh]).toEqual(['dso', 'requested', 750])
    const read = await client.v1['flexibility-calls'][':id'].$get({ param: { id: call.id } })
    expect((await read.json()).view).toBe('dso')
  })
})
