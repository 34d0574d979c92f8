import { hashOf } from '#domain/canonical.ts'
import {
  type EpochData,
  type EpochStatement,
  type EvidenceBundle,
  statementOf,
  type VerificationTask,
} from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import type { Rounding } from '#domain/settlement.ts'
import type { CheckMeterSignature } from '#domain/signed-meter/meter-key.ts'
import {
  type Checks,
  type Difference,
  parseBundle,
  roundDifferences,
  verifyBundle,
} from '#domain/verification.ts'
import type { Attestor, EscrowReader, Log, VerifySignature } from '#ports.ts'
import { checkEpoch, type VerifiedCall } from './epoch-check.ts'

/** How a verifier reaches the service: over HTTP, with its own key. */
export interface VerificationClient {
  tasks(): Promise<VerificationTask[]>
  bundle(callId: string, version: number): Promise<string>
  attest(task: VerificationTask, verifier: Hex, signature: Hex): Promise<void>
  refuse(task: VerificationTask, verifier: Hex, difference: Difference): Promise<void>
}

/** What a verifier has signed: two settlements of one round would prove it dishonest. */
export interface SignedRounds {
  /** Keeps what is about to be signed, for good, unless another one is kept; returns what is. */
  keep(requestId: Hex, round: number, statement: Hex): Promise<Hex>
}

export type VerifierPorts = {
  readonly client: VerificationClient
  readonly attestor: Attestor
  readonly chain: EscrowReader
  readonly signed: SignedRounds
  readonly verifySignature: VerifySignature
  readonly checkMeterSignature: CheckMeterSignature
  readonly log: Log
  /** The rounding of the one division per payee; only a test of refusals hands in another. */
  readonly round?: Rounding
}

/** Pulls what waits for a signature, recomputes it, signs or refuses. Knows no database. */
export function createVerifier(ports: VerifierPorts): { tick(): Promise<number> } {
  const verified = new Map<string, VerifiedCall>()
  /** Every line that differs; none: it can be signed. */
  function check(task: VerificationTask): Promise<Difference[]> {
    return task.subject === 'settlement'
      ? checkSettlement(ports, verified, task)
      : checkPayouts(ports, verified, task.statement, task.data)
  }

  async function answer(task: VerificationTask): Promise<void> {
    const { attestor, client, log } = ports
    const found = await check(task)
    const differences = found.length > 0 ? found : await signedBefore(ports, task)
    const [first] = differences
    if (first) {
      log.warn('refused', { subject: task.subjectId, ...first, differences: differences.length })
      return client.refuse(task, attestor.address, first)
    }
    const signature =
      task.subject === 'settlement'
        ? await attestor.signSettlement(task.statement)
        : await attestor.signEpoch(task.statement)
    await client.attest(task, attestor.address, signature)
    log.info('signed', { subject: task.subject, id: task.subjectId, version: task.version })
  }

  return {
    async tick() {
      const tasks = await ports.client.tasks()
      for (const task of tasks) await answer(task)
      return tasks.length
    },
  }
}

/** Nothing is signed before it is kept, so that a crash in between costs no honesty. */
async function signedBefore(
  { signed }: VerifierPorts,
  task: VerificationTask,
): Promise<Difference[]> {
  if (task.subject !== 'settlement') return []
  const { requestId, round } = task.statement
  const mine = hashOf(task.statement)
  const kept = await signed.keep(requestId, round, mine)
  return same(`signed before in round ${round}`, mine, kept)
}

function checksOf({ verifySignature, checkMeterSignature }: VerifierPorts): Checks {
  return { gateway: verifySignature, meter: checkMeterSignature }
}

/** What was recomputed and did not differ, by call and version: epochs are built on it. */
type Verified = Map<string, VerifiedCall>

