import { readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { ChainIdentity, EscrowReader, Timer } from '#ports.ts'
import { readPoolState } from './pool-state.ts'
import { createChainClient } from './rpc.ts'
import { requestIdOf } from './wire.ts'

/** What anyone can read from the pool: enough for a verifier, which holds no database. */
export function createEscrowReader(options: {
  readonly rpcUrl: string
  readonly timer: Timer
  readonly identity: ChainIdentity
}): EscrowReader {
  const { identity } = options
  const client = createChainClient(options)
  return {
    requestId: (terms) => requestIdOf(identity, terms),
    async escrow(requestId) {
      const found = await readContract(client, {
        address: identity.pool,
        abi: flexPoolAbi,
        functionName: 'request',
        args: [requestId],
      })
      return found.state === 0 ? null : { amount: found.amount, payout: found.payout }
    },
    poolState: () => readPoolState(client, identity, null),
  }
}
