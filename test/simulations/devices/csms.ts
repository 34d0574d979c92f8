import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import * as schemas16 from 'typed-ocpp/dist/ocpp16/schemas.js'
import * as schemas201 from 'typed-ocpp/dist/ocpp20/schemas.js'
import * as schemas21 from 'typed-ocpp/dist/ocpp21/schemas.js'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Payload } from '#simulations/devices/ocpp-link.ts'

type Version = 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1'
export type Received = { identity: string; action: string; payload: Payload }

const TEXTS: Record<Version, Record<string, unknown>> = {
  'ocpp1.6': schemas16,
  'ocpp2.0.1': schemas201,
  'ocpp2.1': schemas21,
}
const ajv = new Ajv({ strictSchema: false, strictTypes: false, multipleOfPrecision: 3 })
formats.default(ajv)
const compiled = new Map<string, ValidateFunction>()

/** A central system that turns away whatever the standard's schemas do not allow. */
export class Csms {
  readonly received: Received[] = []
  /** Frames that broke a schema, in words; a test expects none. */
  readonly deviations: string[] = []
  readonly passwords = new Map<string, string>()
  /** What stations could not use of our answers (2.1 CALLRESULTERROR): the codes. */
  readonly resultErrors: string[] = []
  refusals = 0
  /** What to answer instead of the usual. */
  readonly answers = new Map<string, (payload: Payload) => Payload>()
  readonly #http = createServer()
  readonly #ws = new WebSocketServer({ noServer: true })
  readonly #sockets = new Map<string, { socket: WebSocket; version: Version }>()
  readonly #waiting = new Map<string, (frame: unknown[]) => void>()
  #transactions = 100

  async start(): Promise<void> {
    this.#http.on('upgrade', (request, socket, head) => {
      const identity = decodeURIComponent(request.url?.split('/').at(-1) ?? '')
      const password = this.passwords.get(identity)
      const basic = Buffer.from(`${identity}:${password}`).toString('base64')
      if (password === undefined || request.headers.authorization !== `Basic ${basic}`) {
        this.refusals += 1
        socket.on('error', () => undefined) // a station that hangs up first
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
        return
      }
      this.#ws.handleUpgrade(request, socket, head, (opened) => {
        const version = opened.protocol as Version
        this.#sockets.set(identity, { socket: opened, version })
        opened.on('message', (data) => this.#read(identity, version, opened, data.toString()))
      })
    })
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
  }

  url(identity: string): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/ocpp/${identity}`
  }

  connected(identity: string): boolean {
    return this.#sockets.get(identity)?.socket.readyState === 1
  }

  of(identity: string, action: string): Payload[] {
    return this.received
      .filter((one) => one.identity === identity && one.action === action)
      .map(({ payload }) => payload)
  }

  /** Calls the station. @throws Error for a CALLERROR, or no answer within 5 s */
  async call(identity: string, action: string, payload: Payload): Promise<Payload> {
    const { socket, version } = this.#sockets.get(identity) ?? {}
    if (socket === undefined || version === undefined) throw new Error(`${identity} is not there`)
    this.#check(version, `${action}Request`, payload, `our own ${action}`)
    const id = randomUUID()
    const frame = await new Promise<unknown[]>((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`${action}: no answer`)), 5000)
      this.#waiting.set(id, (answer) => {
        clearTimeout(deadline)
        resolve(answer)
      })
      socket.send(JSON.stringify([2, id, action, payload]))
    })
    if (frame[0] === 4) throw new Error(`${String(frame[2])}: ${String(frame[3])}`)
    this.#check(version, `${action}Response`, frame[2] as Payload, `${identity} ${action}Response`)
    return frame[2] as Payload
  }

  cut(identity: string): void {
    this.#sockets.get(identity)?.socket.terminate()
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#sockets.values()) socket.terminate()
    this.#http.closeAllConnections()
    this.#http.close()
    await once(this.#http, 'close')
  }

  #read(identity: string, version: Version, socket: WebSocket, text: string): void {
    const frame = JSON.parse(text) as [number, string, string, Payload]
    const [type, id, action, payload] = frame
    if (type === 5) this.resultErrors.push(action)
    if (type === 6) {
      this.#check(version, action, payload, `${identity} ${action}`)
      this.received.push({ identity, action, payload })
    }
    if (type !== 2) return this.#waiting.get(id)?.(frame)
    this.#check(version, `${action}Request`, payload, `${identity} ${action}`)
    this.received.push({ identity, action, payload })
    const answer = this.answers.get(action)?.(payload) ?? this.#usual(action)
    this.#check(version, `${action}Response`, answer, `our own ${action}Response`)
    socket.send(JSON.stringify([3, id, answer]))
  }

  #usual(action: string): Payload {
    const currentTime = '2027-01-19T15:51:00Z'
    if (action === 'BootNotification') return { status: 'Accepted', currentTime, interval: 300 }
    if (action === 'Heartbeat') return { currentTime }
    const accepted = ['DataTransfer', 'NotifyEVChargingNeeds', 'OpenPeriodicEventStream']
    if (accepted.includes(action)) return { status: 'Accepted' }
    if (action === 'StartTransaction') {
      return { transactionId: ++this.#transactions, idTagInfo: { status: 'Accepted' } }
    }
    return {}
  }

  #check(version: Version, name: string, payload: Payload, what: string): void {
    const key = `${version} ${name}`
    const schema = TEXTS[version][name]
    if (schema === undefined) {
      this.deviations.push(`${what}: ${name} is not in the standard`)
      return
    }
    const validate = compiled.get(key) ?? ajv.compile(schema as object)
    compiled.set(key, validate)
    if (!validate(payload)) this.deviations.push(`${what}: ${ajv.errorsText(validate.errors)}`)
  }
}

/** Waits until something is so. @throws Error naming it after a deadline of wall time */
export async function until(
  what: string,
  holds: () => boolean,
  deadlineMs = 15_000,
): Promise<void> {
  for (let waited = 0; !holds(); waited += 10) {
    if (waited >= deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
