import type { BusinessEventInput, BusinessEventKind } from '#domain/business-event.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { type Reconciliation, reconcileChain } from './reconcile-chain.ts'

/** Wall time between two looks: what is only on its way is booked by then, or says something else. */
const BETWEEN_LOOKS_MS = 6_000
const LOOKS = 3
const KINDS: readonly BusinessEventKind[] = ['books-differ', 'books-agree']
/** So many differences are told of; the operator's reconciliation has them all. */
const TOLD_MAX = 20

/**
 * Compares all books, and raises or clears the alarm. A difference counts only if it is the same
 * in several looks, and still there after the chain was read once more from its beginning: logs
 * that were left out are no reason to stop. Nothing is repaired. Safe to run twice.
 */
export async function checkBooks(
  ports: Ports,
  betweenMs: number = BETWEEN_LOOKS_MS,
): Promise<Reconciliation> {
  let differences = await standing(ports, betweenMs)
  if (differences.length > 0 && (await readAgain(ports))) {
    differences = await standing(ports, betweenMs)
  }
  const changed = await ports.store.transaction(async (tx) => {
    const before = await standingDifferences(tx)
    await tx.events.append([comparedEvent(differences.length, ports.clock.now())])
    if (isSame(before, differences)) return false
    await tx.events.append([bookEvent(differences, ports.clock.now())])
    return true
  })
  if (changed) {
    if (differences.length > 0) ports.log.error('ALARM: the books differ', { differences })
    else ports.log.warn('the books agree again')
    await ports.wakeUps.notify('events')
    await ports.wakeUps.notify('chain')
  }
  return { reconciled: differences.length === 0, differences }
}

/**
 * The differences for which the alarm stands; empty when the books agreed at the last check. While
 * there are any no new epoch is posted: claims, payouts under way and refunds go on.
 */
export async function standingDifferences(tx: StoreTransaction): Promise<readonly string[]> {
  const last = await tx.events.latest(KINDS)
  if (last?.kind !== 'books-differ') return []
  return String(last.data['differences']).split('\n')
}

/** When the books were compared last; null: not yet. */
export async function lastComparison(tx: StoreTransaction): Promise<Instant | null> {
  return (await tx.events.latest(['books-compared']))?.at ?? null
}

/** What differs in every one of several looks. */
async function standing(ports: Ports, betweenMs: number): Promise<readonly string[]> {
  let { differences } = await reconcileChain(ports)
  for (let look = 1; look < LOOKS && differences.length > 0; look += 1) {
    await ports.timer.sleep(betweenMs)
    const next = new Set((await reconcileChain(ports)).differences)
    differences = differences.filter((difference) => next.has(difference))
  }
  return differences
}

async function readAgain({ rail, log }: Ports): Promise<boolean> {
  const added = (await rail.readAgain?.()) ?? 0
  if (added > 0) log.warn('the chain was read again and had more to say', { added })
  return added > 0
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.slice(0, TOLD_MAX).join('\n') === b.slice(0, TOLD_MAX).join('\n')
}

const FOR_THE_OPERATOR = {
  callId: null,
  resourceId: null,
  organisationIds: [],
  ownerId: null,
} as const

function comparedEvent(count: number, at: Instant): BusinessEventInput {
  const found = count === 0 ? 'nothing differs' : `${count} differences`
  const message = `contract, events, ledger and token balance were compared: ${found}`
  return {
    ...FOR_THE_OPERATOR,
    kind: 'books-compared',
    at,
    notice: false,
    message,
    data: { count },
  }
}

function bookEvent(differences: readonly string[], at: Instant): BusinessEventInput {
  const told = differences.slice(0, TOLD_MAX)
  const isAlarm = differences.length > 0
  return {
    kind: isAlarm ? 'books-differ' : 'books-agree',
    at,
    ...FOR_THE_OPERATOR,
    notice: isAlarm,
    message: isAlarm
      ? `the books differ, no new epoch is posted: ${told.join('; ')}`
      : 'contract, events, ledger and token balance agree again',
    data: { count: differences.length, differences: told.join('\n') },
  }
}
