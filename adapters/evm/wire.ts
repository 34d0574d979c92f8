import {
  decodeEventLog,
  encodeFunctionData,
  type Log as ChainLog,
  parseSignature,
  zeroHash,
} from 'viem'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { Authorisation } from '#domain/escrow.ts'
import type { Hex } from '#domain/ids.ts'
import { epochStruct, settlementStruct, termsStruct } from '#domain/pool-messages.ts'
import type { FundingWay } from './funding.ts'

/** The call that does what the intent says; an opening as the pool's token wants it. */
export function callData(intent: ChainIntent, way: FundingWay = 'authorisation'): Hex {
  const abi = flexPoolAbi
  switch (intent.kind) {
    case 'openRequest':
      return openingData(intent, way)
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

function openingData(
  { terms, authorisation }: Extract<ChainIntent, { kind: 'openRequest' }>,
  way: FundingWay,
): Hex {
  const { validAfter, validBefore, signature } = authorisation
  if (way === 'authorisation') {
    return encodeFunctionData({
      abi: flexPoolAbi,
      functionName: 'openRequestWithAuthorization',
      args: [termsStruct(terms), BigInt(validAfter), BigInt(validBefore), signature],
    })
  }
  return encodeFunctionData({
    abi: flexPoolAbi,
    functionName: 'openRequestWithSignature',
    args: [termsStruct(terms), signature, permitStruct(authorisation)],
  })
}

/** The contract's Permit: all zero where the payer's allowance is enough. */
function permitStruct({ permit }: Authorisation) {
  if (!permit) return { value: 0n, deadline: 0n, v: 0, r: zeroHash, s: zeroHash }
  const { r, s, yParity } = parseSignature(permit.signature)
  const { value, deadline } = permit
  return { value, deadline: BigInt(deadline), v: 27 + yParity, r, s }
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
    case 'RequestOpened': {
      const { id, payer, amount } = decoded.args
      return { ...at, kind: 'RequestOpened', requestId: id, payer, amount }
    }
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
      return challengeEvent(decoded, at) ?? payoutEvent(decoded, at)
  }
}

function challengeEvent(decoded: PoolEvent, at: ReturnType<typeof eventAt>): ChainEvent | null {
  switch (decoded.eventName) {
    case 'SettlementChallenged': {
      const { id, challenger, asked: amount, bond } = decoded.args
      return { ...at, kind: 'SettlementChallenged', requestId: id, challenger, amount, bond }
    }
    case 'BondReturned':
    case 'BondForfeited': {
      const { id, ...stake } = decoded.args
      return { ...at, kind: decoded.eventName, requestId: id, ...stake }
    }
    default:
      return null
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
