import { readFile } from 'node:fs/promises'
import type { LogLine } from '#simulations/fleet-log.ts'
import type { Stage } from './set-up.ts'
import type { OperatorCallView } from './views.ts'

/** Which part of the window has passed when charge points change the gateway. */
const PASSED = 1 / 3
/** One in so many changes. */
const ONE_IN = 3
const LOOK_MS = 100

/** What became of the charge points that changed the gateway inside the window. */
export type Changes = {
  readonly stations: readonly string[]
  /** Those that had a setpoint when they hung up. */
  readonly withSetpoint: readonly string[]
  /** Of these, who came back to another gateway and held it to its end. */
  readonly kept: readonly string[]
}

/**
 * Inside the window a third of the charge points hang up and dial another gateway, a third of those
 * that were ordered something among them. Resolves when they have been told to.
 */
export async function changeGateways(
  stage: Stage,
  callId: string,
  isOver: () => boolean,
  say: (line: string) => void,
): Promise<string[]> {
  const { scenario, timer, fleet, parties, anchor } = stage
  const { windowStart, windowEnd } = scenario.calls.main
  const [startMs, endMs] = [Date.parse(windowStart), Date.parse(windowEnd)]
  const atMs = startMs + (endMs - startMs) * PASSED
  const waitMs = (atMs - anchor.businessMs) / anchor.speed - (Date.now() - anchor.wallMs)
  for (let waited = 0; waited < waitMs && !isOver(); waited += LOOK_MS) await timer.sleep(LOOK_MS)
  if (isOver()) return []
  const path = `/v1/flexibility-calls/${callId}`
  const { allocations } = await parties.operator.get<OperatorCallView>(path)
  const ordered = new Set(allocations.map(({ resourceId }) => resourceId))
  const chargers = scenario.devices.filter(({ kind }) => kind === 'charger').map(({ ref }) => ref)
  const some = chargers.filter((ref) => ordered.has(ref)).filter((_, i) => i % ONE_IN === 0)
  const others = chargers.filter((ref) => !ordered.has(ref))
  const count = Math.round(chargers.length / ONE_IN)
  const refs = [...some, ...others].slice(0, Math.max(count, some.length)).sort()
  fleet.move(refs)
  say(`${refs.length} charge points hang up and dial another gateway`)
  return refs
}

/** Reads from the fleet's own log whether those that changed the gateway kept their setpoint. */
export async function judgeChanges(
  fleetLog: string,
  stations: readonly string[],
  windowEnd: string,
): Promise<Changes> {
  const text = await readFile(fleetLog, 'utf8')
  const lines = text
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as LogLine]))
  const withSetpoint: string[] = []
  const kept: string[] = []
  for (const ref of stations) {
    const mine = lines.filter((line) => line.ref === ref)
    const movedAt = mine.findIndex(({ kind }) => kind === 'moves')
    const [before, after] = [mine.slice(0, movedAt), mine.slice(movedAt + 1)]
    const last = before.findLast(({ kind }) => kind === 'setpoint' || kind === 'default')
    const movedAtTime = mine[movedAt]?.at ?? ''
    if (last?.kind !== 'setpoint' || String(last.validUntil) <= movedAtTime) continue
    withSetpoint.push(ref)
    if (isKept(last, before, after, windowEnd)) kept.push(ref)
  }
  return { stations, withSetpoint, kept }
}

function isKept(
  setpoint: LogLine,
  before: readonly LogLine[],
  after: readonly LogLine[],
  windowEnd: string,
): boolean {
  const endpointIn = (lines: readonly LogLine[]) =>
    lines.find(({ kind }) => kind === 'connected')?.endpoint
  const isElsewhere = endpointIn(after) !== endpointIn(before.toReversed())
  const endsAt = after.find(({ kind }) => kind === 'default')?.at
  // It outlasts the window, for the case that nobody is left who brings devices back in turn.
  const validUntil = String(setpoint.validUntil)
  const until = validUntil < windowEnd ? validUntil : windowEnd
  const isHeld = endsAt !== undefined && endsAt >= until
  return endpointIn(after) !== undefined && isElsewhere && isHeld
}
