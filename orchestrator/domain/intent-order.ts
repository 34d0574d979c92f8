import type { ChainIntent } from './chain.ts'
import { roundIdOf } from './escrow.ts'
import type { SettlementStatement } from './evidence.ts'
import type { Hex } from './ids.ts'
import { type PoolDomain, requestIdOf } from './pool-messages.ts'

/** Whether carrying out one intent can make room for another one that is refused now. */
export function makesRoom(earlier: ChainIntent, later: ChainIntent, domain: PoolDomain): boolean {
  switch (later.kind) {
    case 'openRequest':
      return false
    case 'postEpoch':
      return (
        (epochOf(earlier) ?? Number.POSITIVE_INFINITY) < later.statement.epoch ||
        (earlier.kind === 'finalize' && later.requestIds.includes(earlier.requestId))
      )
    case 'activateEpoch':
    case 'payChunk': {
      const epoch = epochOf(earlier)
      if (epoch === null || earlier.kind === 'payChunk') return false
      return later.kind === 'payChunk' ? epoch <= later.epoch : epochBefore(earlier, later.epoch)
    }
    case 'withdrawCredit':
      return ['finalize', 'cancel', 'refundExpired'].includes(earlier.kind)
    default: {
      const requestId = requestOf(earlier, domain)
      if (requestId === null) return false
      const opensRest =
        later.kind === 'proposeSettlement' &&
        earlier.kind === 'finalize' &&
        isRestOf(requestId, later.statement)
      return opensRest || requestId === requestOf(later, domain)
    }
  }
}

/** A rest is named after the round that follows the one that held it; its own come later still. */
function isRestOf(heldBy: Hex, { requestId, round }: SettlementStatement): boolean {
  for (let next = 2; next <= round; next += 1) {
    if (roundIdOf(heldBy, next) === requestId) return true
  }
  return false
}

function epochBefore(earlier: ChainIntent, epoch: number): boolean {
  const own = epochOf(earlier) ?? Number.POSITIVE_INFINITY
  return own < epoch || (own === epoch && earlier.kind === 'postEpoch')
}

function epochOf(intent: ChainIntent): number | null {
  if (intent.kind === 'postEpoch') return intent.statement.epoch
  return intent.kind === 'activateEpoch' || intent.kind === 'payChunk' ? intent.epoch : null
}

function requestOf(intent: ChainIntent, domain: PoolDomain): Hex | null {
  if (intent.kind === 'openRequest') return requestIdOf(domain, intent.terms)
  if (intent.kind === 'proposeSettlement') return intent.statement.requestId
  return 'requestId' in intent ? intent.requestId : null
}