async function checkSettlement(
  ports: VerifierPorts,
  verified: Verified,
  task: Extract<VerificationTask, { subject: 'settlement' }>,
): Promise<Difference[]> {
  const { client, chain, round } = ports
  const text = await client.bundle(task.subjectId, task.version)
  const differences = verifyBundle(text, checksOf(ports), round)
  const bundle = parseBundle(text)
  const { terms, requestId } = bundle.escrow
  const statement = statementOf(bundle)
  const onChain = await chain.escrow(statement.requestId)
  const amount = bundle.rest?.amount ?? terms.amount
  differences.push(
    ...same('statement', hashOf(task.statement), hashOf(statement)),
    ...same('request id', requestId, chain.requestId(terms)),
    ...same('escrow on chain', String(onChain?.amount ?? 'none'), String(amount)),
    ...(await laterRound(ports, bundle)),
  )
  if (differences.length === 0) verified.set(keyOf(bundle), verifiedCall(bundle))
  return differences
}

/** What an earlier round held is what its bundle, proposed to the pool, says; and nobody decided. */
async function laterRound(
  { client, chain }: VerifierPorts,
  bundle: EvidenceBundle,
): Promise<Difference[]> {
  const { rest, terms } = bundle
  if (!rest) return []
  const earlier = parseBundle(await client.bundle(terms.callId, rest.fromVersion))
  return [
    ...roundDifferences(bundle, earlier),
    ...same('earlier round on chain', String(await chain.isProposed(statementOf(earlier))), 'true'),
    ...same(
      'who decides',
      rest.decisions === null ? 'measured again' : 'the arbiter',
      'measured again',
    ),
  ]
}

/** One bundle of one call. */
function keyOf({ terms, version }: EvidenceBundle): string {
  return `${terms.callId} ${version}`
}

function verifiedCall(bundle: EvidenceBundle): VerifiedCall {
  const { requestId } = statementOf(bundle)
  return { requestId, lines: bundle.settlement.lines }
}

async function checkPayouts(
  ports: VerifierPorts,
  verified: Verified,
  statement: EpochStatement,
  data: EpochData,
): Promise<Difference[]> {
  const missing = await fetchMissing(ports, verified, data)
  if (missing.length > 0) return missing
  const wrong = [...(await unchallenged(ports, data)), ...(await unnamed(ports, data))]
  if (wrong.length > 0) return wrong
  return checkEpoch(statement, data, verified, await ports.chain.poolState())
}

/** What is said to pay nothing because it was challenged pays nothing at the pool. */
async function unchallenged({ chain }: VerifierPorts, { calls }: EpochData) {
  const differences: Difference[] = []
  for (const { callId, requestId, challenged } of calls) {
    if (!challenged) continue
    const payout = (await chain.escrow(requestId))?.payout
    differences.push(...same(`challenged payout of ${callId}`, String(payout), '0'))
  }
  return differences
}

/** An index goes to another address only if its account named that one, long enough ago. */
async function unnamed({ chain }: VerifierPorts, { moves = [] }: EpochData) {
  const differences: Difference[] = []
  for (const { index, account, to } of moves) {
    const isNamed = await chain.isRecipient(account, to)
    differences.push(...same(`payout address at index ${index}`, String(isNamed), 'true'))
  }
  return differences
}

/** A verifier that was started late fetches and checks the bundles of the epoch itself. */
async function fetchMissing(
  ports: VerifierPorts,
  verified: Verified,
  data: EpochData,
): Promise<Difference[]> {
  const { client, chain, round } = ports
  const differences: Difference[] = []
  for (const { callId, version } of data.calls) {
    if (verified.has(`${callId} ${version}`)) continue
    const text = await client.bundle(callId, version)
    const found = verifyBundle(text, checksOf(ports), round)
    const bundle = parseBundle(text)
    const isProposed = await chain.isProposed(statementOf(bundle))
    found.push(...same(`settlement of ${callId} on chain`, String(isProposed), 'true'))
    differences.push(...found)
    if (found.length === 0) verified.set(keyOf(bundle), verifiedCall(bundle))
  }
  return differences
}

function same(line: string, got: string, expected: string): Difference[] {
  return got === expected ? [] : [{ line, expected, got }]
}
