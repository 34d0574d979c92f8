import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { type PartyApi, partyApi } from '#demo/api.ts'
import type { OperatorCallView } from '#demo/views.ts'
import { partiesFolder } from '#processes/local-parties.ts'
import { removeServers } from '#supervisor.ts'
import { paidIn, SHORT_PROGRAM } from '#test/support/real-service.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

const root = resolve(import.meta.dirname, '..', '..')
const PERIOD_MS = 30_000
/** Long enough for a battery to be away and back within one interval and the next. */
export const INTERVAL_MS = 15_000

/** The service as a user starts it, at speed 1, with a DSO and an aggregator. */
export type Service = {
  readonly folder: string
  readonly dso: PartyApi
  readonly aggregator: PartyApi
  readonly operator: PartyApi
  /** The file of our client certificate, for the battery's trust list. */
  readonly certificateFile: string
  /**
   * Enrols one battery of 8 kW, alone at a congestion point of the same name, and waits until it is
   * connected and its readings are fresh.
   */
  enrol(id: string, connection: object): Promise<void>
  /** Posts, accepts and funds a call at a point whose window begins soon; answers id and window. */
  order(
    point: string,
    powerW: number,
    periods: number,
  ): Promise<{ id: string; startMs: number; endMs: number }>
  view(id: string): Promise<OperatorCallView>
  /** Waits until a call is paid. @throws Error with the call and what the service said last */
  paid(id: string): Promise<OperatorCallView>
  lastWords(): string
  stop(): Promise<void>
}

