import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type PartyApi, partyApi } from '#demo/api.ts'
import type { Address } from '#domain/ids.ts'
import { wallTimer } from './wall-timer.ts'

export const root = resolve(import.meta.dirname, '..', '..')
export const cli = join(root, 'orchestrator', 'cli.ts')

/** Wall time for a whole demo at speed 60, on a machine that others use too. */
export const DEMO_MS = 400_000
const STOP_MS = 60_000

/** One JSON object of `gridcall demo --json`, as far as tests read it. */
export type DemoJson = {
  readonly callId: string
  readonly state: string
  readonly seed: number
  readonly requestedWh: number
  readonly orderedWh: number
  readonly deliveredWh: number | null
  readonly deficientWh: number | null
  readonly periods: readonly { readonly start: string; readonly orderedW: number }[]
  readonly devices: Record<
    'ocpp16' | 'ocpp201' | 'opcua' | 'dispatched' | 'disobeyed' | 'replacements',
    number
  >
  readonly delivered: { readonly ocppWh: number; readonly opcuaWh: number }
  readonly meteringIntervalS: number
  readonly fleetLog: string
  readonly allocations: readonly {
    readonly resourceId: string
    readonly role: 'order' | 'repair'
    readonly periods: readonly { readonly start: string; readonly powerW: number }[]
  }[]
  readonly decisions: readonly DecisionJson[]
  readonly otherCalls: readonly {
    readonly callId: string
    readonly state: string
    readonly escrow: EscrowJson | null
    readonly resources: readonly string[]
    readonly decisions: readonly DecisionJson[]
  }[]
  readonly repairs: readonly {
    readonly resource: string
    readonly startedAt: string
    readonly detectedAt: string
    readonly replacedBy: readonly string[]
  }[]
  readonly notices: readonly { readonly kind: string; readonly message: string }[]
  readonly rebound: {
    readonly resources: number
    readonly planned: { readonly peakW: number; readonly overshootW: number }
    readonly measured: { readonly peakW: number; readonly overshootW: number } | null
    readonly periods: readonly { readonly powerW: number; readonly measuredW: number | null }[]
  } | null
  /** Of all calls: when who is brought back in turn is planned to be. */
  readonly restarts: readonly { readonly resource: string; readonly restartsAt: string }[]
  readonly driversShort: number
  readonly backAtDefault: boolean
  readonly escrow: EscrowJson | null
  readonly attestations: {
    readonly required: number
    readonly signed: number
    readonly refusals: readonly Record<'verifier' | 'line' | 'expected' | 'got', string>[]
    readonly verifierPids: readonly number[]
  }
  readonly parties: {
    readonly payer: string
    readonly relayer: string
    readonly verifiers: readonly string[]
    readonly agent: string
    readonly wallet: string
  }
  readonly rail: 'evm' | 'ledger'
  readonly chain: {
    readonly chainId: number
    readonly pool: Address
    readonly withdrawTxs: readonly string[]
    readonly [transaction: string]: unknown
  }
  readonly reconciled: boolean
  readonly differences: readonly string[]
  readonly owners: readonly { owner: string; wh: number; minor: string; receipt: unknown }[]
  readonly aggregators: readonly { readonly aggregator: string; readonly minor: string }[]
  readonly chainFile: string
  readonly evidence: { readonly file: string; readonly root: string | null }
  readonly picture: string | null
  readonly input: Record<string, unknown> | null
  /** Only with --gateways. */
  readonly gateways?: readonly { readonly id: string; readonly pid: number; devices: number }[]
  readonly changedGateway?: Record<'stations' | 'withSetpoint' | 'kept', number>
  readonly peakPssMb: number | null
  readonly seconds: Record<'install' | 'boot' | 'call' | 'total', number>
}

export type DecisionJson = {
  readonly resourceId: string
  readonly outcome: string
  readonly code: string
  readonly at: string
  readonly sentence: string
  readonly before: readonly string[]
  readonly passedOver: readonly string[]
  readonly toOwner: { readonly code: string; readonly sentence: string } | null
}

export type EscrowJson = Record<
  'fundedMinor' | 'paidMinor' | 'feeMinor' | 'refundMinor' | 'heldMinor',
  string
>

/** A process that was told of, with when it began: its number may be another's by now. */
type Told = { readonly role: string; readonly pid: number; readonly began: string | null }

