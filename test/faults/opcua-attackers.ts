import { once } from 'node:events'
import net from 'node:net'
import type { ServerSecureChannelLayer } from 'node-opcua'
import { mutate } from './opcua-mutation.ts'

/** Makes a server's channel lie: see `corruptAnswers`. */
export type Liar = {
  corrupt(channel: ServerSecureChannelLayer): void
  readonly mutated: () => number
}

/**
 * A server with good keys and bad intentions: one in so many of its answers is changed before it is
 * signed and encrypted, so that nothing but reading it can find that out.
 */
export function corruptAnswers(below: (n: number) => number, oneIn: number): Liar {
  let mutated = 0
  return {
    mutated: () => mutated,
    corrupt(channel) {
      const send = channel.send_response.bind(channel)
      channel.send_response = (type, response, message, done) => {
        if (type === 'MSG' && below(oneIn) === 0) {
          mutated += 1
          corruptBody(response as unknown as Encoding, below)
        }
        send(type, response, message, done)
      }
    },
  }
}

const oddNumbers = [0, 1, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff, 0xff_fe, 8, 16]

/** Every message of the library can do it; its type of an answer does not say so. */
type Encoding = { encode(stream: { length: number; buffer: Buffer }): void }

function corruptBody(response: Encoding, below: (n: number) => number): void {
  const encode = response.encode.bind(response)
  response.encode = (stream) => {
    const from = stream.length
    encode(stream)
    const { buffer } = stream
    const size = stream.length - from
    const at = () => from + below(size)
    switch (below(4)) {
      case 0:
        for (let i = 1 + below(4); i > 0; i -= 1) {
          const offset = at()
          buffer[offset] = (buffer[offset] ?? 0) ^ (1 << below(8))
        }
        break
      case 1:
        for (let i = 1 + below(16); i > 0; i -= 1) buffer[at()] = below(256)
        break
      case 2:
        buffer.writeUInt32LE(
          oddNumbers[below(oddNumbers.length)] ?? 0,
          Math.max(from, Math.min(at(), stream.length - 4)),
        )
        break
      default:
        stream.length = at() // cut off
    }
  }
}

const answerWaitMs = 50

/**
 * Strangers who talk to a server as a client once did, until each says something wrong, and go on
 * as long as it listens. Answers how many wrong messages were sent.
 */
export async function mutatedClients(
  port: number,
  asked: readonly Buffer[],
  cases: number,
  below: (n: number) => number,
): Promise<number> {
  let mutated = 0
  const stranger = async () => {
    while (mutated < cases) {
      const socket = net.connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.resume()
      const closed = new Promise((done) => socket.once('close', done))
      await heard(socket, 'connect')
      const wrongAt = below(asked.length)
      for (const right of asked.slice(0, wrongAt)) {
        socket.write(right)
        await heard(socket)
      }
      for (let i = 0; i < 8 && socket.writable; i += 1) {
        mutated += 1
        socket.write(mutate(asked[wrongAt] ?? Buffer.alloc(8), below))
      }
      await heard(socket)
      socket.destroy()
      await closed
    }
  }
  await Promise.all(Array.from({ length: 16 }, stranger))
  return mutated
}

/** Something was answered, or nothing within a short time, which a wrong message may well earn. */
async function heard(socket: net.Socket, what = 'data'): Promise<void> {
  const signal = AbortSignal.timeout(answerWaitMs)
  try {
    await once(socket, what, { signal })
  } catch {
    // said nothing, or is gone: either is an answer
  }
}
