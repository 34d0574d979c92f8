import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type Door, sendText } from '#adapters/ocpp/text-frame.ts'

const http = createServer()

beforeEach(async () => {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})

afterEach(async () => {
  http.removeAllListeners('upgrade').close()
  http.closeAllConnections()
  await once(http, 'close')
})

/** Both ends of a connection, the client's reading what arrives. */
async function connected(perMessageDeflate: boolean) {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate })
  const accepted = Promise.withResolvers<Door>()
  http.once('upgrade', (request, stream, head) => {
    server.handleUpgrade(request, stream, head, (socket) => accepted.resolve({ socket, stream }))
  })
  const { port } = http.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate })
  const heard: string[] = []
  client.on('message', (data: Buffer, isBinary) => heard.push(isBinary ? '' : String(data)))
  const door = await accepted.promise
  return { door, client, heard }
}

/** Everything that was sent has arrived once the close handshake is over. */
async function closed({ door, client }: Awaited<ReturnType<typeof connected>>): Promise<void> {
  const gone = once(client, 'close')
  door.socket.close()
  await gone
}

/** The length of a frame is told in one byte, three, or nine. */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]
const TEXTS = [
  ...LENGTHS.map((length) => 'abcdefg'.repeat(10_000).slice(0, length)),
  '42 € für Zoë',
  '🔌'.repeat(40),
  'é'.repeat(65_535),
]

test.each([false, true])(
  'texts arrive in their order and unchanged, whatever their length and script (deflate: %s)',
  async (deflate) => {
    const pair = await connected(deflate)
    expect(pair.door.socket.extensions !== '').toBe(deflate)
    for (const text of TEXTS) sendText(pair.door, text)
    await closed(pair)
    expect(pair.heard.map((text) => text.length)).toEqual(TEXTS.map((text) => text.length))
    expect(pair.heard).toEqual(TEXTS)
  },
)

test('after the close frame nothing more is said', async () => {
  const pair = await connected(false)
  sendText(pair.door, 'before')
  const isOver = closed(pair)
  sendText(pair.door, 'after')
  await isOver
  expect(pair.heard).toEqual(['before'])
})

test('pings of ws and texts do not get between each other', async () => {
  const pair = await connected(false)
  const pongs: string[] = []
  pair.door.socket.on('pong', (data: Buffer) => pongs.push(String(data)))
  for (let i = 0; i < 50; i += 1) {
    sendText(pair.door, `text ${i}`)
    pair.door.socket.ping(`ping ${i}`)
  }
  await closed(pair)
  expect(pair.heard).toEqual(Array.from({ length: 50 }, (_, i) => `text ${i}`))
  expect(pongs).toHaveLength(50)
})
