import { connect, type Socket } from 'node:net'
import type { DesiredSetpoint, EffectiveSetpoint } from '#domain/dispatch-instruction.ts'
import { assert, DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { DeviceSink, Log, Timer } from '#ports.ts'
import { capabilityOf } from './capability.ts'
import { orderLine, readEffective, readLine, withResource } from './wire.ts'

export type LinkContext = {
  readonly timer: Timer
  readonly log: Log
  readonly sink: DeviceSink
  readonly meteringIntervalSeconds: number
}

/** Wall time, all of it. */
const CONNECT_DEADLINE_MS = 3_000
const REQUEST_DEADLINE_MS = 2_000
const PING_MS = 1_000
const RETRY_MS = 500

/** The device answered, and what it said was no. */
class Refused extends Error {}

type Waiting = {
  readonly answered: (words: readonly string[]) => void
  readonly lost: (reason: Error) => void
}

/**
 * Keeps one device connected. Three rules carry it:
 * - healthy is who answers, not who has a socket: silence ends the connection;
 * - an order without an answer is unknown, so the socket that could still send it is closed;
 * - after `stop` nothing is told any more and no socket is left.
 */
export class Link {
  readonly #context: LinkContext
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #resource: Resource
  #socket: Socket | null = null
  #isReady = false
  #detail = ''
  #newestAt: Instant | null = null
  #lastId = 0
  readonly #waiting = new Map<number, Waiting>()

  constructor(context: LinkContext, resource: Resource) {
    this.#context = context
    this.#resource = resource
    this.#running = this.#run()
  }

  /** Attaching again renews what is known; only another address needs another connection. */
  renew(resource: Resource): void {
    const isElsewhere = addressOf(resource) !== addressOf(this.#resource)
    this.#resource = resource
    if (isElsewhere) this.#socket?.destroy()
  }

  async apply(setpoint: DesiredSetpoint, deadlineMs: number): Promise<void> {
    await this.#request(orderLine(setpoint), deadlineMs)
  }

  async readBack(deadlineMs: number): Promise<EffectiveSetpoint> {
    return readEffective(await this.#request('get', deadlineMs))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#socket?.destroy()
    await this.#running
  }

  /** One connection after the other, until it is stopped. */
  async #run(): Promise<void> {
    const { timer } = this.#context
    while (!this.#stopping.signal.aborted) {
      const reason = await this.#connection()
      this.#isReady = false
      this.#tellLost(reason)
      await timer.sleep(RETRY_MS, this.#stopping.signal).catch(() => undefined) // stopped
    }
  }

  /** From its opening to its end; answers why it ended. */
  async #connection(): Promise<string> {
    const { timer } = this.#context
    const [host = '', port = ''] = addressOf(this.#resource).split(':')
    const socket = connect({ host, port: Number(port), noDelay: true })
    this.#socket = socket
    const ended = new Promise<string>((resolve) => {
      let why = 'the device closed the connection'
      socket.on('error', (error) => (why = error.message))
      socket.on('close', () => {
        for (const { lost } of this.#waiting.values()) lost(new Error(why))
        resolve(why)
      })
    })
    this.#listen(socket)
    const ping = timer.every(PING_MS, `pings of ${this.#resource.id}`, async () => {
      if (this.#isReady) await this.#request('ping', REQUEST_DEADLINE_MS).catch(() => undefined)
    })
    try {
      const opened = new Promise<void>((resolve) => socket.once('connect', () => resolve()))
      const open = Promise.race([opened, ended])
      await timer.deadline(open, CONNECT_DEADLINE_MS, `a connection to ${this.#resource.id}`)
      if (!socket.destroyed) await this.#introduce(socket)
      return await ended
    } catch (error) {
      socket.destroy()
      return error instanceof Error ? error.message : String(error)
    } finally {
      await ping.stop()
    }
  }

  /** Before it counts as connected: who is it, and does it answer at all? */
  async #introduce(socket: Socket): Promise<void> {
    const { sink, meteringIntervalSeconds } = this.#context
    const [name = 'unnamed'] = await this.#ask(socket, 'hello', REQUEST_DEADLINE_MS)
    await this.#ask(socket, `interval ${meteringIntervalSeconds}`, REQUEST_DEADLINE_MS)
    if (this.#stopping.signal.aborted) return
    this.#isReady = true
    this.#detail = ''
    sink.capability(this.#resource.id, capabilityOf(this.#resource, name, meteringIntervalSeconds))
    sink.connected(this.#resource.id, `blueprint, ${name}`)
  }

  #listen(socket: Socket): void {
    let rest = ''
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#heard(line)
    })
  }

  /** Nothing that a device sends may throw from here. */
  #heard(text: string): void {
    const line = readLine(text)
    if (line === null) {
      this.#context.log.warn('a device said what nobody understands', { length: text.length })
    } else if (line.kind === 'answer') {
      this.#waiting.get(line.id)?.answered(line.words) // one that comes late finds nobody waiting
    } else if (!this.#stopping.signal.aborted && line.reading.at > (this.#newestAt ?? 0)) {
      this.#newestAt = line.reading.at // a device may tell its last reading again: once is enough
      this.#context.sink.measured(withResource(this.#resource.id, line.reading))
    }
  }

  /** @throws DomainError device-refused, device-unreachable */
  async #request(line: string, deadlineMs: number): Promise<readonly string[]> {
    const { id } = this.#resource
    if (this.#socket === null || !this.#isReady) {
      throw new DomainError('device-unreachable', `${id}: ${this.#detail || 'connecting'}`)
    }
    try {
      return await this.#ask(this.#socket, line, deadlineMs)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const code = error instanceof Refused ? 'device-refused' : 'device-unreachable'
      throw new DomainError(code, `${id}: ${reason}`)
    }
  }

  async #ask(socket: Socket, line: string, deadlineMs: number): Promise<readonly string[]> {
    const { timer } = this.#context
    if (socket.destroyed) throw new Error('the connection is over')
    const id = ++this.#lastId
    const answer = new Promise<readonly string[]>((answered, lost) =>
      this.#waiting.set(id, { answered, lost }),
    )
    socket.write(`#${id} ${line}\n`)
    try {
      const words = await timer.deadline(answer, deadlineMs, `the answer to ${line}`)
      if (words[0] === 'no') throw new Refused(words.slice(1).join(' '))
      return words
    } catch (error) {
      if (!(error instanceof Refused)) socket.destroy() // it might still be sent
      throw error
    } finally {
      this.#waiting.delete(id)
    }
  }

  /** Once per reason, however often the connection is tried. */
  #tellLost(reason: string): void {
    if (this.#stopping.signal.aborted || reason === this.#detail) return
    this.#detail = reason
    this.#context.sink.disconnected(this.#resource.id, reason)
  }
}

/** Here your own member of the union in domain/resource.ts is taken apart. */
function addressOf({ id, connection }: Resource): string {
  assert(connection.protocol === 'simulated', `${id} is reached over ${connection.protocol}`)
  return connection.address
}
