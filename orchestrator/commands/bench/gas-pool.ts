import { encodeFunctionData, keccak256, numberToHex, stringToHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { deployPool } from '#adapters/evm/deploy.ts'
import { signAuthorisation } from '#adapters/evm/dso-signing.ts'
import { callData } from '#adapters/evm/wire.ts'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { ChainIntent } from '#domain/chain.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import {
  buildPayoutTree,
  CHUNK_LEAVES_MIN,
  type PayoutLeaf,
  type PayoutTree,
  requestIdsHash,
  ZERO_ACCOUNT,
} from '#domain/payout-tree.ts'
import { requestIdOf } from '#domain/pool-messages.ts'
import { instant } from '#domain/time.ts'
import type { Timer } from '#ports.ts'
import type { Call, GasChain, GasEuro } from './gas-chain.ts'

/** Gas of each transaction of some calls that are paid together; nothing is left out. */
export type EpochGas = {
  readonly open: readonly number[]
  readonly propose: readonly number[]
  readonly finalise: readonly number[]
  readonly post: number
  readonly activate: number
  /** One for each chunk of leaves. */
  readonly pay: readonly number[]
}

/** A programme whose calls each give every payee the same. */
export type GasPool = {
  /** Carries calls from their opening to their payees' money. */
  runEpoch(calls: number): Promise<EpochGas>
  /** The same without payment, which then happens one claim at a time. */
  runUnpaidEpoch(calls: number): Promise<void>
  /** What the payee at an index, or anyone for him, sends to be paid. */
  claim(index: number): Call
  withdrawCredits(): Promise<number[]>
}

const VERIFIERS = 5
const QUORUM = 3
const WINDOW_S = 3_600
const CHUNK_ROWS = 256
/** What one call gives one payee, and what beside it is fee and goes back; micro-EUR. */
export const SHARE = 1_000_000n
const FEE = 20_000n
const REFUND = 500_000n
export const PLAY_MONEY = 10n ** 15n

/** The payees of a programme: addresses with few zero bytes, as real ones are. */
export function payeesOf(programme: string, count: number): Address[] {
  return Array.from({ length: count }, (_, index): Address => {
    return `0x${keccak256(stringToHex(`${programme} ${index}`)).slice(26)}`
  })
}