/** A word of the command line as a child: what it says, what runs under it, how to end it. */
export type Run = {
  /** Everything on its standard error so far. */
  readonly lines: readonly string[]
  readonly pid: number
  /** The first line that fits, said already or within the deadline. @throws Error with all lines */
  line(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>
  /** The last process of this role that was told of. */
  pidOf(role: string): number
  /** Its exit code; null if a signal ended it. */
  ended(): Promise<number | null>
  /** Ctrl-C, if it still runs; resolves when it is gone. */
  stop(): Promise<void>
  /** Processes it told of that still run. */
  left(): string[]
}

export type DemoRun = Run & {
  /** What it printed with --json. */
  json(): Promise<DemoJson>
}

export function startDemo(...args: string[]): DemoRun {
  return startDemoIn({}, ...args)
}

/** The same with settings of its own. */
export function startDemoIn(env: Readonly<Record<string, string>>, ...args: string[]): DemoRun {
  const { run, isOver, printed, said } = start(['demo', '--json', ...args], env)
  return {
    ...run,
    async json() {
      const whole = async () => {
        while (!printed().includes('\n')) {
          if (isOver()) throw new Error(`it ended without JSON. ${said()}`)
          await wallTimer.sleep(50)
        }
        return JSON.parse(printed()) as DemoJson
      }
      return wallTimer.deadline(whole(), DEMO_MS, 'the JSON of the demo')
    },
  }
}

/** `gridcall start`. */
export function startService(env: Readonly<Record<string, string>>): Run {
  return start(['start'], env).run
}

function start(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const told: Told[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    const [, role, pid] = /^(\S+) runs as process (\d+)$/.exec(line) ?? []
    if (role !== undefined) told.push({ role, pid: Number(pid), began: beganAt(Number(pid)) })
    for (const look of waiting) look()
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  let over = false
  child.once('close', () => (over = true)) // after the last of what it printed
  const gone = once(child, 'exit').then(([code]) => code as number | null)
  const said = () => `It said:\n${lines.join('\n')}`
  const run: Run = {
    lines,
    pid: child.pid ?? 0,
    async line(pattern, deadlineMs = DEMO_MS) {
      const find = () => lines.map((line) => pattern.exec(line)).find((found) => found !== null)
      const found = new Promise<RegExpExecArray>((done, fail) => {
        const look = () => {
          const match = find()
          if (match) done(match)
          return match
        }
        if (look()) return
        waiting.add(look)
        gone.then(() => look() ?? fail(new Error(`it ended before ${pattern}`)), fail)
      })
      return wallTimer.deadline(found, deadlineMs, String(pattern)).catch((error: Error) => {
        throw new Error(`${error.message}. ${said()}`)
      })
    },
    pidOf(role) {
      const found = told.findLast((one) => one.role === role)
      if (!found) throw new Error(`no process of the role ${role} was told of. ${said()}`)
      return found.pid
    },
    ended: () => wallTimer.deadline(gone, DEMO_MS, 'its end'),
    stop: () => interrupt(child, gone),
    left: () =>
      told.flatMap(({ role, pid, began }) =>
        began !== null && beganAt(pid) === began ? [`${role} ${pid}`] : [],
      ),
  }
  return { run, isOver: () => over, printed: () => printed, said }
}

async function interrupt(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGINT')
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await gone
  clearTimeout(force)
}

/** When a process began, in the kernel's ticks; null for one that is gone or only not waited for. */
function beganAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

/** True for a process that runs; one that has ended and was only not waited for does not. */
export function isRunning(pid: number): boolean {
  return beganAt(pid) !== null
}

/** The last of what was said in these words. */
function lastSaid(run: Run, pattern: RegExp): string {
  const found = run.lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).at(-1)
  if (found === undefined) throw new Error(`nobody has said ${pattern}`)
  return found
}

/** Where the API answers now. */
export function apiUrlOf(run: Run): string {
  return lastSaid(run, /^Gridcall answers at (\S+)$/)
}

/** The operator's way in. */
export function operatorOf(run: Run): PartyApi {
  return partyApi(() => apiUrlOf(run), operatorKeyOf(run))
}

/** With what commands beside the service are told where it is and who asks. */
export function operatorEnvironment(run: Run): Record<string, string> {
  return { GRIDCALL_API_URL: apiUrlOf(run), GRIDCALL_API_KEY: operatorKeyOf(run) }
}

function operatorKeyOf(run: Run): string {
  return lastSaid(run, /^The operator's key, shown this once: (\S+)$/)
}

/** Where the local chain answers. */
export function rpcUrlOf(run: Run): string {
  return lastSaid(run, /^The chain at (\S+) is a local one/)
}

/** Runs a word of the command line to its end. */
export async function gridcall(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const closed = once(child, 'close').then(([code]) => code as number | null)
  try {
    const code = await wallTimer.deadline(closed, 120_000, `gridcall ${args.join(' ')}`)
    return { code, stdout, stderr }
  } finally {
    child.kill('SIGKILL')
  }
}

/** The fleet's own log: one JSON object per line. */
export function readFleetLog(
  file: string,
): { at: string; ref: string; kind: string; [more: string]: unknown }[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { at: string; ref: string; kind: string })
}
