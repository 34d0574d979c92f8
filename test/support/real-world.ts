import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { type PartyApi, partyApi } from '#demo/api.ts'
import { type Stage, setUp } from '#demo/set-up.ts'
import type { OperatorCallView } from '#demo/views.ts'
import type { Direction } from '#domain/resource.ts'
import { formatInstant, instant } from '#domain/time.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import type { LogLine } from '#simulations/fleet-log.ts'
import { wallTimer } from './wall-timer.ts'

const SPEED = 60
const PERIOD_MS = 900_000
/** Business time from gate closure to the window: enough wall time to sign and to open an escrow. */
const NOTICE_SECONDS = 600
/** From `now` to the posted request's arrival, business time. */
const MARGIN_MS = 60_000
const LOOK_MS = 200
const ENDED = new Set(['paid', 'declined', 'expired', 'cancelled', 'refunded'])

export type WantedCall = {
  readonly point: string
  readonly direction: Direction
  /** W, one per settlement period. */
  readonly powersW: readonly number[]
  /** Instant from which the window may start; by default the first that keeps the notice. */
  readonly from?: number
  /** Micro-EUR per kWh. */
  readonly priceCap?: string
}

export type CallWindow = { readonly startMs: number; readonly endMs: number }

export type RealWorld = Awaited<ReturnType<typeof startRealWorld>>

/** Service, database, chain, verifiers and fleet as real processes; business time runs at 60. */
export async function startRealWorld(onStop: (stop: () => Promise<void>) => void) {
  const lines: string[] = []
  const stage = await setUp({
    scenario: bundledScenario(7),
    speed: SPEED,
    faults: { disobey: 0, silent: 0, drop: 0 },
    say: (line) => lines.push(line),
    onStop,
  })
  const { parties, service } = stage
  await lengthenNotice(parties.dso)
  const { anchor } = await parties.operator.post<{
    anchor: { wallMs: number; businessMs: number }
  }>('/v1/operator/clock', {})
  return {
    ...stage,
    lines,
    url: () => service.started.url,
    /** Business time, ms. */
    now: () => anchor.businessMs + (Date.now() - anchor.wallMs) * SPEED,
    fleetLines: () => readLog(stage.fleetLog),
  }
}

/** What a demo leaves on disk goes when its processes are gone. */
export async function removeTraces({ folder }: Pick<Stage, 'folder'>): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

async function lengthenNotice(dso: PartyApi): Promise<void> {
  const [program] = await dso.get<{ version: number; noticeSeconds: number }[]>('/v1/programs')
  if (!program) throw new Error('the DSO has no program')
  const version = program.version + 1
  await dso.put('/v1/programs', { ...program, version, noticeSeconds: NOTICE_SECONDS })
}

function readLog(file: string): LogLine[] {
  const whole = readFileSync(file, 'utf8')
  const text = whole.slice(0, whole.lastIndexOf('\n') + 1) // the fleet may be writing
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as LogLine]))
}

/** The body of a request whose window starts at the first possible settlement period. */
export function requestFor(world: RealWorld, wanted: WantedCall) {
  const least = world.now() + NOTICE_SECONDS * 1000 + MARGIN_MS
  const from = Math.max(least, wanted.from ?? 0)
  const startMs = Math.ceil(from / PERIOD_MS) * PERIOD_MS
  const endMs = startMs + wanted.powersW.length * PERIOD_MS
  const stamp = (ms: number) => formatInstant(instant(ms))
  const body = {
    congestionPointId: wanted.point,
    direction: wanted.direction,
    window: { start: stamp(startMs), end: stamp(endMs) },
    periods: wanted.powersW.map((powerW, i) => ({ start: stamp(startMs + i * PERIOD_MS), powerW })),
    priceCapMinorPerKwh: wanted.priceCap ?? '450000',
    penalty: { kind: 'none' },
  }
  return { body, window: { startMs, endMs } satisfies CallWindow }
}

/** Posts a call as its DSO would. */
export async function postCall(world: RealWorld, key: string, wanted: WantedCall) {
  const { body, window } = requestFor(world, wanted)
  const { id } = await world.parties.dso.post<{ id: string }>('/v1/flexibility-calls', body, key)
  return { id, ...window }
}

