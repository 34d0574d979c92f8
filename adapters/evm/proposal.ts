import { getChainId, getLogs } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { ChainIdentity, Timer } from '#ports.ts'
import { createChainClient } from './rpc.ts'

export type Proposal = {
  /** Chain and pool: enough to recompute the request id. */
  readonly identity: ChainIdentity
  readonly amount: bigint
  readonly evidenceRoot: Hex
  readonly bundleHash: Hex
  readonly payoutTotal: bigint
  readonly feeTotal: bigint
  readonly heldTotal: bigint
}

/**
 * What was proposed to a pool in one round of a request or of a held rest, from its logs; without a round,
 * or where that one is not there, of the last. @throws Error if nothing was
 */
export async function readProposal(options: {
  readonly rpcUrl: string
  readonly timer: Timer
  readonly pool: Address
  readonly requestId: Hex
  readonly round?: number
}): Promise<Proposal> {
  const { pool, requestId, round } = options
  const client = createChainClient(options)
  const all = { address: pool, fromBlock: 0n, toBlock: 'latest' } as const
  const event = <N extends 'RequestOpened' | 'SettlementProposed' | 'RestHeld'>(name: N) =>
    flexPoolAbi.find((item) => item.type === 'event' && item.name === name) as Extract<
      (typeof flexPoolAbi)[number],
      { type: 'event'; name: N }
    >
  const args = { id: requestId }
  const [opened] = await getLogs(client, { ...all, event: event('RequestOpened'), args })
  const rest = { restId: requestId }
  const [held] = await getLogs(client, { ...all, event: event('RestHeld'), args: rest })
  const proposals = await getLogs(client, { ...all, event: event('SettlementProposed'), args })
  const mine = proposals.find((log) => (log.args as { round: number }).round === round)
  const proposed = mine ?? proposals.at(-1)
  const begun = opened ?? held
  if (!begun || !proposed) throw new Error(`nothing was proposed to ${pool} for ${requestId}`)
  const { amount } = begun.args as { amount: bigint }
  const money = proposed.args as {
    evidenceRoot: Hex
    bundleHash: Hex
    payoutTotal: bigint
    feeTotal: bigint
    heldTotal: bigint
  }
  const chainId = await getChainId(client)
  const unused = pool // only chain and pool are bound by a request id
  const identity: ChainIdentity = {
    chainId,
    pool,
    genesisHash: '0x',
    token: unused,
    registry: unused,
    feeReceiver: unused,
  }
  const { evidenceRoot, bundleHash, payoutTotal, feeTotal, heldTotal } = money
  return { identity, amount, evidenceRoot, bundleHash, payoutTotal, feeTotal, heldTotal }
}
