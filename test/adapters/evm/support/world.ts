import { encodeFunctionData } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { deployPool } from '#adapters/evm/deploy.ts'
import { fileSigner } from '#adapters/evm/file-signer.ts'
import { signAuthorisation } from '#adapters/evm/dso-signing.ts'
import { type EvmRailOptions, createEvmRail } from '#adapters/evm/rail.ts'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import { testEuroAbi } from '#contracts/generated/TestEuro.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import type { ChainEvent, ChainIntent, IntentRow } from '#domain/chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { EpochStatement, SettlementStatement } from '#domain/evidence.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import { requestIdsHash } from '#domain/payout-tree.ts'
import { instant } from '#domain/time.ts'
import type { Log, PayoutRail, Timer } from '#ports.ts'
import type { ChainJournal } from '#rail-store-ports.ts'
import type { Store } from '#store-ports.ts'
import { type Anvil, startAnvil } from './anvil.ts'

/** 2026-01-15T12:00Z, where every scenario of these tests begins. */
export const START = 1_768_478_400
export const EUR = 1_000_000n
/** What a challenge of a settlement costs in these pools. */
export const BOND = 5n * EUR
export const ZERO_HASH: Hex = `0x${'00'.repeat(32)}`

export const word = (digit: string): Hex => `0x${digit.repeat(64)}`

export const wallTimer: Timer = {
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  async deadline(promise, ms, what) {
    let timeout: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new DomainError('unavailable', `waited ${ms} ms for ${what}`)
      timeout = setTimeout(() => reject(error), ms)
    })
    return Promise.race([promise, late]).finally(() => clearTimeout(timeout))
  },
  every: () => ({ stop: async () => {} }),
}

/** Business time that stands still until a test moves it. */
export function handClock() {
  let now = START * 1000
  return {
    speed: 1,
    now: () => instant(now),
    seconds: () => Math.floor(now / 1000),
    forward: (seconds: number) => void (now += seconds * 1000),
    to: (seconds: number) => void (now = seconds * 1000),
  }
}

/** Keeps what was said, for tests that ask whether somebody was told. */
export function listeningLog() {
  const lines: { level: string; message: string; fields: Record<string, unknown> }[] = []
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void lines.push({ level, message, fields })
  const log: Log = { info: at('info'), warn: at('warn'), error: at('error') }
  return { lines, log }
}

const party = () => {
  const key = generatePrivateKey()
  return { key, address: privateKeyToAccount(key).address }
}

