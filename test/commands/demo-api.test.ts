import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type PartyApi, partyApi } from '#demo/api.ts'

let server: Server
let api: PartyApi
let heard: string[]
/** So many requests are heard, and their connection is closed without an answer. */
let toClose: number

beforeEach(async () => {
  heard = []
  toClose = 0
  server = createServer((request, response) => {
    heard.push(`${request.method} ${request.headers['idempotency-key'] ?? 'no key'}`)
    if (toClose > 0) {
      toClose -= 1
      request.socket.destroy()
    } else {
      response.end('{"fine":true}')
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  api = partyApi(() => `http://127.0.0.1:${port}`, 'a-key')
})

afterEach(async () => {
  const closed = once(server.close(), 'close')
  server.closeAllConnections()
  await closed
})

describe('a connection that is closed under a request', () => {
  test('lets what can be said twice be said once more', async () => {
    toClose = 1
    expect(await api.get('/')).toEqual({ fine: true })
    toClose = 1
    expect(await api.put('/', {})).toEqual({ fine: true })
    toClose = 1
    expect(await api.post('/', {}, 'once')).toEqual({ fine: true })
    const twice = ['GET no key', 'PUT no key', 'POST once'].flatMap((line) => [line, line])
    expect(heard).toEqual(twice)
  })

  test('fails what might be done twice', async () => {
    toClose = 1
    await expect(api.post('/', {})).rejects.toThrow('fetch failed')
    expect(heard).toEqual(['POST no key'])
  })

  test('and is no reason to ask for ever', async () => {
    toClose = 9
    await expect(api.get('/')).rejects.toThrow('fetch failed')
    expect(heard).toHaveLength(2)
  })
})
