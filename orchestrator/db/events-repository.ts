import { asc, desc, eq, gt, inArray, max } from 'drizzle-orm'
import type { BusinessEventInput } from '#domain/business-event.ts'
import type { Events } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import type { Transaction } from './connection.ts'
import { events } from './schema-records.ts'

/** Events of one transaction, written when it is about to commit. */
export type BufferedEvents = Events & { flush(): Promise<void> }

/** Rows per INSERT: 10 parameters each, of 65 534 that the protocol allows. */
const EVENTS_AT_ONCE = 5000

/**
 * Numbers are given in the order of commit and without a gap, so that a reader who goes on after
 * the last number it saw never misses an event. A sequence of SQL cannot do that: it numbers at
 * insertion, and a transaction with a lower number may commit later. So one lock is taken as the
 * last thing before the commit, which keeps it short, and the numbers follow the highest there is.
 */
export function eventsRepository(tx: Transaction): BufferedEvents {
  let waiting: BusinessEventInput[] = []
  const flush = async () => {
    const inputs = waiting
    waiting = []
    if (inputs.length === 0) return
    await lockByName(tx, ['events'])
    // A statement of its own: its snapshot is taken after the lock, and sees who had it before.
    const [last] = await tx.select({ sequence: max(events.sequence) }).from(events)
    const rows = inputs.map((input, index) => ({
      ...input,
      sequence: (last?.sequence ?? 0) + 1 + index,
    }))
    for (let first = 0; first < rows.length; first += EVENTS_AT_ONCE) {
      await tx.insert(events).values(rows.slice(first, first + EVENTS_AT_ONCE))
    }
  }
  return {
    async append(inputs) {
      waiting.push(...inputs)
    },
    async after(sequence, limit) {
      await flush() // a transaction sees what it wrote itself
      return tx
        .select()
        .from(events)
        .where(gt(events.sequence, sequence))
        .orderBy(asc(events.sequence))
        .limit(limit)
    },
    async ofCall(callId) {
      await flush()
      return tx.select().from(events).where(eq(events.callId, callId)).orderBy(asc(events.sequence))
    },
    async latest(kinds) {
      await flush()
      const [last] = await tx
        .select()
        .from(events)
        .where(inArray(events.kind, [...kinds]))
        .orderBy(desc(events.sequence))
        .limit(1)
      return last ?? null
    },
    flush,
  }
}
