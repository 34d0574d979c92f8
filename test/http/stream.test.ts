import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import type { EventView } from '#http/event-view.ts'
import type { Store } from '#store-ports.ts'
import {
  aTown,
  callBody,
  chargerBody,
  idempotent,
  type Service,
  startService,
  type Town,
} from './service.ts'

type Message = { readonly id: number; readonly events: EventView[] }

/** Reads a stream as a page does: with fetch, because EventSource cannot send a key. */
class Reader {
  readonly messages: Message[] = []
  readonly comments: string[] = []
  status = 0
  ended = false
  readonly #stop = new AbortController()
  #done: Promise<void> = Promise.resolve()

  async open(service: Service, key: string, headers: Record<string, string> = {}) {
    const { signal } = this.#stop
    const all = { authorization: `Bearer ${key}`, ...headers }
    const response = await fetch(`${service.url}/v1/stream`, { headers: all, signal })
    this.status = response.status
    if (response.body === null || response.status !== 200) return this
    this.#done = this.#read(response.body).catch(() => undefined)
    await until(() => this.comments.length > 0)
    return this
  }

  async #read(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    let text = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) this.#take(part)
    }
    this.ended = true
  }

  #take(part: string) {
    if (part.startsWith(':')) return void this.comments.push(part.slice(2))
    const fields = new Map(
      part.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]),
    )
    if (fields.get('event') !== 'events') throw new Error(`an event of another name: ${part}`)
    const events = JSON.parse(fields.get('data') ?? '') as EventView[]
    this.messages.push({ id: Number(fields.get('id')), events })
  }

  get events(): EventView[] {
    return this.messages.flatMap(({ events }) => events)
  }

  async close() {
    this.#stop.abort()
    await this.#done
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 8000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('what was waited for did not come within 8 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('the event stream', () => {
  let service: Service
  let town: Town
  const readers: Reader[] = []
  const open = async (key: string, headers?: Record<string, string>) => {
    const reader = await new Reader().open(service, key, headers)
    readers.push(reader)
    return reader
  }
  const request = async (powerW: number) => {
    const sent = { key: town.keys.dso, body: callBody([powerW]), headers: idempotent() }
    return (await service.send('POST', '/v1/flexibility-calls', sent)).body.id as string
  }
  const enrol = (id: string) => {
    const sent = { key: town.keys.agg, body: chargerBody(id, 'anna'), headers: idempotent() }
    return service.send('POST', '/v1/resources', sent)
  }

  beforeEach(async () => {
    service = await startService()
    town = await aTown(service)
  })
  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.close()
    await service.stop()
  })

  test('needs a key, and one whose role has events', async () => {
    expect((await open('nonsense')).status).toBe(401)
    expect((await open(town.keys.verifier)).status).toBe(404)
    expect((await open(town.keys.agent)).status).toBe(404)
  })

  test('refuses a place that is not one', async () => {
    expect((await open(town.keys.dso, { 'last-event-id': 'now' })).status).toBe(400)
  })

  test('begins now, tells at once, and only whom it concerns', async () => {
    await request(1000)
    const dso = await open(town.keys.dso)
    const other = await open(town.keys.otherDso)
    const aggregator = await open(town.keys.agg)
    const owner = await open(town.keys.anna)
    const operator = await open(town.keys.operator)
    const id = await request(2000)
    await enrol('charger-new')
    await until(() => dso.events.length === 1 && aggregator.events.length === 1)
    await until(() => operator.events.length === 2 && owner.events.length === 1)
    expect(dso.events[0]).toMatchObject({ kind: 'call-requested', callId: id })
    expect(aggregator.events[0]).toMatchObject({ kind: 'resource-enrolled' })
    expect(owner.events[0]).toMatchObject({ resourceId: 'charger-new' })
    expect(other.messages).toEqual([])
    expect(JSON.stringify(operator.events)).not.toMatch(/anna"|organisationIds|ownerId/)
  })

  test('goes on where another connection ended, without a gap and without a repetition', async () => {
    const first = await open(town.keys.dso)
    await request(1000)
    await until(() => first.events.length === 1)
    await first.close()
    const ids = [await request(2000), await request(3000)]
    const again = await open(town.keys.dso, { 'last-event-id': String(first.messages[0]?.id) })
    await until(() => again.events.length === 2)
    ids.push(await request(4000))
    await until(() => again.events.length === 3)
    expect(again.events.map(({ callId }) => callId)).toEqual(ids)
    const everything = await open(town.keys.dso, { 'last-event-id': '0' })
    await until(() => everything.events.length === 4)
    const numbers = everything.events.map(({ sequence }) => sequence)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })

  test('collects what comes fast into few messages', async () => {
    await service.stop()
    service = await startService({
      stream: { coalesceMs: 250, heartbeatMs: 10_000, lookAgainMs: 10_000 },
    })
    town = await aTown(service)
    const reader = await open(town.keys.agg)
    const began = performance.now()
    for (let i = 0; i < 40; i++) await enrol(`charger-${i}`)
    await until(() => reader.events.length === 40)
    const seconds = (performance.now() - began) / 1000
    expect(reader.messages.length).toBeLessThanOrEqual(4 * seconds + 2)
  })

  test('looks again by itself: a lost hint costs little', async () => {
    const reader = await open(town.keys.agg)
    await service.ports.store.transaction((tx) =>
      tx.events.append([
        {
          kind: 'resource-enrolled',
          at: service.world.clock.now(),
          callId: null,
          resourceId: 'charger-anna' as never,
          organisationIds: [],
          ownerId: null,
          notice: false,
          message: 'nobody was told',
          data: {},
        },
      ]),
    )
    await until(() => reader.events.length === 1)
    expect(reader.events[0]?.message).toBe('nobody was told')
  })

  test('keeps the connection alive with comments when nothing happens', async () => {
    const reader = await open(town.keys.dso)
    await until(() => reader.comments.filter((comment) => comment === 'alive').length >= 2)
    expect(reader.messages).toEqual([])
  })

  test('is bounded per key', async () => {
    for (let i = 0; i < 20; i++) expect((await open(town.keys.dso)).status).toBe(200)
    expect((await open(town.keys.dso)).status).toBe(429)
    const closing = readers[0]
    await closing?.close()
    const reopened = async () => (await open(town.keys.dso)).status === 200
    const deadline = performance.now() + 8000
    while (!(await reopened())) {
      if (performance.now() > deadline) throw new Error('a closed stream still counts')
    }
    expect((await open(town.keys.agg)).status).toBe(200)
  })

  test('ends without a word when the store fails, and the log says why', async () => {
    await service.stop()
    const memory = createMemoryStore()
    let broken = false
    const store: Store = {
      close: () => memory.close(),
      transaction: (work) =>
        broken ? Promise.reject(new Error('the disk is full')) : memory.transaction(work),
    }
    service = await startService({}, store)
    town = await aTown(service)
    const reader = await open(town.keys.dso)
    broken = true
    await until(() => reader.ended)
    expect(reader.messages).toEqual([])
    expect(service.logs.join()).toContain('the disk is full')
  })

  test('ends when the service stops', async () => {
    const reader = await open(town.keys.dso)
    await service.stop()
    await until(() => reader.ended)
    expect(reader.messages).toEqual([])
    service = await startService()
  })
})
