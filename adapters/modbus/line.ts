import { connect, type Socket } from 'node:net'
import type { Timer } from '#ports.ts'
import { exceptionText } from './wire.ts'

export type LineAddress = { readonly host: string; readonly port: number; readonly unitId: number }

/** One connection to one inverter; once closed it sends nothing more. */
export type Line = {
  /** Resolves with the reason once the connection is over. */
  readonly closed: Promise<string>
  /** @throws ModbusException where the device refuses; LineError where no answer can come */
  read(address: number, count: number): Promise<readonly number[]>
  /** Resolves when the device has acknowledged. @throws as above */
  write(address: number, values: readonly number[]): Promise<void>
  close(reason: string): void
}

/** The device answered with an exception. */
export class ModbusException extends Error {
  readonly code: number
  constructor(code: number) {
    super(exceptionText(code))
    this.code = code
  }
}

/** Nobody answered: whether the device carried out what was asked is not known. */
export class LineError extends Error {}

const connectDeadlineMs = 3_000

/**
 * Opens a connection. The socket is our own: modbus-serial 8.0.25 tells nobody of a socket that
 * ends with an error, and leaves what waits for an answer waiting.
 * @throws LineError
 */
export async function openLine(
  timer: Timer,
  { host, port, unitId }: LineAddress,
  requestDeadlineMs: number,
  signal: AbortSignal,
): Promise<Line> {
  const socket = connect({ host, port, noDelay: true, keepAlive: true })
  const ended = new Promise<string>((resolve) => {
    let why = 'the inverter closed the connection'
    socket.on('error', (error) => (why = reasonOf(error)))
    socket.on('close', () => resolve(why))
  })
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  void ended.then(() => signal.removeEventListener('abort', abort))
  try {
    await timer.deadline(connected(socket, ended), connectDeadlineMs, `a connection to ${host}`)
    const { default: modbus } = await import('modbus-serial')
    const client = new modbus.default()
    await client.linkTCP(socket, { port })
    client.setID(unitId)
    client.setTimeout(2 * requestDeadlineMs) // ours comes first
    return lineOn(timer, socket, ended, client, requestDeadlineMs)
  } catch (error) {
    socket.destroy()
    throw error instanceof LineError ? error : new LineError(reasonOf(error))
  }
}

async function connected(socket: Socket, ended: Promise<string>): Promise<void> {
  const established = new Promise<null>((resolve) => socket.once('connect', () => resolve(null)))
  const why = await Promise.race([established, ended])
  if (why !== null) throw new LineError(why)
}

type Client = {
  readHoldingRegisters(address: number, count: number): Promise<{ data: number[] }>
  writeRegisters(address: number, values: number[]): Promise<unknown>
}

function lineOn(
  timer: Timer,
  socket: Socket,
  ended: Promise<string>,
  client: Client,
  requestDeadlineMs: number,
): Line {
  let reason: string | null = null
  const closed = ended.then((why) => reason ?? why)
  const broken = closed.then((why): never => {
    throw new LineError(why)
  })
  broken.catch(() => undefined) // told to whoever waits, through the races below
  const close = (why: string) => {
    reason ??= why
    socket.destroy()
  }
  let tail: Promise<unknown> = Promise.resolve()

  /**
   * One request at a time, as most inverters want it. An answer that comes late or out of order
   * carries another transaction id and is dropped by the library; one that does not come in time
   * ends the connection, so that what was asked cannot be carried out later.
   */
  async function ask<T>(what: string, send: () => Promise<T>): Promise<T> {
    const before = tail
    const asked = (async () => {
      await before.catch(() => undefined) // its own caller was told
      if (socket.destroyed) throw new LineError(reason ?? 'the connection is over')
      return await answer(what, send())
    })()
    tail = asked
    return await asked
  }

  async function answer<T>(what: string, sent: Promise<T>): Promise<T> {
    try {
      return await timer.deadline(Promise.race([sent, broken]), requestDeadlineMs, what)
    } catch (error) {
      if (error instanceof LineError) throw error
      const code = (error as { modbusCode?: unknown }).modbusCode
      if (typeof code === 'number') throw new ModbusException(code)
      close(reasonOf(error)) // no answer, or one that is none
      throw new LineError(reasonOf(error))
    }
  }

  return {
    closed,
    close,
    async read(address, count) {
      const what = `the inverter's answer to a read of register ${address}`
      const { data } = await ask(what, () => client.readHoldingRegisters(address, count))
      if (data.length === count) return data
      close(`expected ${count} registers from ${address}, got ${data.length}`)
      throw new LineError(`expected ${count} registers from ${address}, got ${data.length}`)
    },
    async write(address, values) {
      const what = `the inverter's answer to a write of register ${address}`
      await ask(what, () => client.writeRegisters(address, [...values]))
    },
  }
}

/** Why something failed, in words that stay the same from one attempt to the next. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return reasons.find(({ pattern }) => pattern.test(text))?.reason ?? text
}

const reasons = [
  { pattern: /ECONNREFUSED/, reason: 'nothing listens at its address' },
  { pattern: /ENOTFOUND|EAI_AGAIN/, reason: 'its host name is not known' },
  { pattern: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, reason: 'its host cannot be reached' },
  { pattern: /ECONNRESET|EPIPE/, reason: 'the inverter closed the connection' },
]
