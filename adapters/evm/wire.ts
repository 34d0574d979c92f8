import {
  decodeEventLog,
  encodeAbiParameters,
  encodeFunctionData,
  keccak256,
  stringToHex,
  type Log as ChainLog,
} from 'viem'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { EpochStatement, SettlementStatement } from '#domain/evidence.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'

/** Which pool on which chain: what every signature and every request id is bound to. */
export type PoolDomain = { readonly chainId: number; readonly pool: Address }

/** The contract counts whole seconds. @throws RangeError for an instant between two seconds. */
export function unixSeconds(at: Instant): number {
  if (at % 1000 !== 0) {
    throw new RangeError(`the chain knows whole seconds only, got ${at} ms since 1970`)
  }
  return at / 1000
}

/** The contract's RequestTerms. */
export function termsStruct(terms: EscrowTerms) {
  return {
    payer: terms.payer,
    amount: terms.amount as bigint,
    deliverStart: unixSeconds(terms.deliverStart),
    deliverEnd: unixSeconds(terms.deliverEnd),
    settleBy: unixSeconds(terms.settleBy),
    verifierSetId: terms.verifierSetId,
    termsHash: terms.termsHash,
    salt: terms.salt,
  }
}

/** The contract's Settlement. */
export function settlementStruct(statement: SettlementStatement) {
  return { ...statement, deliveredWh: BigInt(statement.deliveredWh) }
}

/** The contract's Epoch. */
export function epochStruct(statement: EpochStatement) {
  return { ...statement, epoch: BigInt(statement.epoch) }
}

const requestTag = stringToHex('FlexRequest.v1', { size: 32 })

/** What the pool calls a request with these terms: the hash of chain, pool and all terms. */
export function requestIdOf({ chainId, pool }: PoolDomain, terms: EscrowTerms): Hex {
  const t = termsStruct(terms)
  const words = ['bytes32', 'uint256', 'address', 'address', 'uint128', 'uint48', 'uint48']
  const rest = ['uint48', 'uint32', 'bytes32', 'bytes32']
  return keccak256(
    encodeAbiParameters(
      [...words, ...rest].map((type) => ({ type })),
      [
        requestTag,
        BigInt(chainId),
        pool,
        t.payer,
        t.amount,
        t.deliverStart,
        t.deliverEnd,
        t.settleBy,
        t.verifierSetId,
        t.termsHash,
        t.salt,
      ],
    ),
  )
}

/** The root that the pool builds from a posted epoch. */
export function epochRoot(statement: EpochStatement): Hex {
  return keccak256(
    encodeAbiParameters(
      [{ type: 'bytes32' }, { type: 'uint128' }],
      [statement.topHash, statement.newTotal],
    ),
  )
}

/** The call that does what the intent says. */
export function callData(intent: ChainIntent): Hex {
  const abi = flexPoolAbi
  switch (intent.kind) {
    case 'openRequest': {
      const { validAfter, validBefore, signature } = intent.authorisation
      return encodeFunctionData({
        abi,
        functionName: 'openRequestWithAuthorization',
        args: [termsStruct(intent.terms), BigInt(validAfter), BigInt(validBefore), signature],
      })
    }
    case 'cancel': {
      const args = [intent.requestId, intent.signature] as const
      return encodeFunctionData({ abi, functionName: 'cancelWithSignature', args })
    }
    case 'proposeSettlement': {
      const args = [settlementStruct(intent.statement), [...intent.signatures]] as const
      return encodeFunctionData({ abi, functionName: 'proposeSettlement', args })
    }
    case 'finalize':
    case 'refundExpired':
      return encodeFunctionData({ abi, functionName: intent.kind, args: [intent.requestId] })
    case 'postEpoch':
      return encodeFunctionData({
        abi,
        functionName: 'postEpoch',
        args: [epochStruct(intent.statement), [...intent.requestIds], [...intent.signatures]],
      })
    case 'activateEpoch':
      return encodeFunctionData({ abi, functionName: 'activateEpoch' })
    case 'payChunk': {
      const args = [BigInt(intent.first), intent.rows, [...intent.proof]] as const
      return encodeFunctionData({ abi, functionName: 'payChunk', args })
    }
    case 'withdrawCredit':
      return encodeFunctionData({ abi, functionName: 'withdrawCredit', args: [intent.account] })
  }
}

