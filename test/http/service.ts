import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { createApi } from '#http/api.ts'
import type { ApiContext } from '#http/context.ts'
import { ensureFirstOperator } from '#lifecycle/first-start.ts'
import { createLog } from '#observability/logger.ts'
import { createMetrics } from '#observability/metrics.ts'
import type { Ports } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, WINDOW_START } from '../support/builders.ts'
import { wallTimer } from '../support/wall-timer.ts'

export type Answer = {
  readonly status: number
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
  readonly headers: Headers
}

export type Sent = {
  readonly key?: string | null
  readonly body?: unknown
  /** A body as it stands, instead of one that is made into JSON. */
  readonly raw?: string
  readonly headers?: Record<string, string>
}

export type Exchange = {
  readonly method: string
  readonly path: string
  readonly sent: unknown
  readonly status: number
  readonly body: unknown
}

export type Service = {
  readonly url: string
  readonly world: World
  readonly ports: Ports
  readonly operatorKey: string
  /** Every answer's text and every line that was logged, since the start. */
  readonly answers: string[]
  readonly exchanges: Exchange[]
  readonly logs: string[]
  send(method: string, path: string, sent?: Sent): Promise<Answer>
  stop(): Promise<void>
}

/** What the OPC UA driver would tell of itself. */
export const CLIENT_CERTIFICATE = { pem: 'a certificate', thumbprint: 'AB'.repeat(20) }

/** The HTTP service on a real socket, over a world without wall time. */
export async function startService(
  changes: Partial<ApiContext> = {},
  store?: Store,
): Promise<Service> {
  const world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...aProgram() })
  await world.boot()
  const logs: string[] = []
  const answers: string[] = []
  const exchanges: Exchange[] = []
  const stopping = new AbortController()
  const ports: Ports = {
    ...world.ports(),
    ...(store === undefined ? {} : { store }),
    timer: wallTimer,
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    log: createLog({ level: 'info', write: (line) => logs.push(line) }),
  }
  const operatorKey = await ensureFirstOperator(ports)
  if (operatorKey === null) throw new Error('a fresh store has no operator')
  const api = createApi({
    ports,
    metrics: createMetrics(),
    startClock: null,
    ocppUrl: (identity) => `ws://127.0.0.1:8887/ocpp/${identity}`,
    presentedThumbprint: () => null,
    clientCertificate: async () => CLIENT_CERTIFICATE,
    chainHeadAt: async () => world.clock.now(),
    chainHeadAgeMaxSeconds: 60,
    dashboardsFolder: null,
    stopping: stopping.signal,
    stream: { coalesceMs: 5, heartbeatMs: 100, lookAgainMs: 100 },
    ...changes,
  })
  const server = await listen(api.fetch)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    world,
    ports,
    operatorKey,
    answers,
    exchanges,
    logs,
    async send(method, path, sent = {}) {
      const response = await fetch(url + path, { method, ...parts(sent) })
      const text = await response.text()
      answers.push(text)
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const body: unknown = isJson ? JSON.parse(text) : null
      exchanges.push({ method, path, sent: sent.body, status: response.status, body })
      return { status: response.status, text, body, headers: response.headers }
    },
    async stop() {
      stopping.abort()
      await world.stop()
      await new Promise<void>((resolve, reject) =>
        server.close((error) => (error ? reject(error) : resolve())),
      )
    },
  }
}

function parts({ key, body, raw, headers = {} }: Sent): RequestInit {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return {
    ...(text === undefined ? {} : { body: text }),
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
  }
}

function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<ServerType> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(server))
  })
}

export const IBANS = { anna: 'NL91ABNA0417164300', bert: 'DE89370400440532013000' }

/** Two DSOs, two aggregators, three owners, and what else a district has. */
export type Town = { readonly keys: Readonly<Record<Party, string>> }
export type Party =
  | 'dso'
  | 'otherDso'
  | 'agg'
  | 'otherAgg'
  | 'anna'
  | 'bert'
  | 'verifier'
  | 'agent'
  | 'arbiter'
  | 'operator'

let made = 0
export const idempotent = () => ({ 'idempotency-key': `test-${(made += 1)}` })

