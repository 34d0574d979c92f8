import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import type { OperatorCallView, SetpointLine } from '#demo/views.ts'
import { ceilDiv } from '#domain/money.ts'
import type { ChainIdentity } from '#ports.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import type { ScenarioCall } from '#simulations/scenarios/scenario.ts'
import { createVerificationClient } from '#verifier/http-client.ts'
import { createVerifier } from '#verifier/verifier.ts'
import { eventually, type RealService } from './real-service.ts'
import { recordingLog } from './recording-log.ts'
import { wallTimer } from './wall-timer.ts'

/*
 * An evening on which much goes wrong, on a real service. All calls run side by side, as business
 * time brings them.
 */
export const SCENARIO = bundledScenario(11)
export const CAP = '430000'
export const MINUTES = 60_000

/** Minutes after the first window begins, as a stamp. */
export const at = (minute: number) => {
  const first = Date.parse(SCENARIO.calls.main.windowStart)
  return new Date(first + minute * MINUTES).toISOString().replace('.000Z', 'Z')
}

/** A call over quarters of an hour from this minute on. */
function callFrom(minute: number, powersW: readonly number[], changes: Partial<ScenarioCall> = {}) {
  return {
    congestionPoint: 'cp-north',
    direction: 'reduce-import',
    windowStart: at(minute),
    windowEnd: at(minute + 15 * powersW.length),
    periods: powersW.map((powerW, i) => ({ start: at(minute + 15 * i), powerW })),
    priceCap: CAP,
    ...changes,
  } as const
}

export const CALLS = {
  main: callFrom(0, [15_000, 15_000]),
  overlapping: callFrom(15, [8000]),
  increase: callFrom(0, [3000], { congestionPoint: 'cp-south', direction: 'increase-import' }),
  silent: callFrom(30, [5000]),
  cancelledBefore: callFrom(30, [6000]),
  cancelledInside: callFrom(45, [9000]),
} as const
export type Name = keyof typeof CALLS

export type Ids = Readonly<Record<Name, string>>

type Refusal = OperatorCallView['attestations']['refusals'][number] & {
  readonly expected: string
  readonly got: string
}

export type Evening = {
  /** Each call to its end. */
  readonly ended: Readonly<Record<Name, Promise<OperatorCallView>>>
  /** The reading that somebody changed in the database. */
  readonly tampered: Promise<{ readonly resourceId: string; readonly at: string }>
  /** What a verifier said that rounds up. */
  readonly oddRefusal: Promise<Refusal>
  /** What cancelling without a signature was answered, before it was signed. */
  readonly cancelled: Promise<{ readonly unsigned: number }>
  /** Of the call that was cancelled inside its window, once all are at their default. */
  readonly released: Promise<readonly SetpointLine[]>
  readonly all: Promise<unknown>
}

/** Starts the clock; from here everything takes its course. */
export function beginEvening(real: RealService, ids: Ids): Evening {
  const clock = real.startClock()
  const after = <T>(work: () => Promise<T>) => later(clock.then(work))
  const play = (name: Name) =>
    after(() =>
      name === 'silent'
        ? real.when(ids.silent, ({ state }) => state === 'expired')
        : real.play(ids[name]),
    )
  const names = Object.keys(CALLS) as Name[]
  const ended = Object.fromEntries(names.map((name) => [name, play(name)])) as Evening['ended']
  const tampered = after(() => changeOneReading(real, ids))
  const oddRefusal = after(() => letAnOddVerifierLook(real, ids))
  const cancelled = after(() => cancelBefore(real, ids))
  const released = after(() => cancelInside(real, ids))
  const others = [tampered, oddRefusal, cancelled, released]
  const all = later(Promise.all([...Object.values(ended), ...others]))
  return { ended, tampered, oddRefusal, cancelled, released, all }
}

/** Awaited where it is tested; until then a failure is nobody's. */
function later<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined)
  return work
}

/** The status of an answer. */
export function answered(api: Promise<unknown>): Promise<number> {
  return api.then(
    () => 200,
    (error: Error) => Number(/answered (\d+)/.exec(error.message)?.[1] ?? Number.NaN),
  )
}

/** Somebody with access to the database turns a meter back, while the window still runs. */
async function changeOneReading(real: RealService, ids: Ids) {
  const call = await real.when(ids.overlapping, ({ state }) => state === 'dispatched')
  await real.until(at(27))
  const resourceId = call.allocations[0]?.resourceId ?? ''
  const stamp = at(20)
  const changed = await real.sql`
    update gridcall.readings set register_wh = register_wh - 250
    where resource_id = ${resourceId} and at = ${Date.parse(stamp)}`
  if (changed.count !== 1) throw new Error(`no reading of ${resourceId} at ${stamp} to change`)
  return { resourceId, at: stamp }
}

/** The others wait meanwhile, so that the call does not go on before this one has looked. */
async function letAnOddVerifierLook(real: RealService, ids: Ids): Promise<Refusal> {
  const key = generatePrivateKey()
  const { address } = privateKeyToAccount(key)
  const { operator } = real.parties
  const body = { id: 'verifier-odd', kind: 'verifier', name: 'Rounds up', address }
  const { key: apiKey } = await operator.post<{ key: string }>('/v1/organisations', body, body.id)
  const identity = await operator.get<ChainIdentity>('/v1/operator/parties')
  const { url: apiUrl, rpcUrl } = real.service.started
  const verifier = createVerifier({
    client: createVerificationClient({ apiUrl, apiKey, timer: wallTimer }),
    attestor: createAttestor(key, identity),
    chain: createEscrowReader({ rpcUrl, timer: wallTimer, identity }),
    verifySignature: verifyEd25519,
    log: recordingLog(),
    round: ceilDiv,
  })
  await real.when(ids.main, ({ releasedAt }) => releasedAt !== null)
  const pids = real.verifierPids()
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    await real.when(ids.main, ({ state }) => state === 'measured')
    await verifier.tick()
    const { attestations } = await real.when(ids.main, () => true)
    const mine = attestations.refusals.find(
      (refusal) => refusal.verifier.toLowerCase() === address.toLowerCase(),
    )
    if (!mine) throw new Error(`it did not refuse: ${JSON.stringify(attestations)}`)
    return mine as Refusal
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
}

async function cancelBefore(real: RealService, ids: Ids) {
  const path = `/v1/flexibility-calls/${ids.cancelledBefore}/cancellation`
  const { dso } = real.parties
  await real.when(ids.cancelledBefore, ({ state }) => state === 'ordered')
  const unsigned = await answered(dso.post(path, {}))
  const typed = await dso.get(path)
  const account = privateKeyToAccount(real.payer.privateKey)
  await dso.post(path, { signature: await account.signTypedData(typed as never) })
  return { unsigned }
}

async function cancelInside(real: RealService, ids: Ids) {
  const id = ids.cancelledInside
  await real.when(id, ({ state }) => state === 'dispatched')
  await real.until(at(51))
  await real.parties.dso.post(`/v1/flexibility-calls/${id}/cancellation`, {})
  const { allocations } = await real.when(id, ({ releasedAt }) => releasedAt !== null)
  const mine = new Set(allocations.map(({ resourceId }) => resourceId))
  return eventually('the released devices', async () => {
    const all = await real.parties.operator.get<SetpointLine[]>('/v1/operator/setpoints')
    const rows = all.filter(({ resourceId }) => mine.has(resourceId))
    return rows.every(({ atDefault }) => atDefault) ? rows : 'are not at their default'
  })
}
