import net from 'node:net'

/** A wire between driver and battery that can be cut or fall silent. */
export type Wire = {
  readonly port: number
  /** Bytes sent by the driver so far, over all connections. */
  sent(): number
  /** Connections so far. */
  dialled(): number
  /** Connections that stand now. */
  connections(): number
  /** Closes every connection; new ones are taken as before. */
  cut(): void
  /** Keeps bytes back in both directions without closing anything. */
  hold(): void
  /** Delivers what was kept back, and all that follows. */
  release(): void
  /** Refuses connections until it is mended. */
  unplug(): Promise<void>
  mend(): Promise<void>
  close(): Promise<void>
}

export async function openWire(targetPort: number): Promise<Wire> {
  const pairs = new Set<[net.Socket, net.Socket]>()
  let held = false
  let sent = 0
  let dialled = 0
  const server = net.createServer((near) => {
    dialled += 1
    const far = net.connect(targetPort, '127.0.0.1')
    const pair: [net.Socket, net.Socket] = [near, far]
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on('data', (bytes) => {
        if (from === near) sent += bytes.length
        to.write(bytes)
      })
      from.on('error', end)
      from.on('close', end)
      if (held) from.pause()
    }
  })
  const listen = (port: number) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port))
    })
  const port = await listen(0)
  const cut = () => {
    for (const [near] of pairs) near.destroy()
  }
  const unplug = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      cut()
    })
  const each = (run: (socket: net.Socket) => void) => {
    for (const pair of pairs) pair.forEach(run)
  }
  return {
    port,
    sent: () => sent,
    dialled: () => dialled,
    connections: () => pairs.size,
    cut,
    hold() {
      held = true
      each((socket) => socket.pause())
    },
    release() {
      held = false
      each((socket) => socket.resume())
    },
    unplug,
    mend: async () => {
      await listen(port)
    },
    close: async () => {
      if (server.listening) await unplug()
    },
  }
}
