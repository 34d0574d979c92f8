import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type Network = {
  /** The database, seen through this network. */
  readonly url: string
  /** From here on everything gets lost, on old connections and new ones, and nobody is told. */
  swallow(): void
  /** New connections work again; old ones stay as they are. */
  recover(): void
  stop(): Promise<void>
}

/** Hands bytes on between a client and a database until it is told not to. */
export async function startNetwork(databaseUrl: string): Promise<Network> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let isSwallowing = false
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    if (isSwallowing) return
    const upstream = connect(Number(target.port), target.hostname)
    sockets.add(upstream)
    upstream.on('error', () => upstream.destroy())
    const isLost = { now: false }
    lost.add(isLost)
    client.on('data', (bytes) => isLost.now || upstream.write(bytes))
    upstream.on('data', (bytes) => isLost.now || client.write(bytes))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => isLost.now || client.destroy())
  })
  const lost = new Set<{ now: boolean }>()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    swallow() {
      isSwallowing = true
      for (const each of lost) each.now = true
    },
    recover() {
      isSwallowing = false
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