/** Enrols a small district over HTTP, as its parties would. */
export async function aTown(service: Service): Promise<Town> {
  const create = async (key: string, path: string, body: unknown) => {
    const answer = await service.send('POST', path, { key, body, headers: idempotent() })
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`)
    return answer.body
  }
  const operator = service.operatorKey
  const party = async (body: unknown): Promise<string> =>
    (await create(operator, '/v1/organisations', body)).key
  const address = (n: number) => `0x${String(n).repeat(40)}`
  const { payer, agent: agentAddress, arbiter: judge, verifiers } = SIMULATED_PARTIES
  const dso = await party({ id: 'dso', kind: 'dso', name: 'North Grid', address: payer })
  const otherDso = await party({ id: 'dso-2', kind: 'dso', name: 'South', address: address(2) })
  const share = { kind: 'aggregator', aggregatorShareBp: 1500 }
  const agg = await party({ id: 'agg-1', name: 'Sun Pool', ...share })
  const otherAgg = await party({ id: 'agg-2', name: 'Moon Pool', ...share })
  const verifier = await party({ kind: 'verifier', name: 'V', address: verifiers[0] })
  const agent = await party({ kind: 'agent', name: 'Bank', address: agentAddress })
  const arbiter = await party({ kind: 'arbiter', name: 'Court', address: judge })
  for (const [key, dsoId] of [
    [dso, 'dso'],
    [otherDso, 'dso-2'],
  ] as const) {
    const answer = await service.send('PUT', '/v1/programs', { key, body: programBody({ dsoId }) })
    if (answer.status !== 200) throw new Error(answer.text)
  }
  await create(dso, '/v1/congestion-points', { id: 'cp-north', name: 'North' })
  await create(otherDso, '/v1/congestion-points', { id: 'cp-south', name: 'South' })
  const owner = async (key: string, id: string, iban: string): Promise<string> =>
    (await create(key, '/v1/owners', { id, payout: { kind: 'agent', iban } })).key
  const anna = await owner(agg, 'anna', IBANS.anna)
  const bert = await owner(otherAgg, 'bert', IBANS.bert)
  await create(agg, '/v1/sites', siteBody('anna', 'cp-north'))
  await create(otherAgg, '/v1/sites', siteBody('bert', 'cp-north'))
  await create(agg, '/v1/resources', chargerBody('charger-anna', 'anna'))
  await create(otherAgg, '/v1/resources', batteryBody('battery-bert', 'bert'))
  const others = { verifier, agent, arbiter, operator }
  return { keys: { dso, otherDso, agg, otherAgg, anna, bert, ...others } }
}

export function siteBody(ownerId: string, congestionPointId: string) {
  return { id: `site-${ownerId}`, ownerId, congestionPointId }
}

export function chargerBody(id: string, owner: string, changes: object = {}) {
  return {
    id,
    kind: 'charger',
    siteId: `site-${owner}`,
    rating: {
      importMaxW: 7360,
      exportMaxW: 0,
      importMinW: 1380,
      phases: 1,
      energyWh: 60_000,
      reserveWh: 0,
      pausable: true,
    },
    offer: offerBody('120000'),
    connection: { protocol: 'ocpp', identity: id },
    ...changes,
  }
}

export function batteryBody(id: string, owner: string, changes: object = {}) {
  return {
    id,
    kind: 'battery',
    siteId: `site-${owner}`,
    rating: {
      importMaxW: 5000,
      exportMaxW: 5000,
      importMinW: 0,
      phases: 3,
      energyWh: 10_000,
      reserveWh: 2000,
      pausable: false,
    },
    offer: offerBody('200000'),
    connection: { protocol: 'opcua', endpoint: `opc.tcp://${id}:4840`, thumbprint: null },
    ...changes,
  }
}

export function offerBody(priceMinorPerKwh: string) {
  return {
    priceMinorPerKwh,
    directions: ['reduce-import', 'increase-import'],
    fromMinute: 0,
    untilMinute: 1440,
  }
}

export function programBody(changes: object = {}) {
  const { priceCapMax, ...program } = aProgram()
  return { ...program, priceCapMaxMinorPerKwh: priceCapMax.toString(), ...changes }
}

/** A request over settlement periods from the builders' window on. */
export function callBody(powersW: readonly number[], changes: object = {}) {
  const at = (i: number) => formatInstant(addSeconds(WINDOW_START, i * 900))
  return {
    congestionPointId: 'cp-north',
    direction: 'reduce-import',
    window: { start: at(0), end: at(powersW.length) },
    periods: powersW.map((powerW, i) => ({ start: at(i), powerW })),
    priceCapMinorPerKwh: '450000',
    penalty: { kind: 'none' },
    ...changes,
  }
}
