import { isAddressEqual } from 'viem'
import type { IntentRow } from '#domain/chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address } from '#domain/ids.ts'
import { availableOf, type PoolSetup, poolStateOf, walletOf } from '#domain/pool-books.ts'
import {
  asPlainJson,
  authorisationTypedData,
  cancellationTypedData,
  epochTypedData,
  requestIdOf,
  settlementTypedData,
  usualValidity,
} from '#domain/pool-messages.ts'
import type { Clock, Log, PayoutRail } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { enterAct } from './acts.ts'
import { carryOut } from './bookkeeper.ts'
import { Refusal } from './refusal.ts'
import { isSignedBy, moneyDomain, signerOf } from './signatures.ts'

export type LedgerRailOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** What the ledger of this database was established with. */
  readonly setup: PoolSetup
  /** Whether an epoch may be posted now: not while books differ. Default: always. */
  readonly mayPost?: () => Promise<boolean>
}

/** Nobody relays anything to a ledger. */
const NOBODY: Address = `0x${'0'.repeat(40)}`

/** The PayoutRail port without a chain: the pool's rules over double-entry tables. */
export function createLedgerRail(options: LedgerRailOptions): PayoutRail {
  const { store, setup, clock, log } = options
  const { challengeBond: _bond, ...parties } = setup
  const desk = createDesk(options)
  let running: Promise<{ newEvents: number }> | null = null
  return {
    parties: { ...parties, relayer: NOBODY },
    requestId: (terms) => requestIdOf(setup, terms),
    authorisationToSign: (terms) =>
      asPlainJson(authorisationTypedData(moneyDomain(setup), setup, terms, usualValidity(terms))),
    cancellationToSign: (requestId) => asPlainJson(cancellationTypedData(setup, requestId)),
    settlementToSign: (statement) => asPlainJson(settlementTypedData(setup, statement)),
    async verifyAuthorisation(terms, { validAfter, validBefore, signature }) {
      if (validBefore * 1000 <= clock.now()) return false
      const validity = { validAfter, validBefore }
      const data = authorisationTypedData(moneyDomain(setup), setup, terms, validity)
      if (!(await isSignedBy(terms.payer, data, signature))) return false
      return (await depositLeft(store, terms.payer)) >= terms.amount
    },
    verifyCancellation: (requestId, payer, signature) =>
      isSignedBy(payer, cancellationTypedData(setup, requestId), signature),
    settlementSigner: (statement, signature) =>
      signerOf(settlementTypedData(setup, statement), signature),
    epochSigner: (statement, signature) => signerOf(epochTypedData(setup, statement), signature),
    /** A call while a round runs joins it. */
    advance() {
      running ??= desk.round().finally(() => {
        running = null
      })
      return running
    },
    async act(act) {
      const now = Math.floor(clock.now() / 1000)
      try {
        const { entry } = await store.transaction((tx) => enterAct(tx, setup, act, now))
        log.warn('ledger: somebody acted at the pool', { act: act.kind, entry })
        return entry
      } catch (error) {
        if (error instanceof Refusal) throw new DomainError('wrong-state', error.message)
        throw error
      }
    },
    poolState: () =>
      store.transaction(async ({ pool }) => {
        await pool.lock()
        return poolStateOf(await pool.accounts(), await pool.epochs())
      }),
  }
}

/** What a payer's deposit has left beside the requests that it has ordered already. */
async function depositLeft(store: Store, payer: Address): Promise<bigint> {
  const [deposit, open] = await store.transaction(
    async (tx) => [await tx.pool.account(walletOf(payer)), await tx.chain.open()] as const,
  )
  const ordered = open.map(({ intent }) => {
    const isTheirs = intent.kind === 'openRequest' && isAddressEqual(intent.terms.payer, payer)
    return isTheirs ? intent.terms.amount : 0n
  })
  return availableOf(deposit) - ordered.reduce<bigint>((sum, amount) => sum + amount, 0n)
}

/** Works the open intents off, one transaction each; nothing it remembers decides about money. */
function createDesk({ store, setup, clock, log, mayPost }: LedgerRailOptions) {
  const pausedUntil = new Map<string, number>()
  const said = new Map<string, string>()

  async function look({ businessKey, intent }: IntentRow): Promise<number> {
    const now = Math.floor(clock.now() / 1000)
    if (now < (pausedUntil.get(businessKey) ?? now)) return 0
    if (intent.kind === 'postEpoch' && mayPost !== undefined && !(await mayPost())) {
      warnOnce(businessKey, 'books differ')
      return 0
    }
    const outcome = await store.transaction((tx) => carryOut(tx, setup, businessKey, now))
    if (outcome.kind === 'waits') {
      if (outcome.from !== null) pausedUntil.set(businessKey, outcome.from)
      warnOnce(businessKey, outcome.reason)
      return 0
    }
    pausedUntil.delete(businessKey)
    said.delete(businessKey)
    if (outcome.kind === 'refused') {
      log.error('ledger: refused for good', { intent: businessKey, reason: outcome.reason })
    }
    if (outcome.kind !== 'done') return 0
    log.info('ledger: done', { intent: businessKey, entry: outcome.entry })
    return outcome.newEvents
  }

  function warnOnce(businessKey: string, why: string): void {
    if (said.get(businessKey) === why) return
    said.set(businessKey, why)
    log.warn('ledger: not yet', { intent: businessKey, why })
  }

  return {
    async round(): Promise<{ newEvents: number }> {
      const open = await store.transaction((tx) => tx.chain.open())
      let newEvents = 0
      for (const row of open) newEvents += await look(row)
      return { newEvents }
    },
  }
}