export async function startService(): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'gridcall-asyncua-'))
  const dataDir = join(folder, 'data')
  const child = spawn(process.execPath, [join(root, 'orchestrator', 'cli.ts'), 'start'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      GRIDCALL_DATA_DIR: dataDir,
      GRIDCALL_METERING_INTERVAL: `${INTERVAL_MS / 1000}s`,
      GRIDCALL_DISPUTE_WINDOW: '3s',
      GRIDCALL_EPOCH_WINDOW: '2s',
      ...(await freePorts()),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => said.push(line))
  }
  const find = (pattern: RegExp) => said.map((line) => pattern.exec(line)?.[1]).find(Boolean)
  const key = await until('the service to answer', 120_000, async () => {
    if (child.exitCode !== null) throw new Error(`the service ended: ${said.slice(-20).join('\n')}`)
    return find(/^Gridcall answers at (\S+)/) ? find(/^The operator's key.*: (\S+)/) : null
  })
  const url = find(/^Gridcall answers at (\S+)/)?.replace(/[.,]$/, '') ?? ''
  const stop = () => end(child, dataDir, folder)
  try {
    const lastWords = () => said.slice(-25).join('\n')
    const registered = await register(() => url, key, dataDir, folder)
    const paid = (id: string) =>
      waitForState(registered.view, id, 'paid', 160_000).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${lastWords()}`)
      })
    return { ...registered, paid, stop, lastWords }
  } catch (error) {
    await stop()
    throw error
  }
}

async function register(url: () => string, key: string, dataDir: string, folder: string) {
  const operator = partyApi(url, key)
  const payer = await makeOrLoadKey(partiesFolder(dataDir), 'dso')
  const party = async (body: { id: string; [field: string]: unknown }) => {
    const made = await operator.post<{ key: string }>('/v1/organisations', body, body.id)
    return partyApi(url, made.key)
  }
  const dso = await party({ id: 'dso', kind: 'dso', name: 'Grid operator', address: payer.address })
  await paidIn(operator, payer.address, '1000000000')
  await dso.put('/v1/programs', program)
  const amber = { id: 'amber', kind: 'aggregator', name: 'Amber Flex', aggregatorShareBp: 1500 }
  const aggregator = await party(amber)
  const payout = { kind: 'agent', iban: 'DE89370400440532013000' }
  await aggregator.post('/v1/owners', { id: 'owner', payout }, 'owner')
  const certificateFile = join(folder, 'gridcall.pem')
  const { pem } = await aggregator.get<{ pem: string }>('/v1/opcua/client-certificate')
  await writeFile(certificateFile, pem)
  const view = (id: string) => operator.get<OperatorCallView>(`/v1/flexibility-calls/${id}`)
  return {
    folder,
    dso,
    aggregator,
    operator,
    certificateFile,
    view,
    enrol: async (id: string, connection: object) => {
      await dso.post('/v1/congestion-points', { id, name: `Feeder of ${id}` }, `point-${id}`)
      await enrol(aggregator, id, connection)
    },
    order: async (point: string, powerW: number, periods: number) => {
      const posted = await offered(dso, view, { point, powerW, periods })
      const path = `/v1/flexibility-calls/${posted.id}`
      const typed = await dso.get<{ message: { validAfter: string; validBefore: string } }>(
        `${path}/authorisation`,
      )
      const signature = await privateKeyToAccount(payer.privateKey).signTypedData(typed as never)
      const { validAfter, validBefore } = typed.message
      const body = { validAfter: Number(validAfter), validBefore: Number(validBefore), signature }
      await dso.post(`${path}/acceptance`, body)
      return posted
    },
  }
}

async function enrol(aggregator: PartyApi, id: string, connection: object): Promise<void> {
  const rating = { importMaxW: 8000, exportMaxW: 8000, importMinW: 0, phases: 3 }
  const site = `site-${id}`
  await aggregator.post('/v1/sites', { id: site, ownerId: 'owner', congestionPointId: id }, site)
  const body = {
    id,
    kind: 'battery',
    siteId: site,
    rating: { ...rating, energyWh: 20_000, reserveWh: 2000, pausable: true },
    offer: {
      priceMinorPerKwh: '250000',
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: { protocol: 'opcua', ...connection },
  }
  await aggregator.post('/v1/resources', body, id)
  await until(`${id} to be connected`, 30_000, async () => {
    const { health } = await aggregator.get<{ health: { connected: boolean } | null }>(
      `/v1/resources/${id}`,
    )
    return health?.connected === true ? true : null
  })
  // A call that is posted now looks at readings of 50 s before its window (two intervals before gate
  // closure), which begins 24 s from now or later; the first whole reading takes up to two intervals.
  await delay(4 * INTERVAL_MS + 1000)
}

type Wanted = { readonly point: string; readonly powerW: number; readonly periods: number }
type View = (id: string) => Promise<OperatorCallView>

const TRIES = 3

/**
 * A call that is answered with an offer. A machine that stands still for a moment leaves gaps in the
 * readings, and a battery without a fresh one is not asked: then another call is posted.
 */
async function offered(dso: PartyApi, view: View, wanted: Wanted) {
  for (let tryNumber = 1; ; tryNumber += 1) {
    const posted = await post(dso, wanted, `call-${wanted.point}-${tryNumber}`)
    const call = await until(`${posted.id} to be answered`, 60_000, async () => {
      const now = await view(posted.id)
      return now.state === 'requested' ? null : now
    })
    if (call.state === 'offered') return posted
    const isAsleep = call.skipped.some(({ detail }) => detail === 'no fresh reading')
    if (!isAsleep || tryNumber === TRIES) throw new Error(JSON.stringify(call))
  }
}

async function post(dso: PartyApi, { point, powerW, periods }: Wanted, key: string) {
  const startMs = Math.ceil((Date.now() + 24_000) / PERIOD_MS) * PERIOD_MS
  const at = (i: number) => new Date(startMs + i * PERIOD_MS).toISOString().replace('.000', '')
  const body = {
    congestionPointId: point,
    direction: 'reduce-import',
    window: { start: at(0), end: at(periods) },
    periods: Array.from({ length: periods }, (_, i) => ({ start: at(i), powerW })),
    priceCapMinorPerKwh: '400000',
    penalty: { kind: 'none' },
  }
  const { id } = await dso.post<{ id: string }>('/v1/flexibility-calls', body, key)
  return { id, startMs, endMs: startMs + periods * PERIOD_MS }
}

/** @throws Error if the call ends in another state, or is late */
export async function waitForState(
  view: View,
  id: string,
  state: string,
  withinMs: number,
): Promise<OperatorCallView> {
  let last: OperatorCallView | null = null
  const wait = until(`${id} to be ${state}`, withinMs, async () => {
    const call = await view(id)
    last = call
    if (call.state === state) return call
    if (!['paid', 'declined', 'expired', 'cancelled', 'refunded'].includes(call.state)) return null
    throw new Error(`${id} is ${call.state}, not ${state}: ${call.reasons.join()}`)
  })
  return await wait.catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(last)}`)
  })
}

export async function until<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | null | undefined>,
): Promise<T> {
  const giveUpAt = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== null && answer !== undefined) return answer
    if (performance.now() > giveUpAt) throw new Error(`waited ${withinMs} ms for ${what}`)
    await delay(200)
  }
}

async function end(child: ChildProcess, dataDir: string, folder: string): Promise<void> {
  if (child.exitCode === null) {
    child.kill('SIGTERM')
    await Promise.race([once(child, 'exit'), delay(40_000, null, { ref: false })])
    if (child.exitCode === null) child.kill('SIGKILL')
  }
  await removeServers(dataDir, wallTimer)
  await rm(folder, { recursive: true, force: true })
}

async function freePorts(): Promise<{ PORT: string; OCPP_PORT: string }> {
  const ports: string[] = []
  const servers = [createServer(), createServer()]
  for (const server of servers) {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    ports.push(String((server.address() as { port: number }).port))
  }
  for (const server of servers) await once(server.close(), 'close')
  return { PORT: ports[0] ?? '', OCPP_PORT: ports[1] ?? '' }
}

/** A settlement period of half a minute, and enough notice for a machine that is busy. */
const program = {
  ...SHORT_PROGRAM,
  settlementPeriodSeconds: PERIOD_MS / 1000,
  meteringIntervalSeconds: INTERVAL_MS / 1000,
  noticeSeconds: 20,
  graceSeconds: 6,
}
