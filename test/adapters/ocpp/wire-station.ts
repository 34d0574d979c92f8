/**
 * A charging station of nothing but frames: it records every CALL it gets and answers from a table.
 * Written from the standard, on purpose without any code of the product.
 */
import { WebSocket } from 'ws'

type Payload = Record<string, unknown>
type Answer = Payload | ((payload: Payload) => Payload | 'silence' | Promise<Payload>)

export type WireStation = {
  readonly socket: WebSocket
  /** Every CALL received, in order. */
  readonly calls: { id: string; action: string; payload: Payload }[]
  /** Every frame received, as text. */
  readonly frames: string[]
  /** Change or add an answer. */
  answer(action: string, answer: Answer): void
  /** Sends a CALL and waits for the whole answering frame. */
  call(action: string, payload: Payload, id?: string): Promise<unknown[]>
  /** Sends text as it is. */
  raw(text: string): void
  callsOf(action: string): Payload[]
  /** Close code and reason. */
  readonly closed: Promise<string>
  close(): Promise<void>
}

export const ANSWERS_16: Record<string, Answer> = {
  GetConfiguration: {
    configurationKey: [
      { key: 'ChargingScheduleAllowedChargingRateUnit', readonly: true, value: 'Current' },
      { key: 'ChargeProfileMaxStackLevel', readonly: true, value: '3' },
    ],
  },
  ChangeConfiguration: { status: 'Accepted' },
  ClearChargingProfile: { status: 'Accepted' },
  SetChargingProfile: { status: 'Accepted' },
  TriggerMessage: { status: 'NotImplemented' },
}

export const ANSWERS_201: Record<string, Answer> = {
  GetVariables: (payload) => ({
    getVariableResult: (payload['getVariableData'] as Payload[]).map((one) => ({
      ...one,
      attributeStatus: 'Accepted',
      attributeValue: (one['variable'] as Payload)['name'] === 'RateUnit' ? 'A,W' : '2',
    })),
  }),
  SetVariables: (payload) => ({
    setVariableResult: (payload['setVariableData'] as Payload[]).map((one) => ({
      component: one['component'],
      variable: one['variable'],
      attributeStatus: 'Accepted',
    })),
  }),
  ClearChargingProfile: { status: 'Accepted' },
  SetChargingProfile: { status: 'Accepted' },
  TriggerMessage: { status: 'Rejected' },
}

export type ConnectOptions = {
  readonly protocols?: readonly string[]
  readonly identity?: string
  readonly password?: string | Buffer | null
  readonly answers?: Record<string, Answer>
  readonly autoPong?: boolean
  /** Offers permessage-deflate. */
  readonly deflate?: boolean
  /** Whom it trusts and what it shows, over TLS. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string }
}

export function basic(identity: string, password: string | Buffer): string {
  const bytes = Buffer.concat([Buffer.from(`${identity}:`), Buffer.from(password)])
  return `Basic ${bytes.toString('base64')}`
}

/** @throws Error 'Unexpected server response: 401' and the like. */
export async function connectStation(url: string, options: ConnectOptions): Promise<WireStation> {
  const { protocols = ['ocpp1.6'], identity = 'CP-1', password = null } = options
  const { autoPong = true, deflate = true } = options
  const headers = password === null ? {} : { Authorization: basic(identity, password) }
  const socket = new WebSocket(url, [...protocols], {
    headers,
    autoPong,
    perMessageDeflate: deflate,
    ...options.tls,
  })
  const answers = { ...options.answers }
  const waiting = new Map<string, (frame: unknown[]) => void>()
  const calls: WireStation['calls'] = []
  const frames: string[] = []
  let count = 0

  async function reply(id: string, action: string, payload: Payload): Promise<void> {
    const answer = answers[action]
    if (answer === undefined) {
      socket.send(JSON.stringify([4, id, 'NotImplemented', '', {}]))
      return
    }
    const given = typeof answer === 'function' ? await answer(payload) : answer
    if (given === 'silence') return
    if ('error' in given) socket.send(JSON.stringify([4, id, given['error'], 'as told', {}]))
    else socket.send(JSON.stringify([3, id, given]))
  }

  socket.on('message', (data) => {
    const text = String(data)
    frames.push(text)
    const frame = JSON.parse(text) as unknown[]
    const id = String(frame[1])
    if (frame[0] === 2) {
      calls.push({ id, action: String(frame[2]), payload: frame[3] as Payload })
      reply(id, String(frame[2]), frame[3] as Payload).catch((error: unknown) => {
        throw error
      })
    } else {
      waiting.get(id)?.(frame)
    }
  })
  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => resolve(`${code} ${String(reason)}`))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
  })
  socket.on('error', () => socket.terminate())

  return {
    socket,
    calls,
    frames,
    closed,
    answer: (action, answer) => void (answers[action] = answer),
    async call(action, payload, id = `station-${++count}`) {
      const answered = new Promise<unknown[]>((resolve) => waiting.set(id, resolve))
      socket.send(JSON.stringify([2, id, action, payload]))
      return await answered
    },
    raw: (text) => socket.send(text),
    callsOf: (action) => calls.filter((one) => one.action === action).map((one) => one.payload),
    async close() {
      socket.close(1000)
      await closed
    },
  }
}

export const BOOT_16 = { chargePointVendor: 'Wire', chargePointModel: 'One' }
export const BOOT_201 = {
  reason: 'PowerUp',
  chargingStation: { vendorName: 'Wire', model: 'Two' },
}
