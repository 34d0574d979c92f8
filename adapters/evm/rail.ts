import { hashTypedData, isAddressEqual, parseAbi } from 'viem'
import { getCode, readContract } from 'viem/actions'
import { DomainError } from '#domain/errors.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { Address, Hex } from '#domain/ids.ts'
import {
  type PoolDomain,
  type TypedData,
  type Validity,
  asPlainJson,
  authorisationTypedData,
  cancellationTypedData,
  epochTypedData,
  openingTypedData,
  requestIdOf,
  settlementTypedData,
  unixSeconds,
  usualValidity,
} from '#domain/pool-messages.ts'
import type {
  ChainIdentity,
  Clock,
  Log,
  PayoutRail,
  SoleRight,
  Timer,
  TransactionSigner,
} from '#ports.ts'
import type { Store } from '#store-ports.ts'
import type { JournalAccess } from './effects.ts'
import { requireChainId, requireHistory, requireIdentity } from './identity.ts'
import { type Confirmations, Indexer } from './indexer.ts'
import { fundGas, mine } from './local-chain.ts'
import { type Funding, hasBalance, mayPull, permitOf, readFunding } from './funding.ts'
import { readPostedEpoch } from './posted-epoch.ts'
import { readParties, readRecipients, readPoolState } from './pool-state.ts'
import { type ChainClient, createChainClient, plainly, unwrapped } from './rpc.ts'
import { Notes } from './notes.ts'
import { Sender } from './sender.ts'
import { Transactions } from './transactions.ts'
import { recoverSigner } from './typed-data.ts'

export type EvmRailOptions = {
  readonly rpcUrl: string
  readonly store: Store
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly identity: ChainIdentity
  /** Pays gas and has no right that anybody else lacks. */
  readonly signer: TransactionSigner
  /** Held while this process sends and reads; without one there is no other process. */
  readonly soleRight?: SoleRight
  /** Whether new epochs may be posted now. Default: always. */
  readonly mayPost?: () => Promise<boolean>
  /** A chain of our own: we mine it, with business time, and everything counts at once. */
  readonly local: boolean
  /** Of a chain that is not ours: what counts as final. Default 'finalized'. */
  readonly confirmations?: Confirmations
  /** A block before the pool's first event, so that older ones need not be read. Default 0. */
  readonly startBlock?: number
  /** Wei per gas that is paid at most. Default 500 gwei. */
  readonly maxFeeCap?: bigint
  /** Wall time for one attempt of a request, and for all of them; default 8 s and 20 s. */
  readonly attemptMs?: number
  readonly requestMs?: number
  /** Blocks after which a waiting transaction is sent again with higher fees. Default 12. */
  readonly raiseAfterBlocks?: number
}

/** How far an idle chain of ours may lag behind business time. */
const IDLE_LAG_SECONDS = 60

/**
 * The PayoutRail port on an EVM chain.
 * @throws Error in one sentence if the chain is not the one that the database belongs to
 */
export async function createEvmRail(options: EvmRailOptions): Promise<PayoutRail> {
  return plainly(buildRail(createChainClient(options), options))
}

async function buildRail(client: ChainClient, options: EvmRailOptions): Promise<PayoutRail> {
  const { store, identity, local, clock } = options
  const journal: JournalAccess = (work) => store.transaction((tx) => work(tx.chain))
  const remembered = await journal((chain) => chain.identity())
  await requireIdentity(client, identity, remembered)
  if (local) await resumeLocal(client, journal, options.log)
  if (remembered === null) await journal((chain) => chain.identify(identity))

  const { signer } = options
  if (local) await fundGas(client, signer.address)
  const parties = await readParties(client, identity, signer.address)
  const funding = await readFunding(client, identity)
  const confirmations = options.confirmations ?? (local ? 0 : 'finalized')
  const startBlock = options.startBlock ?? 0
  const indexer = new Indexer({
    ...options,
    client,
    recipients: await readRecipients(client, identity),
    journal,
    confirmations,
    startBlock,
  })
  const maxFeeCap = options.maxFeeCap ?? 500_000_000_000n
  const domain: PoolDomain = { chainId: identity.chainId, pool: identity.pool }
  const transactions = new Transactions({ client, signer, ...domain, maxFeeCap })
  const raiseAfterBlocks = options.raiseAfterBlocks ?? 12
  const notes = new Notes()
  const turn = createTurn(options, notes)
  const { requireSole } = turn
  const own = { client, relayer: signer.address, domain, transactions, journal, raiseAfterBlocks }
  const sender = new Sender({
    ...options,
    ...own,
    fundingWay: funding.way,
    notes,
    requireSole,
    recordLogs: (receipt) => indexer.recordLogs(receipt),
  })

  async function advance(): Promise<{ newEvents: number }> {
    if (!(await turn.isOurs())) return { newEvents: 0 }
    await requireChainId(client, identity)
    // Simulations see the time of the last block, so it must be now wherever one is due.
    if (local) await mine(client, clock.now(), (await sender.isDue()) ? 0 : IDLE_LAG_SECONDS)
    const { confirmed, newEvents } = await indexer.catchUp()
    const underWay = await sender.round(confirmed)
    if (!local || underWay === 0) return { newEvents }
    // What was just sent is mined and read in the same round: nobody else would mine it.
    await mine(client, clock.now(), 0)
    const after = await indexer.catchUp()
    await sender.round(after.confirmed)
    return { newEvents: newEvents + after.newEvents }
  }

  let running: Promise<{ newEvents: number }> | null = null

  return {
    parties,
    ...signatures(client, identity, funding, clock),
    requestId: (terms) => requestIdOf(domain, terms),
    /** A call while a round runs joins it: two senders would allot the same nonce. */
    advance() {
      running ??= plainly(advance()).finally(() => {
        running = null
      })
      return running
    },
    postedEpoch: (post) => plainly(readPostedEpoch(client, identity.pool, post)),
    readAgain: () => plainly(indexer.readAgain()),
    async poolState() {
      const read = await journal((chain) => chain.cursor())
      return plainly(readPoolState(client, identity, read?.block ?? null))
    },
  }
}

