import { decodeEventLog } from 'viem'
import { payoutRecipientsAbi } from '#contracts/generated/PayoutRecipients.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import type { ChainEvent } from '#domain/chain.ts'
import type { MinedLog } from './receipts.ts'
import { eventAt } from './wire.ts'

const abi = [...payoutRecipientsAbi, ...verifierRegistryAbi] as const

/** Our words for a log of the two lists that a pool reads; null for one that tells us nothing. */
export function listEvent(log: MinedLog): ChainEvent | null {
  const { eventName, args } = decodeEventLog({ abi, data: log.data, topics: log.topics })
  const at = eventAt(log)
  switch (eventName) {
    case 'RecipientAnnounced':
    case 'RecipientCancelled':
      return { ...at, kind: eventName, ...args } as ChainEvent
    case 'VerifierEquivocated':
      return { ...at, kind: eventName, ...args }
    default:
      return null
  }
}
