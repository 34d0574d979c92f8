import type { ChainEvent, ChainIntent, IntentRow } from '#domain/chain.ts'
import { compareTransfers } from '#domain/compare-transfers.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { EpochStatement, SettlementStatement } from '#domain/evidence.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { compareJournal } from '#domain/journal.ts'
import { microEur } from '#domain/money.ts'
import { buildPayoutTree, type PayoutLeaf, requestIdsHash } from '#domain/payout-tree.ts'
import { usualValidity } from '#domain/pool-messages.ts'
import { instant } from '#domain/time.ts'
import type { Attestor } from '#ports.ts'
import { EUR, settlementOf, word } from '../../evm/support/world.ts'
import type { RailWorld } from './rail-world.ts'

let counted = 0

/** A request that delivers from one minute on for a minute. */
export function termsNow(world: RailWorld, changes: Partial<EscrowTerms> = {}): EscrowTerms {
  const at = (seconds: number) => instant((world.clock.seconds() + seconds) * 1000)
  counted += 1
  return {
    payer: world.dso.address,
    amount: microEur(100n * EUR),
    deliverStart: at(60),
    deliverEnd: at(120),
    settleBy: at(9000),
    verifierSetId: 1,
    termsHash: word('a'),
    salt: `0x${counted.toString(16).padStart(64, '0')}`,
    ...changes,
  }
}

/** Asks the rail for something under a key of its own and lets it work; what became of it. */
export async function ask(world: RailWorld, intent: ChainIntent): Promise<IntentRow> {
  counted += 1
  return askAs(world, `intent:${counted}`, intent)
}

export async function askAs(
  world: RailWorld,
  key: string,
  intent: ChainIntent,
): Promise<IntentRow> {
  await world.store.transaction((tx) => tx.chain.intend(key, intent))
  await advance(world)
  return rowOf(world, key)
}

export async function rowOf({ store }: RailWorld, key: string): Promise<IntentRow> {
  const row = await store.transaction((tx) => tx.chain.intent(key))
  if (row === null) throw new Error(`no intent ${key}`)
  return row
}

/** Enough rounds for whatever can be done now. */
export async function advance({ rail }: RailWorld): Promise<void> {
  for (let round = 0; round < 3; round += 1) await rail.advance()
}

export async function openIntent(world: RailWorld, terms: EscrowTerms): Promise<ChainIntent> {
  const signature = await world.sign(world.dso, terms)
  return { kind: 'openRequest', terms, authorisation: { ...usualValidity(terms), signature } }
}

export async function opened(world: RailWorld, changes: Partial<EscrowTerms> = {}): Promise<Hex> {
  const terms = termsNow(world, changes)
  const row = await ask(world, await openIntent(world, terms))
  if (row.state !== 'mined') throw new Error(`not opened: ${row.state} ${row.reason}`)
  return world.rail.requestId(terms)
}

/** Signed by these verifiers, in this order. */
export async function proposal(
  world: RailWorld,
  statement: SettlementStatement,
  signers: readonly Attestor[] = world.attestors.slice(0, 2),
): Promise<ChainIntent> {
  const signatures = await Promise.all(signers.map((each) => each.signSettlement(statement)))
  return { kind: 'proposeSettlement', statement, signatures }
}

/** A request whose settlement is proposed and whose window runs. */
export async function proposed(
  world: RailWorld,
  changes: Partial<SettlementStatement> = {},
): Promise<Hex> {
  const requestId = await opened(world)
  world.clock.forward(120)
  const row = await ask(world, await proposal(world, settlementOf(requestId, changes)))
  if (row.state !== 'mined') throw new Error(`not proposed: ${row.state} ${row.reason}`)
  return requestId
}

/** A request whose split is final. */
export async function finalised(
  world: RailWorld,
  changes: Partial<SettlementStatement> = {},
): Promise<Hex> {
  const requestId = await proposed(world, changes)
  world.clock.forward(600)
  const row = await ask(world, { kind: 'finalize', requestId })
  if (row.state !== 'mined') throw new Error(`not final: ${row.state} ${row.reason}`)
  return requestId
}

export async function epochIntent(
  world: RailWorld,
  leaves: readonly PayoutLeaf[],
  requestIds: readonly Hex[],
  changes: Partial<EpochStatement> = {},
  signers: readonly Attestor[] = world.attestors.slice(0, 2),
): Promise<ChainIntent> {
  const { liveRoot: prevRoot, currentEpoch } = await world.rail.poolState()
  const tree = buildPayoutTree(leaves)
  const statement = {
    epoch: currentEpoch + 1,
    prevRoot,
    topHash: tree.topHash,
    newTotal: tree.total,
    requestIdsHash: requestIdsHash(requestIds),
    dataHash: word('e'),
    ...changes,
  }
  const signatures = await Promise.all(signers.map((each) => each.signEpoch(statement)))
  return { kind: 'postEpoch', statement, requestIds, signatures }
}

export function chunkIntent(leaves: readonly PayoutLeaf[], epoch: number): ChainIntent {
  const tree = buildPayoutTree(leaves)
  return { kind: 'payChunk', epoch, ...tree.chunk(0, 2 ** tree.depth) }
}

export const leaf = (index: number, digit: string, cumulative: bigint): PayoutLeaf => ({
  index,
  account: `0x${digit.repeat(40)}` as Address,
  cumulative,
})

/** Events of one kind, oldest first, without the place where they stand. */
export async function events<K extends ChainEvent['kind']>({ store }: RailWorld, kind: K) {
  const found = await store.transaction((tx) => tx.chain.events({ kind }))
  return found.map(withoutPlace) as Omit<Extract<ChainEvent, { kind: K }>, Place>[]
}

type Place = 'transactionHash' | 'logIndex' | 'block' | 'blockHash'

export function withoutPlace(event: ChainEvent): Omit<ChainEvent, Place> {
  const { transactionHash: _t, logIndex: _l, block: _b, blockHash: _h, ...body } = event
  return body
}

/** What does not hold in a ledger's double entry and its journal; a chain has none of either. */
export async function bookDifferences({ store, identity }: RailWorld): Promise<string[]> {
  return store.transaction(async ({ pool, chain }) => {
    if ((await pool.setup()) === null) return []
    const events = await chain.events()
    const books = { transfers: await pool.transfers(), accounts: await pool.accounts() }
    const cursor = (await chain.cursor()) ?? { block: 0, hash: identity.genesisHash }
    return [...compareTransfers(books, events), ...compareJournal({ identity, cursor, events })]
  })
}

/** One name for a refusal that each rail words after what it stands on. */
const sameNames: Readonly<Record<string, string>> = {
  ERC3009InvalidSignature: 'NotSignedByPayer',
  ERC3009InvalidAuthorizationTime: 'AuthorisationTime',
  ERC20InsufficientBalance: 'DepositTooSmall',
}

/** The name of the refusal that ended an intent; null if it was not refused. */
export function refusal({ state, reason }: IntentRow): string | null {
  if (state !== 'reverted') return null
  const [name = ''] = (reason ?? '').split(':')
  return sameNames[name] ?? name
}
