import type { IntentRow } from '#domain/chain.ts'
import type { Dispute } from '#domain/dispute.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { CallId, OrganisationId } from '#domain/ids.ts'
import { type MicroEur, microEur } from '#domain/money.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { lastComparison, standingDifferences } from './check-books.ts'

/** A call of which something waits for a decision. */
export type WaitingCall = {
  readonly callId: CallId
  readonly dsoId: OrganisationId
  /** Raised and not decided, ordered by resource. */
  readonly disputes: readonly Dispute[]
  /** On hold and not at its end, ordered by round. */
  readonly rests: readonly HeldRest[]
}

/** The state of the money at a glance, for who runs the service. */
export type MoneySurvey = {
  /** By the last comparison; `since`: when it last changed its mind, null: it never did. */
  readonly books: {
    readonly comparedAt: Instant | null
    readonly differences: readonly string[]
    readonly since: Instant | null
  }
  /** What the rail has been asked and has not done yet, oldest first. */
  readonly backlog: readonly IntentRow[]
  /** The ledger by kind of account: what stands before the colon of its name. */
  readonly balances: readonly { readonly kind: string; readonly balance: MicroEur }[]
  readonly waiting: readonly WaitingCall[]
}

/** Reads, and compares nothing anew: that is reconcileChain's. */
export async function surveyMoney({ store }: Pick<Ports, 'store'>): Promise<MoneySurvey> {
  return store.transaction(async (tx) => {
    const changed = await tx.events.latest(['books-differ', 'books-agree'])
    return {
      books: {
        comparedAt: await lastComparison(tx),
        differences: await standingDifferences(tx),
        since: changed?.at ?? null,
      },
      backlog: await tx.chain.open(),
      balances: await balancesByKind(tx),
      waiting: await waitingCalls(tx),
    }
  })
}

async function balancesByKind(tx: StoreTransaction): Promise<MoneySurvey['balances']> {
  const sums = new Map<string, bigint>()
  for (const { account, balance } of await tx.ledger.balances()) {
    const kind = account.split(':', 1)[0] ?? account
    sums.set(kind, (sums.get(kind) ?? 0n) + balance)
  }
  return [...sums]
    .map(([kind, balance]) => ({ kind, balance: microEur(balance) }))
    .sort((a, b) => (a.kind < b.kind ? -1 : 1))
}

/** Before finality a dispute waits for signatures, after it what is on hold for a decision. */
async function waitingCalls(tx: StoreTransaction): Promise<WaitingCall[]> {
  const rests = await tx.rests.list({ states: ['held', 'measured', 'proposed'] })
  const moving = await tx.calls.list({ states: ['measured', 'verified'] })
  const ids = new Set([...rests, ...moving.map(({ id: callId }) => ({ callId }))].map(idOf))
  const found: WaitingCall[] = []
  for (const callId of ids) {
    const disputes = (await tx.disputes.ofCall(callId)).filter(isUndecided)
    const mine = rests.filter((rest) => rest.callId === callId)
    if (disputes.length + mine.length === 0) continue
    const call = await tx.calls.find(callId)
    if (call === null) throw new Error(`${callId} has disputes and does not exist`)
    found.push({ callId, dsoId: call.dsoId, disputes, rests: mine })
  }
  return found
}

function idOf({ callId }: { readonly callId: CallId }): CallId {
  return callId
}

function isUndecided({ state }: Dispute): boolean {
  return state === 'open' || state === 'held'
}
