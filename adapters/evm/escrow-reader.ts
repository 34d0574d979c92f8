import { hashTypedData, slice } from 'viem'
import { readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import { payoutRecipientsAbi } from '#contracts/generated/PayoutRecipients.ts'
import type { Hex } from '#domain/ids.ts'
import { requestIdOf, settlementTypedData } from '#domain/pool-messages.ts'
import type { ChainIdentity, EscrowReader, Timer } from '#ports.ts'
import { readPoolState, readRecipients } from './pool-state.ts'
import { createChainClient, plainly } from './rpc.ts'

/** What anyone can read from the pool: enough for a verifier, which holds no database. */
export function createEscrowReader(options: {
  readonly rpcUrl: string
  readonly timer: Timer
  readonly identity: ChainIdentity
}): EscrowReader {
  const { identity } = options
  const client = createChainClient(options)
  const request = (requestId: Hex) => {
    const at = { address: identity.pool, abi: flexPoolAbi } as const
    return plainly(readContract(client, { ...at, functionName: 'request', args: [requestId] }))
  }
  return {
    requestId: (terms) => requestIdOf(identity, terms),
    async escrow(requestId) {
      const found = await request(requestId)
      const { amount, payout, round } = found
      return found.state === 0 ? null : { amount, payout, round }
    },
    async isProposed(statement) {
      const { digestPrefix } = await request(statement.requestId)
      const digest = hashTypedData(settlementTypedData(identity, statement))
      return digestPrefix === slice(digest, 0, 8)
    },
    async isRecipient(account, to) {
      const list = await plainly(readRecipients(client, identity))
      const at = { address: list, abi: payoutRecipientsAbi, functionName: 'isRecipient' } as const
      return plainly(readContract(client, { ...at, args: [account, to] }))
    },
    poolState: () => plainly(readPoolState(client, identity, null)),
  }
}