/** Whose turn it is to send and read: this process's, or that of another one on the same database. */
function createTurn({ soleRight, log }: EvmRailOptions, notes: Notes) {
  const hold = async () => soleRight === undefined || (await soleRight.hold())
  let was: boolean | null = soleRight === undefined ? true : null
  return {
    async isOurs(): Promise<boolean> {
      const is = await hold()
      if (is !== was) {
        notes.clear()
        log.info(is ? 'chain: this process sends' : 'chain: another process sends, this one waits')
      }
      was = is
      return is
    },
    async requireSole(): Promise<void> {
      if (await hold()) return
      throw new DomainError('unavailable', 'another process sends to the chain now')
    },
  }
}

/** A local chain whose process was killed may lack its last blocks, as long as they were empty. */
async function resumeLocal(client: ChainClient, journal: JournalAccess, log: Log) {
  const cursor = await journal((chain) => chain.cursor())
  if (cursor === null) return
  const back = await requireHistory(client, cursor, () => journal((chain) => chain.events()))
  if (back === null) return
  await journal((chain) => chain.rewind(back))
  log.warn('chain: lost its last blocks, which were empty', { from: cursor.block, to: back.block })
}

/** What parties sign, and whether they did. */
function signatures(client: ChainClient, identity: ChainIdentity, funding: Funding, clock: Clock) {
  const domain: PoolDomain = { chainId: identity.chainId, pool: identity.pool }
  const fundingData = (terms: EscrowTerms, validity: Validity): TypedData =>
    funding.way === 'authorisation'
      ? authorisationTypedData(funding.token, domain, terms, validity)
      : openingTypedData(domain, requestIdOf(domain, terms))
  /** By a key, or by a contract that says so itself (ERC-1271): payers may be either. */
  async function signedBy(data: TypedData, payer: Address, signature: Hex) {
    const signer = await recoverSigner(data, signature)
    if (signer !== null && isAddressEqual(signer, payer)) return true
    return plainly(contractAccepts(client, payer, hashTypedData(data), signature))
  }
  return {
    authorisationToSign: (terms) => asPlainJson(fundingData(terms, usualValidity(terms))),
    async permitToSign({ payer, amount, deliverStart }) {
      const want = { payer, amount, deadline: unixSeconds(deliverStart) }
      const data = await plainly(permitOf(client, funding, identity, want))
      return data === null ? null : asPlainJson(data)
    },
    cancellationToSign: (requestId) => asPlainJson(cancellationTypedData(domain, requestId)),
    settlementToSign: (statement) => asPlainJson(settlementTypedData(domain, statement)),
    async verifyAuthorisation(terms, { validAfter, validBefore, signature, permit = null }) {
      if (validBefore * 1000 <= clock.now()) return false
      const { payer, amount } = terms
      if (!(await signedBy(fundingData(terms, { validAfter, validBefore }), payer, signature))) {
        return false
      }
      if (!(await plainly(hasBalance(client, identity, { payer, amount })))) return false
      if (funding.way === 'authorisation') return true
      const isInTime = permit !== null && permit.deadline * 1000 > clock.now()
      const usable = isInTime ? permit : null
      return plainly(mayPull(client, funding, identity, { payer, amount, permit: usable }))
    },
    verifyCancellation: (requestId, payer, signature) =>
      signedBy(cancellationTypedData(domain, requestId), payer, signature),
    settlementSigner: (statement, signature) =>
      recoverSigner(settlementTypedData(domain, statement), signature),
    epochSigner: (statement, signature) =>
      recoverSigner(epochTypedData(domain, statement), signature),
  } satisfies Partial<PayoutRail>
}

const erc1271Abi = parseAbi(['function isValidSignature(bytes32, bytes) view returns (bytes4)'])

/** Asks as the token and the pool do; a contract that reverts has not accepted. */
async function contractAccepts(client: ChainClient, payer: Address, hash: Hex, signature: Hex) {
  if (((await getCode(client, { address: payer })) ?? '0x') === '0x') return false
  try {
    const at = { address: payer, abi: erc1271Abi, functionName: 'isValidSignature' } as const
    return (await readContract(client, { ...at, args: [hash, signature] })) === '0x1626ba7e'
  } catch (error) {
    if (unwrapped(error) instanceof DomainError) throw error
    return false
  }
}
