import { readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { ChainIdentity, EscrowReader, Timer } from '#ports.ts'
import { readPoolState } from './pool-state.ts'
import { createChainClient, plainly } from './rpc.ts'
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
      const at = { address: identity.pool, abi: flexPoolAbi } as const
      const asked = readContract(client, { ...at, functionName: 'request', args: [requestId] })
      const found = await plainly(asked)
      const { amount, payout, round } = found
      return found.state === 0 ? null : { amount, payout, round }
    },
    poolState: () => plainly(readPoolState(client, identity, null)),
  }
}
