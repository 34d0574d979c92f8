import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { makeOrLoadKey, type PartyKey } from '#adapters/evm/keys.ts'
import { type PartyApi, partyApi } from '#demo/api.ts'
import { enrolScenario, type Parties } from '#demo/enrol.ts'
import { followCall } from '#demo/play.ts'
import { freePort, keepService, type ServiceKeeper, startFleet } from '#demo/stage.ts'
import type { OperatorCallView } from '#demo/views.ts'
import { partiesFolder } from '#processes/local-parties.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import { removeServers } from '#supervisor.ts'
import { type Witness, witnessChain } from './chain-witness.ts'
import { readFleetLog } from './demo-run.ts'
import { wallTimer as timer } from './wall-timer.ts'

/** Business seconds of the pool. */
const WINDOWS = { dispute: 180, epoch: 60 }
/** Wall time for anything that has to happen, on a machine that others use too. */
const PATIENCE_MS = 240_000
const LOOK_MS = 150

type Anchor = { readonly wallMs: number; readonly businessMs: number; readonly speed: number }

/** The service as `gridcall start` runs it, with a fleet of its own: processes and sockets. */
export type RealService = {
  readonly scenario: Scenario
  readonly parties: Parties
  readonly payer: PartyKey
  readonly service: ServiceKeeper
  readonly sql: Sql
  /** Everything that the service's keeper said. */
  readonly said: readonly string[]
  /** A way in with another key. */
  api(key: string): PartyApi
  /** From here on business time runs. */
  startClock(): Promise<void>
  /** Until business time has come so far. */
  until(at: string): Promise<void>
  /** Until a call is as it should be; its state then. */
  when(id: string, fits: (call: OperatorCallView) => boolean): Promise<OperatorCallView>
  /** Accepts a call's offer as its DSO and waits for the call's end. */
  play(id: string): Promise<OperatorCallView>
  /** kill -9, and until it is up again and all devices are back. */
  kill(): Promise<void>
  verifierPids(): number[]
  chain(): Promise<Witness>
  fleetLog(): ReturnType<typeof readFleetLog>
  stop(): Promise<void>
}

/** Starts service and fleet and enrols the scenario's parties and devices; the clock stands. */
export async function startRealService(scenario: Scenario, speed: number): Promise<RealService> {
  const folder = await mkdtemp(join(tmpdir(), 'gridcall-real-'))
  const dataDir = join(folder, 'data')
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    await Promise.all(stops.splice(0).map((step) => step()))
    await removeServers(dataDir, timer)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    return await assemble(scenario, speed, folder, stops, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function assemble(
  scenario: Scenario,
  speed: number,
  folder: string,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<RealService> {
  const dataDir = join(folder, 'data')
  const logFile = join(folder, 'fleet.jsonl')
  const said: string[] = []
  const onStop = (step: () => Promise<void>) => void stops.push(step)
  const [service, fleet] = await Promise.all([
    keepService({
      dataDir,
      port: await freePort(18_080),
      ocppPort: await freePort(18_887),
      speed,
      clockStart: scenario.start,
      windows: WINDOWS,
      meteringIntervalSeconds: scenario.meteringIntervalSeconds,
      timer,
      say: (line) => said.push(line),
      onStop,
    }),
    startFleet({ scenario, folder, logFile, faults: NO_FAULTS, timer, onStop }),
  ])
  const url = () => service.started.url
  const payer = await makeOrLoadKey(partiesFolder(dataDir), 'dso')
  const wallet = await makeOrLoadKey(partiesFolder(dataDir), 'wallet')
  const { operatorKey, clientCertificatePem, databaseUrl } = service.started
  await fleet.connect([], clientCertificatePem)
  const { parties, stations } = await enrolScenario({
    scenario,
    url,
    operatorKey: operatorKey ?? '',
    payer: payer.address,
    wallet: wallet.address,
    batteries: fleet.batteries,
  })
  await fleet.connect(stations, clientCertificatePem)
  await untilAllConnected(parties)
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined })
  stops.push(() => sql.end({ timeout: 5 }))
  let anchor: Anchor | null = null

  async function until(at: string): Promise<void> {
    if (anchor === null) throw new Error('the business clock has not been started')
    const { wallMs, businessMs } = anchor
    await timer.sleep(Math.max(0, wallMs + (Date.parse(at) - businessMs) / speed - Date.now()))
  }

  async function when(id: string, fits: (call: OperatorCallView) => boolean) {
    const path = `/v1/flexibility-calls/${id}`
    return eventually(`call ${id}`, async () => {
      const call = await parties.operator.get<OperatorCallView>(path)
      return fits(call) ? call : `is ${call.state}: ${call.reasons.join('; ')}`
    })
  }

  return {
    scenario,
    parties,
    payer,
    service,
    sql,
    said,
    api: (key) => partyApi(url, key),
    async startClock() {
      const started = await parties.operator.post<{ anchor: Anchor }>('/v1/operator/clock', {})
      anchor = started.anchor
      fleet.startClock(anchor)
    },
    until,
    when,
    play: (id) =>
      followCall({
        id,
        name: id,
        parties,
        payerKey: payer.privateKey,
        deadlineMs: PATIENCE_MS,
        timer,
        say: () => undefined,
      }),
    async kill() {
      const before = service.started
      const linesBefore = readFleetLog(logFile).length
      process.kill(service.pid, 'SIGKILL')
      await eventually('the service', async () => service.started !== before || 'has not come back')
      await eventually('the devices', async () => {
        const lines = readFleetLog(logFile).slice(linesBefore)
        const back = new Set(lines.flatMap(({ ref, kind }) => (kind === 'connected' ? [ref] : [])))
        const away = scenario.devices.filter(({ ref }) => !back.has(ref)).map(({ ref }) => ref)
        return away.length === 0 || `have not dialled in again: ${away.join(', ')}`
      })
    },
    verifierPids: () =>
      service.started.processes.flatMap(({ role, pid }) =>
        role.startsWith('verifier') ? [pid] : [],
      ),
    async chain() {
      const { pool } = await parties.operator.get<{ pool: string }>('/v1/operator/parties')
      return witnessChain(service.started.rpcUrl, pool)
    },
    fleetLog: () => readFleetLog(logFile),
    stop,
  }
}

const NO_FAULTS = { disobey: 0, silent: 0, drop: 0 }

async function untilAllConnected({ operator }: Parties): Promise<void> {
  await eventually('the devices', async () => {
    const all =
      await operator.get<{ id: string; health: { connected: boolean } | null }[]>('/v1/resources')
    const away = all.filter(({ health }) => !health?.connected).map(({ id }) => id)
    return away.length === 0 || `are not connected: ${away.join(', ')}`
  })
}

/** Looks until there is an answer; a text says why there is none yet. */
export async function eventually<T>(what: string, look: () => Promise<T | string>): Promise<T> {
  const giveUpAt = timer.monotonicMs() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (typeof found !== 'string') return found
    if (timer.monotonicMs() > giveUpAt) throw new Error(`${what} ${found}`)
    await timer.sleep(LOOK_MS)
  }
}
