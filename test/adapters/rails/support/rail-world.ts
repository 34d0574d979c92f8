import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { deployPool } from '#adapters/evm/deploy.ts'
import { signAuthorisation, testEuroDomain } from '#adapters/evm/dso-signing.ts'
import { fileSigner } from '#adapters/evm/file-signer.ts'
import { createEvmRail } from '#adapters/evm/rail.ts'
import { establishLedger, readLedger } from '#adapters/ledger-rail/establish.ts'
import { createLedgerRail } from '#adapters/ledger-rail/rail.ts'
import { LEDGER_MONEY } from '#adapters/ledger-rail/signatures.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import { createPostgresStore } from '#db/store.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { BANK, walletOf } from '#domain/pool-books.ts'
import type { PoolAct } from '#domain/pool-acts.ts'
import { authorisationTypedData, usualValidity } from '#domain/pool-messages.ts'
import type { Attestor, ChainIdentity, PayoutRail } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { createMigratedDatabase } from '../../../postgres/migrated-database.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { startAnvil } from '../../evm/support/anvil.ts'
import { EUR, START, handClock, wallTimer } from '../../evm/support/world.ts'
import { actsOnChain } from './acts-on-chain.ts'

export type Party = { readonly key: Hex; readonly address: Address }

/** One rail, whichever it is, with three verifiers of which two are enough, and a rich payer. */
export type RailWorld = {
  readonly rail: PayoutRail
  readonly store: Store
  readonly clock: ReturnType<typeof handClock>
  readonly identity: ChainIdentity
  readonly dso: Party
  readonly fees: Party
  readonly arbiter: Party
  /** Has as much as two challenges cost. */
  readonly doubter: Party
  /** In ascending order of addresses. */
  readonly attestors: readonly Attestor[]
  /** Another rail object on the same store: what a restart makes. */
  reopen(): Promise<PayoutRail>
  /** What somebody signs to fund a request, as this rail wants it. */
  sign(by: Party, terms: EscrowTerms, validity?: Validity): Promise<Hex>
  /** Somebody else than the service does something at the pool; the refusal, or null. */
  act(act: PoolAct): Promise<string | null>
  /** What a challenger stakes. */
  readonly bond: bigint
  close(): Promise<void>
}

type Validity = { readonly validAfter: number; readonly validBefore: number }

const party = (): Party => {
  const key = generatePrivateKey()
  return { key, address: privateKeyToAccount(key).address }
}

type Parties = ReturnType<typeof makeParties>

/** Keys that two worlds can share, so that they can be compared. */
export function makeParties() {
  const verifiers = [party(), party(), party()]
  verifiers.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
  return { dso: party(), fees: party(), arbiter: party(), doubter: party(), verifiers }
}

/** What a challenger stakes. */
const BOND = 5n * EUR

const RICH = 10_000n * EUR

const windows = {
  disputeWindowSeconds: 600,
  epochWindowSeconds: 300,
  refundGraceSeconds: 120,
  heldWindowSeconds: 3600,
}

export type WorldOptions = {
  readonly parties?: Parties
  /** The first second of the chain. */
  readonly start?: number
  /** What the payer has, in micro-EUR. */
  readonly deposit?: bigint
}

/** A chain of its own, mined with business time. */
export async function evmWorld({
  parties = makeParties(),
  start = START,
  deposit = RICH,
}: WorldOptions = {}): Promise<RailWorld> {
  const { dso, fees, arbiter, doubter, verifiers } = parties
  const chain = await startAnvil(start)
  const admin = party()
  const { identity } = await deployPool({
    rpcUrl: chain.url,
    timer: wallTimer,
    deployerKey: admin.key,
    guardians: [arbiter.address],
    verifiers: verifiers.map(({ address }) => address),
    quorum: 2,
    feeReceiver: fees.address,
    ...windows,
    arbiter: arbiter.address,
    payers: [dso.address],
    challengeBond: BOND,
    mintTo: [
      { address: dso.address, amount: deposit },
      { address: doubter.address, amount: 2n * BOND },
    ],
  })
  const store = createMemoryStore()
  const clock = handClock()
  // Its stopwatch runs at least as far as the hand moves business time: nobody waits for a pause.
  const timer = { ...wallTimer, monotonicMs: () => performance.now() + clock.now() }
  const options = { store, clock, timer, log: recordingLog(), identity, local: true }
  const signer = fileSigner(party().key)
  const officers = { admin: admin.address, guardian: arbiter.address, anybody: fees.address }
  const act = actsOnChain({ chain, identity, clock, officers })
  const reopen = () => createEvmRail({ ...options, rpcUrl: chain.url, signer })
  const rail = await reopen()
  const rest = { rail, reopen, close: () => chain.stop(), bond: BOND }
  return {
    ...common(parties, identity, testEuroDomain),
    ...rest,
    store,
    clock,
    async act(asked) {
      const refused = await act(asked)
      await rail.advance()
      return refused
    },
  }
}

/** No chain: tables in memory, or in the run's PostgreSQL. */
export async function ledgerWorld(
  where: 'memory' | 'postgres',
  { parties = makeParties(), deposit: amount = RICH }: WorldOptions = {},
): Promise<RailWorld> {
  const { dso, fees, arbiter, doubter, verifiers } = parties
  const database = where === 'postgres' ? await createMigratedDatabase() : null
  const log = recordingLog()
  const store = database ? createPostgresStore({ url: database.url, log }) : createMemoryStore()
  const clock = handClock()
  const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }
  const terms = {
    verifiers: verifiers.map(({ address }) => address),
    quorum: 2,
    feeReceiver: fees.address,
    arbiter: arbiter.address,
    ...windows,
    challengeBond: BOND,
  }
  const setup = await establishLedger({ store, random, terms: async () => terms })
  const deposit = (of: Party, minor: bigint) => {
    const between = { debit: BANK, credit: walletOf(of.address), amount: minor, at: START }
    return { id: `deposit:${of.address}`, kind: 'posted', pendingId: null, ...between } as const
  }
  await store.transaction((tx) => tx.pool.book([deposit(dso, amount), deposit(doubter, 2n * BOND)]))
  const rail = createLedgerRail({ store, clock, log, setup })
  const close = async () => {
    await store.close()
    await database?.drop()
  }
  const reopen = async () =>
    createLedgerRail({ store, clock, log, setup: (await readLedger(store)) ?? setup })
  const act = async (asked: PoolAct) => {
    try {
      await rail.act?.(asked)
      return null
    } catch (error) {
      if (error instanceof DomainError && error.code === 'wrong-state') return error.message
      throw error
    }
  }
  const own = { rail, reopen, store, clock, close, act, bond: BOND }
  return { ...common(parties, setup, LEDGER_MONEY), ...own }
}

function common(
  parties: Parties,
  identity: ChainIdentity,
  money: { readonly name: string; readonly version: string },
) {
  const { verifiers, ...others } = parties
  return {
    ...others,
    identity,
    attestors: verifiers.map(({ key }) => createAttestor(key, identity)),
    async sign(by: Party, terms: EscrowTerms, validity?: Validity): Promise<Hex> {
      if (by.address === terms.payer && validity === undefined) {
        return (await signAuthorisation(by.key, terms, identity, money)).signature
      }
      const { chainId, token: verifyingContract } = identity
      const domain = { ...money, chainId, verifyingContract }
      const data = authorisationTypedData(domain, identity, terms, validity ?? usualValidity(terms))
      return privateKeyToAccount(by.key).signTypedData(data as never)
    },
  }
}