/** A chain, a pool with three verifiers, a DSO with 10,000 EUR of play money, and a rail. */
export async function makeWorld({
  anvil,
  verifierCount = 3,
  hasArbiter = true,
  token,
}: {
  anvil?: Anvil
  verifierCount?: number
  hasArbiter?: boolean
  /** A euro that is there already; else one of play money, with some for those who need it. */
  token?: Address
} = {}) {
  const chain = anvil ?? (await startAnvil(START))
  const named = { dso: party(), fees: party(), relayer: party(), deployer: party() }
  const parties = { ...named, arbiter: party(), challenger: party() }
  const keys = Array.from({ length: verifierCount }, party)
  const { identity } = await deployPool({
    rpcUrl: chain.url,
    timer: wallTimer,
    deployerKey: parties.deployer.key,
    verifiers: keys.map(({ address }) => address),
    quorum: 2,
    feeReceiver: parties.fees.address,
    disputeWindowSeconds: 600,
    epochWindowSeconds: 300,
    refundGraceSeconds: 120,
    heldWindowSeconds: 3600,
    ...(hasArbiter ? { arbiter: parties.arbiter.address } : {}),
    payers: [parties.dso.address],
    challengeBond: BOND,
    ...(token ? { token } : { mintTo: money(parties) }),
  })
  const attestors = keys
    .map(({ key }) => createAttestor(key, identity))
    .toSorted((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
  const clock = handClock()
  const store = createMemoryStore()
  const { lines, log } = listeningLog()
  const options = { store, clock, timer: wallTimer, log, identity, local: true }
  const open = (changes: Partial<EvmRailOptions> = {}) =>
    createEvmRail({
      ...options,
      rpcUrl: chain.url,
      signer: fileSigner(parties.relayer.key),
      ...changes,
    })
  return { chain, identity, parties, attestors, clock, store, lines, log, open }
}

const money = ({
  dso,
  challenger,
}: {
  dso: { address: Address }
  challenger: { address: Address }
}) => [
  { address: dso.address, amount: 10_000n * EUR },
  { address: challenger.address, amount: 100n * EUR },
]

export type World = Awaited<ReturnType<typeof makeWorld>>

export function journalOf(store: Store) {
  const journal = <T>(work: (chain: ChainJournal) => Promise<T>) =>
    store.transaction((tx) => work(tx.chain))
  return {
    intend: (key: string, intent: ChainIntent) => journal((chain) => chain.intend(key, intent)),
    intent: async (key: string): Promise<IntentRow> => {
      const row = await journal((chain) => chain.intent(key))
      if (row === null) throw new Error(`no intent ${key}`)
      return row
    },
    cursor: () => journal((chain) => chain.cursor()),
    async events<K extends ChainEvent['kind']>(kind: K) {
      const events = await journal((chain) => chain.events({ kind }))
      return events.filter((each): each is Extract<ChainEvent, { kind: K }> => each.kind === kind)
    },
  }
}

let salts = 0

/** A request that delivers from one hour on for half an hour. */
export function termsOf(world: World, changes: Partial<EscrowTerms> = {}): EscrowTerms {
  const at = (seconds: number) => instant((START + seconds) * 1000)
  salts += 1
  return {
    payer: world.parties.dso.address,
    amount: microEur(100n * EUR),
    deliverStart: at(3600),
    deliverEnd: at(5400),
    settleBy: at(90_000),
    verifierSetId: 1,
    termsHash: word('a'),
    salt: `0x${salts.toString(16).padStart(64, '0')}`,
    ...changes,
  }
}

export async function openIntent(world: World, terms: EscrowTerms): Promise<ChainIntent> {
  const authorisation = await signAuthorisation(world.parties.dso.key, terms, world.identity)
  return { kind: 'openRequest', terms, authorisation }
}

export function settlementOf(
  requestId: Hex,
  changes: Partial<SettlementStatement> = {},
): SettlementStatement {
  return {
    requestId,
    round: 1,
    evidenceRoot: word('b'),
    bundleHash: word('c'),
    linesRoot: word('d'),
    payoutTotal: 80n * EUR,
    feeTotal: 4n * EUR,
    heldTotal: 0n,
    deliveredWh: -1250,
    ...changes,
  }
}

/** Signed by the first so many verifiers, in ascending order of their addresses. */
export async function proposeIntent(
  world: World,
  statement: SettlementStatement,
  signers = 2,
): Promise<ChainIntent> {
  const chosen = world.attestors.slice(0, signers)
  const signatures = await Promise.all(chosen.map((each) => each.signSettlement(statement)))
  return { kind: 'proposeSettlement', statement, signatures }
}

export async function epochIntent(
  world: World,
  fields: Pick<EpochStatement, 'epoch' | 'prevRoot' | 'topHash' | 'newTotal'>,
  requestIds: readonly Hex[],
): Promise<ChainIntent> {
  const statement = { ...fields, requestIdsHash: requestIdsHash(requestIds), dataHash: word('e') }
  const chosen = world.attestors.slice(0, 2)
  const signatures = await Promise.all(chosen.map((each) => each.signEpoch(statement)))
  return { kind: 'postEpoch', statement, requestIds, signatures }
}

/** Advances until nothing new happens; at most so many rounds. */
export async function settleDown(rail: PayoutRail, rounds = 3): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await rail.advance()
}

/** Anybody's transaction, not mined yet: the node signs for whom it is told to. */
export async function sendAs(
  chain: Anvil,
  from: Address,
  to: Address | null,
  data: Hex,
): Promise<void> {
  await chain.ask('anvil_setBalance', from, '0xde0b6b3a7640000')
  await chain.ask('anvil_impersonateAccount', from)
  const gas = to === null ? '0x400000' : '0x100000'
  await chain.ask('eth_sendTransaction', { from, ...(to ? { to } : {}), data, gas })
}

/** A challenge of what is proposed, by somebody who has the bond. */
export async function sendChallenge({ chain, identity, parties }: World, requestId: Hex) {
  const { address } = parties.challenger
  const { token, pool } = identity
  const approve = { abi: testEuroAbi, functionName: 'approve', args: [pool, BOND] } as const
  await sendAs(chain, address, token, encodeFunctionData(approve))
  const challenge = { abi: flexPoolAbi, functionName: 'challenge', args: [requestId] } as const
  await sendAs(chain, address, pool, encodeFunctionData(challenge))
}

/** How many transactions an address has had mined. */
export async function minedCount(world: World, address: Hex): Promise<number> {
  return Number(await world.chain.ask('eth_getTransactionCount', address, 'latest'))
}
