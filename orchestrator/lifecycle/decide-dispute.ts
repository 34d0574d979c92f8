import { fieldError } from '#domain/errors.ts'
import { statementOfRest } from '#domain/evidence.ts'
import type { DecidedLine, HeldRest } from '#domain/held-rest.ts'
import type { CallId } from '#domain/ids.ts'
import { formatInstant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { measureHeld } from './measure-held.ts'

export type Decision = {
  readonly callId: CallId
  /** One for every line that is held. */
  readonly lines: readonly DecidedLine[]
  readonly note: string
}

/** What the arbiter has to sign, for the pool, before its decision counts. */
export type DecisionToSign = {
  readonly version: number
  /** EIP-712 typed data as plain JSON. */
  readonly settlementToSign: unknown
}

/**
 * The arbiter says how much of what is on hold is paid, line by line. It counts once its signature
 * over the settlement that follows from it has come (receiveAttestation). Safe to run twice.
 * @throws DomainError not-found, wrong-state, malformed
 */
export async function decideDispute(ports: Ports, decision: Decision): Promise<DecisionToSign> {
  const { callId, note } = decision
  if (ports.rail.parties.arbiter === null) {
    throw fieldError('wrong-state', 'callId', 'a pool with an arbiter', 'a pool without one')
  }
  return ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const rests = await tx.rests.list({ callId })
    const open = rests.find(({ state }) => state === 'held' || state === 'measured')
    if (!open) throw fieldError('not-found', 'callId', 'a call with money on hold', callId)
    const now = ports.clock.now()
    if (now > open.settleBy) {
      const expected = `a decision until ${formatInstant(open.settleBy)}`
      throw fieldError('wrong-state', 'decidedAt', expected, formatInstant(now))
    }
    const lines = complete(open, decision.lines)
    if (!isSame(open.decisions, lines)) {
      await requireNothingProposed(tx, open)
      for (const dispute of await tx.disputes.ofCall(callId)) {
        const isHeld = open.lines.some(({ resourceId }) => resourceId === dispute.resourceId)
        if (isHeld) await tx.disputes.save({ ...dispute, note })
      }
      await measureHeld(ports, tx, call, open, lines)
    }
    const rest = await tx.rests.find(open.id)
    const statement = rest && statementOfRest(rest)
    if (!statement || !rest?.evidence) throw new Error(`${open.id} has no statement to sign`)
    const settlementToSign = ports.rail.settlementToSign(statement)
    return { version: rest.evidence.version, settlementToSign }
  })
}

/** In the order of the held lines. */
function complete(rest: HeldRest, lines: readonly DecidedLine[]): DecidedLine[] {
  const stranger = lines.find(
    ({ resourceId }) => !rest.lines.some((line) => line.resourceId === resourceId),
  )
  if (stranger) {
    const held = rest.lines.map(({ resourceId }) => resourceId).join(', ')
    throw fieldError('malformed', 'lines', `lines that are held: ${held}`, stranger.resourceId)
  }
  return rest.lines.map(({ resourceId, held }) => {
    const [decided, twice] = lines.filter((line) => line.resourceId === resourceId)
    if (!decided || twice) {
      const got = twice ? 'two' : 'none'
      throw fieldError('malformed', 'lines', `one decision on ${resourceId}`, got)
    }
    if (decided.pay < 0n || decided.pay > held) {
      const expected = `between 0 and the ${held} that are held for ${resourceId}`
      throw fieldError('malformed', 'lines.payMinor', expected, decided.pay.toString())
    }
    return decided
  })
}

function isSame(before: readonly DecidedLine[] | null, lines: readonly DecidedLine[]): boolean {
  return (
    before !== null &&
    lines.every(({ resourceId, pay }) =>
      before.some((line) => line.resourceId === resourceId && line.pay === pay),
    )
  )
}

async function requireNothingProposed(tx: StoreTransaction, rest: HeldRest): Promise<void> {
  if (!rest.evidence) return
  const intent = await tx.chain.intent(`propose-rest:${rest.id}:${rest.evidence.version}`)
  if (intent === null || intent.state === 'reverted') return
  const expected = 'a call whose held money nobody has settled yet'
  throw fieldError('wrong-state', 'callId', expected, 'it has just been proposed to the pool')
}
