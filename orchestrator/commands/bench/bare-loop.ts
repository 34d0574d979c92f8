/** The reference: the same setpoint to as many sockets on `ws` alone, each answer matched by id. */
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { serve } from './child.ts'

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
const sockets: WebSocket[] = []
const waiting = new Map<string, () => void>()
let ids = 0

server.on('connection', (socket) => {
  sockets.push(socket)
  socket.on('message', (data) => {
    const [, id] = JSON.parse(String(data)) as [number, string]
    waiting.get(id)?.()
    waiting.delete(id)
  })
})

serve({
  start: () => `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,

  connected: () => sockets.length,

  /** Answers the seconds until the last one was acknowledged. Nothing is validated or kept. */
  async setpoints({ payload }: { payload: object }): Promise<number> {
    const begun = performance.now()
    await Promise.all(
      sockets.map(async (socket) => {
        const id = `bare-${++ids}`
        const answered = new Promise<void>((resolve) => waiting.set(id, resolve))
        socket.send(JSON.stringify([2, id, 'SetChargingProfile', payload]))
        await answered
      }),
    )
    return (performance.now() - begun) / 1_000
  },
})
