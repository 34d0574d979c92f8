import type { FlexibilityCall, Standing } from '#domain/flexibility-call.ts'
import { type HeldLine, heldLines, isRestAmount } from '#domain/held-rest.ts'
import type { Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** A settlement that is final, and under which id; `before`: what earlier rounds paid its lines;
 * `challenged`: whether the settlement is what a challenge left of the one that was signed. */
export type FinalRound = Pick<Standing, 'evidence' | 'settlement'> & {
  readonly heldBy: Hex
  readonly before: readonly HeldLine[]
  readonly challenged: boolean
}

/** Remembers what a settlement held, under the id that the pool gave it. Safe to run twice. */
export async function keepHeld(
  tx: StoreTransaction,
  call: FlexibilityCall,
  { settlement, evidence, heldBy, before, challenged }: FinalRound,
  now: Instant,
): Promise<void> {
  if (settlement.held === 0n) return
  const [held] = await tx.chain.events({ kind: 'RestHeld', requestId: heldBy })
  if (held?.kind !== 'RestHeld') throw new Error(`${call.id}: the pool tells no id of what it held`)
  if ((await tx.rests.find(held.restId)) !== null) return
  const lines = heldLines(settlement, before)
  const amount = microEur(held.amount)
  if (!isRestAmount(amount, lines, call.program.feeBp)) {
    throw new Error(`${call.id}: the pool holds ${amount} micro-EUR, the lines another sum`)
  }
  await tx.rests.save({
    id: held.restId,
    heldBy,
    callId: call.id,
    round: held.round,
    amount,
    fromVersion: evidence.version,
    lines,
    heldAt: now,
    settleBy: instant(held.settleBy * 1000),
    state: 'held',
    decisions: null,
    evidence: null,
    settlement: null,
    settledAt: null,
    triedAt: null,
    ...(challenged ? { challenged } : {}),
  })
}