/** Deploys the product's contracts for some payees of a euro; three of five verifiers sign. */
export async function createGasPool(
  chain: GasChain,
  timer: Timer,
  euro: GasEuro,
  payees: readonly Address[],
): Promise<GasPool> {
  const verifiers = Array.from({ length: VERIFIERS }, () => keyPair()).toSorted(byAddress)
  const { key: payerKey, address: payer } = keyPair()
  const { address: feeReceiver } = keyPair()
  const { identity } = await deployPool({
    rpcUrl: chain.rpcUrl,
    timer,
    deployerKey: generatePrivateKey(),
    verifiers: verifiers.map(({ address }) => address),
    quorum: QUORUM,
    feeReceiver,
    disputeWindowSeconds: WINDOW_S,
    epochWindowSeconds: WINDOW_S,
    refundGraceSeconds: 0,
    heldWindowSeconds: WINDOW_S,
    payers: [payer],
    token: euro.address,
  })
  await euro.mint(payer, PLAY_MONEY)
  const signers = verifiers.slice(0, QUORUM).map(({ key }) => createAttestor(key, identity))
  const payout = SHARE * BigInt(payees.length)
  let salts = 0
  let epoch = 0
  let cumulative = 0n
  let tree: PayoutTree | null = null

  const sendAll = (intents: readonly ChainIntent[]) =>
    chain.send(intents.map((intent) => ({ to: identity.pool, data: callData(intent) })))

  async function openCalls(count: number) {
    const start = chain.now() + 3_600
    const all = Array.from({ length: count }, (_, i) => termsOf(payer, payout, start, salts + i))
    salts += count
    const intents = await Promise.all(
      all.map(async (terms): Promise<ChainIntent> => {
        const authorisation = await signAuthorisation(payerKey, terms, identity)
        return { kind: 'openRequest', terms, authorisation }
      }),
    )
    const open = await sendAll(intents)
    chain.passUntil(start + 900)
    return { open, ids: all.map((terms) => requestIdOf(identity, terms)) }
  }

  async function settle(ids: readonly Hex[]) {
    const intents = await Promise.all(
      ids.map(async (requestId): Promise<ChainIntent> => {
        const statement = {
          requestId,
          round: 1,
          evidenceRoot: keccak256(`${requestId}01`),
          bundleHash: keccak256(`${requestId}02`),
          linesRoot: keccak256(`${requestId}03`),
          payoutTotal: payout,
          feeTotal: FEE,
          heldTotal: 0n,
          deliveredWh: 1_000,
        }
        const signatures = await Promise.all(signers.map((one) => one.signSettlement(statement)))
        return { kind: 'proposeSettlement', statement, signatures }
      }),
    )
    const propose = await sendAll(intents)
    chain.passUntil(chain.now() + WINDOW_S)
    return {
      propose,
      finalise: await sendAll(ids.map((id) => ({ kind: 'finalize', requestId: id }))),
    }
  }

  async function post(ids: readonly Hex[]) {
    cumulative += SHARE * BigInt(ids.length)
    const next = buildPayoutTree(leavesOf(payees, cumulative))
    const statement = {
      epoch: ++epoch,
      prevRoot: tree?.root ?? (`0x${'00'.repeat(32)}` as const),
      topHash: next.topHash,
      newTotal: next.total,
      requestIdsHash: requestIdsHash(ids),
      dataHash: keccak256(next.topHash),
    }
    const signatures = await Promise.all(signers.map((one) => one.signEpoch(statement)))
    const [posted = 0] = await sendAll([
      { kind: 'postEpoch', statement, requestIds: ids, signatures },
    ])
    chain.passUntil(chain.now() + WINDOW_S)
    const [activate = 0] = await sendAll([{ kind: 'activateEpoch', epoch }])
    tree = next
    return { post: posted, activate }
  }

  async function upToActive(calls: number) {
    const { open, ids } = await openCalls(calls)
    return { open, ...(await settle(ids)), ...(await post(ids)) }
  }

  return {
    async runEpoch(calls) {
      const steps = await upToActive(calls)
      if (tree === null) throw new Error('there is no tree to pay from')
      return { ...steps, pay: await sendAll(chunksOf(tree, epoch, payees.length)) }
    },
    async runUnpaidEpoch(calls) {
      await upToActive(calls)
    },
    claim(index) {
      if (tree === null) throw new Error('there is no tree to claim from')
      const account = payees[index] ?? ZERO_ACCOUNT
      const args = [BigInt(index), account, cumulative, tree.proof(index)] as const
      const data = encodeFunctionData({ abi: flexPoolAbi, functionName: 'claim', args })
      return { to: identity.pool, data }
    },
    withdrawCredits: () =>
      sendAll([feeReceiver, payer].map((account) => ({ kind: 'withdrawCredit', account }))),
  }
}

function keyPair() {
  const key = generatePrivateKey()
  return { key, address: privateKeyToAccount(key).address }
}

/** As the pool wants signatures. */
function byAddress(a: { address: Address }, b: { address: Address }): number {
  return BigInt(a.address) < BigInt(b.address) ? -1 : 1
}

function termsOf(payer: Address, payout: bigint, start: number, salt: number): EscrowTerms {
  return {
    payer,
    amount: microEur(payout + FEE + REFUND),
    deliverStart: instant(start * 1_000),
    deliverEnd: instant((start + 900) * 1_000),
    settleBy: instant((start + 86_400) * 1_000),
    verifierSetId: 1,
    termsHash: keccak256(numberToHex(salt, { size: 32 })),
    salt: numberToHex(salt, { size: 32 }),
  }
}

function leavesOf(payees: readonly Address[], cumulative: bigint): PayoutLeaf[] {
  return payees.map((account, index) => ({ index, account, cumulative }))
}

function chunksOf(tree: PayoutTree, epoch: number, payees: number): ChainIntent[] {
  const size = Math.min(CHUNK_ROWS, Math.max(CHUNK_LEAVES_MIN, 2 ** tree.depth))
  const firsts = Array.from({ length: Math.ceil(payees / size) }, (_, i) => i * size)
  return firsts.map((first) => ({ kind: 'payChunk', epoch, ...tree.chunk(first, size) }))
}