/** Bytes of one row of a chunk: the account and the cumulative amount. */
const ROW_DIGITS = 56

type PayChunk = Extract<ChainIntent, { kind: 'payChunk' }>

/** The rows of a chunk that pay somebody. */
export function chunkRows(
  intent: PayChunk,
): { index: number; account: Address; cumulative: bigint }[] {
  const digits = intent.rows.slice(2)
  const rows = []
  for (let at = 0; at < digits.length; at += ROW_DIGITS) {
    const account: Address = `0x${digits.slice(at, at + 40)}`
    const cumulative = BigInt(`0x${digits.slice(at + 40, at + ROW_DIGITS)}`)
    const index = intent.first + at / ROW_DIGITS
    if (cumulative > 0n) rows.push({ index, account, cumulative })
  }
  return rows
}

type PoolEvent = ReturnType<typeof decodeEventLog<typeof flexPoolAbi>>

/** Our words for a log of the pool; null for one that tells us nothing (EIP712DomainChanged). */
export function poolEvent(log: ChainLog<bigint, number, false>): ChainEvent | null {
  const decoded: PoolEvent = decodeEventLog({
    abi: flexPoolAbi,
    data: log.data,
    topics: log.topics,
  })
  const at = eventAt(log)
  switch (decoded.eventName) {
    case 'RequestOpened':
    case 'RequestCancelled':
    case 'RequestRefunded':
    case 'PayoutReturned': {
      const { id, amount } = decoded.args
      return { ...at, kind: decoded.eventName, requestId: id, amount }
    }
    case 'SettlementProposed': {
      const { id, bundleHash: _b, linesRoot: _l, deliveredWh: _d, ...proposed } = decoded.args
      return { ...at, kind: 'SettlementProposed', requestId: id, ...proposed }
    }
    case 'RequestFinalized': {
      const { id, ...split } = decoded.args
      return { ...at, kind: 'RequestFinalized', requestId: id, ...split }
    }
    case 'RestHeld': {
      const { id, round, ...rest } = decoded.args
      return { ...at, kind: 'RestHeld', requestId: id, round: Number(round), ...rest }
    }
    default:
      return payoutEvent(decoded, at)
  }
}

function payoutEvent(decoded: PoolEvent, at: ReturnType<typeof eventAt>): ChainEvent | null {
  switch (decoded.eventName) {
    case 'EpochPosted':
      return { ...at, kind: 'EpochPosted', ...decoded.args, epoch: Number(decoded.args.epoch) }
    case 'EpochActivated':
      return { ...at, kind: 'EpochActivated', ...decoded.args, epoch: Number(decoded.args.epoch) }
    case 'EpochRejected':
      return { ...at, kind: 'EpochRejected', epoch: Number(decoded.args.epoch) }
    case 'Paid': {
      const { idx, account, amount, epoch } = decoded.args
      return { ...at, kind: 'Paid', index: Number(idx), account, amount, epoch: Number(epoch) }
    }
    case 'PayoutDeferred': {
      const { idx, account, amount } = decoded.args
      return { ...at, kind: 'PayoutDeferred', index: Number(idx), account, amount }
    }
    case 'CreditWithdrawn':
      return { ...at, kind: 'CreditWithdrawn', ...decoded.args }
    default:
      return null
  }
}

/** Where on the chain a log stands. */
export function eventAt(log: ChainLog<bigint, number, false>) {
  return {
    transactionHash: log.transactionHash,
    logIndex: log.logIndex,
    block: Number(log.blockNumber),
    blockHash: log.blockHash,
  }
}
