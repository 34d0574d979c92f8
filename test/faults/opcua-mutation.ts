import net from 'node:net'

/** A generator that gives the same numbers for the same seed (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const oddNumbers = [0, 1, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff, 0xff_fe, 8, 16]
const types = ['ACKF', 'OPNF', 'MSGF', 'MSGC', 'MSGA', 'ERRF', 'CLOF', 'RHEF', 'HELF', 'XXXX']

/** One message, changed in one of the ways in which a line, a fault or a stranger changes one. */
export function mutate(message: Buffer, below: (n: number) => number): Buffer {
  const copy = Buffer.from(message)
  const at = () => below(copy.length)
  switch (below(9)) {
    case 0: // one bit
      copy[at()] = (copy[at()] ?? 0) ^ (1 << below(8))
      return copy
    case 1: // some bytes
      for (let i = 1 + below(8); i > 0; i -= 1) copy[at()] = below(256)
      return copy
    case 2: // cut off, with the length as it was
      return copy.subarray(0, at())
    case 3: // cut off, with its new length
      return withSize(Buffer.from(copy.subarray(0, Math.max(8, at()))))
    case 4: // another length
      copy.writeUInt32LE(oddNumbers[below(oddNumbers.length)] ?? 0, 4)
      return copy
    case 5: // another type
      copy.write(types[below(types.length)] ?? 'XXXX', 0, 'latin1')
      return copy
    case 6: {
      // a number where an array or a text says how long it is
      const offset = Math.max(0, Math.min(copy.length - 4, at()))
      copy.writeUInt32LE(oddNumbers[below(oddNumbers.length)] ?? 0, offset)
      return copy
    }
    case 7: {
      // a part twice
      const offset = at()
      const part = copy.subarray(offset, offset + 1 + below(64))
      const more = [copy.subarray(0, offset), part, copy.subarray(offset)]
      return withSize(Buffer.concat(more))
    }
    default: // nothing but noise
      return Buffer.from(Array.from({ length: 1 + below(200) }, () => below(256)))
  }
}

function withSize(message: Buffer): Buffer {
  if (message.length >= 8) message.writeUInt32LE(message.length, 4)
  return message
}

/** Cuts a stream into the messages of OPC UA TCP (Part 6, 7.1.2.2: type, length). */
function messagesIn(stream: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at + 8 <= stream.length; ) {
    const size = stream.readUInt32LE(at + 4)
    messages.push(stream.subarray(at, at + size))
    at += size
  }
  return messages
}

/** Everything that both sides say on the next connection, until the client leaves. */
export async function recordTalk(
  port: number,
  dial: (port: number) => Promise<unknown>,
): Promise<{ readonly asked: Buffer[]; readonly answered: Buffer[] }> {
  const asked: Buffer[] = []
  const answered: Buffer[] = []
  const relay = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1')
    near.on('data', (bytes) => {
      asked.push(bytes)
      far.write(bytes)
    })
    far.on('data', (bytes) => {
      answered.push(bytes)
      near.write(bytes)
    })
    for (const socket of [near, far]) {
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
  })
  await new Promise<void>((done) => relay.listen(0, '127.0.0.1', done))
  await dial((relay.address() as net.AddressInfo).port)
  await new Promise<void>((done) => relay.close(() => done()))
  return { asked: inMessages(asked), answered: inMessages(answered) }
}

const inMessages = (parts: readonly Buffer[]) => messagesIn(Buffer.concat(parts))

export type ReplayServer = {
  readonly port: number
  /** Messages that were changed and sent. */
  readonly mutated: () => number
  readonly open: () => number
  close(): Promise<void>
}

/** As long as the client bears it. */
const wrongInARow = 8

/** Answers as a server once did, but for the message at which this connection goes wrong. */
export async function replayServer(
  answers: readonly Buffer[],
  below: (n: number) => number,
): Promise<ReplayServer> {
  let mutated = 0
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    const wrongAt = below(answers.length)
    let next = 0
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', () => {
      const answer = answers[next]
      next += 1
      if (answer === undefined) return
      if (next - 1 !== wrongAt) {
        socket.write(answer)
        return
      }
      const send = (left: number) => {
        if (left === 0 || !socket.writable) {
          socket.end() // nothing follows: whoever waits for more waits in vain
          return
        }
        mutated += 1
        socket.write(mutate(answer, below), () => send(left - 1))
      }
      send(wrongInARow)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as net.AddressInfo).port,
    mutated: () => mutated,
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

export type MutatingWire = {
  readonly port: number
  readonly mutated: () => number
  /** From now on everything passes as it is; what was open is closed. */
  heal(): void
  close(): Promise<void>
}

/** Between a battery and us: changes one in so many of the messages that the battery sends. */
export async function mutatingWire(
  targetPort: number,
  below: (n: number) => number,
  oneIn: number,
): Promise<MutatingWire> {
  let mutated = 0
  let isHealed = false
  const sockets = new Set<net.Socket>()
  const server = net.createServer((near) => {
    const far = net.connect(targetPort, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (bytes) => far.write(bytes))
    far.on('data', (bytes) => {
      if (isHealed || below(oneIn) > 0 || bytes.length < 8) {
        near.write(bytes)
        return
      }
      mutated += 1
      near.write(mutate(bytes, below))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as net.AddressInfo).port,
    mutated: () => mutated,
    heal() {
      isHealed = true
      drop()
    },
    async close() {
      drop()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}
