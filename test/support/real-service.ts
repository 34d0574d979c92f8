import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type PartyApi, partyApi } from '#demo/api.ts'
import type { OperatorCallView } from '#demo/views.ts'
import { removeServers } from '#supervisor.ts'
import { wallTimer } from './wall-timer.ts'

const cli = join(resolve(import.meta.dirname, '..', '..'), 'orchestrator', 'cli.ts')
const START_MS = 90_000
const STOP_MS = 30_000
const LOOK_MS = 200
const ENDED = new Set(['declined', 'expired', 'cancelled', 'refunded'])

/** A settlement period and what follows it, in seconds: all that takes 15 minutes in earnest. */
export const SHORT_PROGRAM = {
  id: 'program',
  version: 1,
  dsoId: 'dso',
  timeZone: 'UTC',
  settlementPeriodSeconds: 15,
  meteringIntervalSeconds: 5,
  controlCycleSeconds: 3,
  noticeSeconds: 10,
  graceSeconds: 8,
  disputeWindowSeconds: 3,
  epochSeconds: 3,
  epochWindowSeconds: 2,
  settleBySeconds: 3600,
  priceCapMaxMinorPerKwh: '450000',
  feeBp: 200,
  paymentCurve: [
    { deliveredBp: 2500, payBp: 0 },
    { deliveredBp: 9000, payBp: 10_000 },
  ],
  chargerBaseline: { builtIn: 'mean-10-of-10', version: 1 },
  batteryBaseline: { builtIn: 'reading-before', version: 1 },
  toleranceW: 300,
  toleranceBp: 500,
}

export type RealService = {
  readonly url: string
  readonly clientCertificatePem: string
  readonly operator: PartyApi
  readonly dso: PartyApi
  readonly aggregator: PartyApi
  /** A file in a folder of this service. */
  file(name: string): string
  /** Posts a call, accepts its offer and follows it until it is paid. */
  call(congestionPointId: string, powersW: readonly number[]): Promise<OperatorCallView>
  /** What the service has logged so far. */
  said(): string
  stop(): Promise<void>
}

/**
 * `gridcall start` as a process of its own at speed 1, with one DSO and one aggregator: database,
 * ledger and verifiers as they come.
 */
export async function startRealService(): Promise<RealService> {
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-real-'))
  const dataDir = join(folder, 'data')
  const env = {
    ...ownEnvironment(),
    GRIDCALL_DATA_DIR: dataDir,
    GRIDCALL_METERING_INTERVAL: `${SHORT_PROGRAM.meteringIntervalSeconds}s`,
    GRIDCALL_DISPUTE_WINDOW: `${SHORT_PROGRAM.disputeWindowSeconds}s`,
    GRIDCALL_EPOCH_WINDOW: `${SHORT_PROGRAM.epochWindowSeconds}s`,
    PORT: '0',
    OCPP_PORT: '0',
  }
  const child = fork(cli, ['start'], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => (said += String(chunk)))
  }
  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGINT')
      await wallTimer.deadline(gone, STOP_MS, 'the end of the service').catch(() => {
        child.kill('SIGKILL')
        return gone
      })
    }
    await removeServers(dataDir, wallTimer)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const { url, operatorKey, clientCertificatePem } = await started(child, () => said)
    const operator = partyApi(() => url, operatorKey)
    const run = promisify(execFile)
    const signer = async (...args: string[]) =>
      (await run(process.execPath, [cli, 'dso', ...args], { env })).stdout.trim()
    const register = async (body: { id: string }) => {
      const { key } = await operator.post<{ key: string }>('/v1/organisations', body, body.id)
      return partyApi(() => url, key)
    }
    const address = await signer('address')
    const dso = await register({ id: 'dso', kind: 'dso', name: 'Grid operator', address } as never)
    await paidIn(operator, address, '1000000000')
    const share = { kind: 'aggregator', name: 'Amber Flex', aggregatorShareBp: 1500 }
    const aggregator = await register({ id: 'amber', ...share } as never)
    await dso.put('/v1/programs', SHORT_PROGRAM)
    const file = (name: string) => join(folder, name)
    const sign = async (id: string, typed: unknown) => {
      writeFileSync(file(`${id}.json`), JSON.stringify(typed))
      return JSON.parse(await signer('sign', file(`${id}.json`))) as unknown
    }
    return {
      url,
      clientCertificatePem,
      operator,
      dso,
      aggregator,
      file,
      call: (point, powersW) => followCall({ dso, operator, sign }, point, powersW),
      said: () => said,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Started = { url: string; operatorKey: string; clientCertificatePem: string }

function started(child: ChildProcess, said: () => string): Promise<Started> {
  const told = new Promise<Started>((done, fail) => {
    child.on('message', (message: { type: string } & Started) => {
      if (message.type === 'started') done(message)
    })
    child.once('exit', (code) => fail(new Error(`start ended with ${code}: ${said()}`)))
  })
  return wallTimer.deadline(told, START_MS, 'the start of the service')
}

/** The operator books what the DSO has paid into the bank's escrow account. */
export async function paidIn(
  operator: PartyApi,
  account: string,
  amountMinor: string,
): Promise<void> {
  const line = { direction: 'in', account, amountMinor, reference: 'PAID IN 1' }
  await operator.post('/v1/operator/ledger/bank-movements', line)
}

/** What the machine has, without what this run of the tests has put there. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(NODE_|VITEST|GRIDCALL_|DATABASE_URL$|REDIS_URL$|CHAIN_RPC_URL$|LOG_LEVEL$)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}

type Parties = {
  readonly dso: PartyApi
  readonly operator: PartyApi
  sign(id: string, typed: unknown): Promise<unknown>
}

async function followCall(
  { dso, operator, sign }: Parties,
  congestionPointId: string,
  powersW: readonly number[],
): Promise<OperatorCallView> {
  const { settlementPeriodSeconds: seconds, noticeSeconds } = SHORT_PROGRAM
  const step = seconds * 1000
  const start = Math.ceil((Date.now() + (noticeSeconds + 2) * 1000) / step) * step
  const at = (i: number) => new Date(start + i * step).toISOString()
  const body = {
    congestionPointId,
    direction: 'reduce-import',
    window: { start: at(0), end: at(powersW.length) },
    periods: powersW.map((powerW, i) => ({ start: at(i), powerW })),
    priceCapMinorPerKwh: '400000',
    penalty: { kind: 'none' },
  }
  const path = '/v1/flexibility-calls'
  const { id } = await dso.post<{ id: string }>(path, body, `call-${congestionPointId}`)
  const until = async (state: string, seconds: number) => {
    const giveUpAt = wallTimer.monotonicMs() + seconds * 1000
    for (;;) {
      const call = await operator.get<OperatorCallView>(`${path}/${id}`)
      if (call.state === state) return call
      if (ENDED.has(call.state) || wallTimer.monotonicMs() > giveUpAt) {
        const skipped = JSON.stringify([call.reasons, call.skipped, call.repairs])
        throw new Error(
          `the call at ${congestionPointId} is ${call.state}, not ${state}: ${skipped}`,
        )
      }
      await wallTimer.sleep(LOOK_MS)
    }
  }
  await until('offered', 2 * seconds)
  const typed = await dso.get(`${path}/${id}/authorisation`)
  await dso.post(`${path}/${id}/acceptance`, await sign(id, typed))
  return until('paid', 90 + seconds * powersW.length)
}
