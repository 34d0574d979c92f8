import { type ChainEvent, type IntentRow, requireUnsigned } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import type { ChainIdentity } from '#ports.ts'
import type { ChainJournal } from '#rail-store-ports.ts'
import type { MakeTable } from './memory-store.ts'

/** The database's side of the chain in memory. */
export function memoryChainJournal(makeTable: MakeTable): ChainJournal {
  const intents = makeTable<IntentRow>()
  const signed = makeTable<{ businessKey: string; nonce: number; hash: Hex }>()
  const events = makeTable<ChainEvent>()
  const single = makeTable<{ block: number; hash: Hex } | ChainIdentity>()
  const change = (businessKey: string, fields: Partial<IntentRow>) => {
    const row = intents.get(businessKey)
    if (!row) throw new Error(`no chain intent ${businessKey}`)
    intents.set(businessKey, { ...row, ...fields })
  }
  return {
    async intend(businessKey, intent) {
      intents.add(businessKey, {
        businessKey,
        intent,
        state: 'pending',
        hash: null,
        nonce: null,
        raw: null,
        reason: null,
      })
    },
    intent: async (businessKey) => intents.get(businessKey) ?? null,
    open: async () =>
      intents.values().filter((row) => row.state === 'pending' || row.state === 'sent'),
    async signed(businessKey, tx, before) {
      const stored = intents.get(businessKey)?.raw ?? null
      if (before !== undefined) requireUnsigned(businessKey, stored, before)
      change(businessKey, { ...tx, state: 'sent' })
      signed.add(tx.hash, { businessKey, nonce: tx.nonce, hash: tx.hash })
    },
    variants: async (businessKey, nonce) =>
      signed
        .values()
        .filter((each) => each.businessKey === businessKey && each.nonce === nonce)
        .map(({ hash }) => hash),
    mined: async (businessKey, hash, outcome, reason) =>
      change(businessKey, { hash, state: outcome, reason: reason ?? null }),
    async record(found, cursor) {
      const keyOf = (event: ChainEvent) => `${event.transactionHash} ${event.logIndex}`
      const added = found.filter((event) => events.add(keyOf(event), event))
      single.set('cursor', cursor)
      return added.length
    },
    async rewind(to) {
      const orphaned = new Set<Hex>()
      for (const [key, event] of events.entries()) {
        if (event.block <= to.block) continue
        orphaned.add(event.transactionHash)
        events.delete(key)
      }
      for (const row of intents.values()) {
        if (row.state !== 'mined' || row.hash === null || !orphaned.has(row.hash)) continue
        change(row.businessKey, { state: row.raw === null ? 'pending' : 'sent' })
      }
      single.set('cursor', to)
    },
    cursor: async () => (single.get('cursor') as { block: number; hash: Hex } | undefined) ?? null,
    events: async (filter = {}) =>
      events
        .values()
        .filter(
          (e) =>
            (filter.kind === undefined || e.kind === filter.kind) &&
            (filter.requestId === undefined ||
              ('requestId' in e && e.requestId === filter.requestId)),
        ),
    identity: async () => (single.get('identity') as ChainIdentity | undefined) ?? null,
    identify: async (identity) => single.set('identity', identity),
  }
}