/** Signs what was offered with the DSO's own key. */
export async function acceptCall({ parties, payer }: RealWorld, id: string): Promise<void> {
  const path = `/v1/flexibility-calls/${id}`
  const typed = await parties.dso.get<{ message: { validAfter: string; validBefore: string } }>(
    `${path}/authorisation`,
  )
  const signature = await privateKeyToAccount(payer.privateKey).signTypedData(typed as never)
  const { validAfter, validBefore } = typed.message
  const body = { validAfter: Number(validAfter), validBefore: Number(validBefore), signature }
  await parties.dso.post(`${path}/acceptance`, body)
}

/** The DSO's signature that gives an escrow back before the window. */
export async function signCancellation({ parties, payer }: RealWorld, id: string) {
  const typed = await parties.dso.get(`/v1/flexibility-calls/${id}/cancellation`)
  return privateKeyToAccount(payer.privateKey).signTypedData(typed as never)
}

export function viewCall(world: RealWorld, id: string): Promise<OperatorCallView> {
  return world.parties.operator.get(`/v1/flexibility-calls/${id}`)
}

/** Posts a call, waits for its offer, accepts it and waits until its escrow is locked. */
export async function orderCall(world: RealWorld, key: string, wanted: WantedCall) {
  const posted = await postCall(world, key, wanted)
  await waitForState(world, posted.id, 'offered', posted.startMs)
  await acceptCall(world, posted.id)
  const call = await waitForState(world, posted.id, 'ordered', posted.startMs)
  return { ...posted, call }
}

/**
 * Waits until a call is in a state, at most 20 s of wall time after an instant of business time.
 * @throws Error if it ends in another state, or is late
 */
export async function waitForState(
  world: RealWorld,
  id: string,
  state: string,
  byMs: number,
): Promise<OperatorCallView> {
  const path = `/v1/flexibility-calls/${id}/events`
  return waitUntil(world, `${id} is ${state}`, byMs, async () => {
    const call = await viewCall(world, id)
    if (call.state === state) return call
    if (!ENDED.has(call.state)) return null
    const events = await world.parties.operator.text(path)
    throw new Error(`${id} is ${call.state}, not ${state}: ${call.reasons.join()} ${events}`)
  })
}

/** Asks until there is an answer, at most 20 s of wall time after an instant of business time. */
export async function waitUntil<T>(
  world: Pick<RealWorld, 'now'>,
  what: string,
  byMs: number,
  ask: () => Promise<T | null>,
): Promise<T> {
  const wallMs = Math.max(0, (byMs - world.now()) / SPEED) + 20_000
  const giveUpAt = wallTimer.monotonicMs() + wallMs
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (wallTimer.monotonicMs() > giveUpAt) throw new Error(`waited in vain until ${what}`)
    await wallTimer.sleep(LOOK_MS)
  }
}

/** Database, chain and token agree; while money moves they are a moment apart. */
export async function expectReconciled(world: RealWorld): Promise<void> {
  await waitUntil(world, 'the books are reconciled', world.now(), async () => {
    const found = await world.parties.operator.get<{ reconciled: boolean }>(
      '/v1/operator/reconciliation',
    )
    return found.reconciled ? found : null
  })
}

/** Registers a party and speaks for it. */
export async function registerParty(
  world: RealWorld,
  kind: 'dso' | 'aggregator' | 'verifier' | 'agent',
  address: string | null,
): Promise<Asker> {
  const id = `foreign-${kind}`
  const body = { id, kind, name: id, address }
  const { key } = await world.parties.operator.post<{ key: string }>('/v1/organisations', body, id)
  return askerFor(world, key)
}

export type Asker = {
  readonly api: PartyApi
  status(method: string, path: string, body?: unknown): Promise<number>
}

/** Asks with a key and tells the answer's status, whatever it is. */
export function askerFor(world: RealWorld, key: string): Asker {
  return {
    api: partyApi(world.url, key),
    async status(method, path, body) {
      const response = await fetch(`${world.url()}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(20_000),
      })
      await response.arrayBuffer()
      return response.status
    },
  }
}
