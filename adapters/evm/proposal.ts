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

/** What was proposed to a pool for a request, from its logs. @throws Error if nothing was */
export async function readProposal(options: {
  readonly rpcUrl: string
  readonly timer: Timer
  readonly pool: Address
  readonly requestId: Hex
}): Promise<Proposal> {
  const { pool, requestId } = options
  const client = createChainClient(options)
  const all = { address: pool, fromBlock: 0n, toBlock: 'latest' } as const
  const event = <N extends 'RequestOpened' | 'SettlementProposed'>(name: N) =>
    flexPoolAbi.find((item) => item.type === 'event' && item.name === name) as Extract<
      (typeof flexPoolAbi)[number],
      { type: 'event'; name: N }
    >
  const args = { id: requestId }
  const [opened] = await getLogs(client, { ...all, event: event('RequestOpened'), args })
  const proposals = await getLogs(client, { ...all, event: event('SettlementProposed'), args })
  const proposed = proposals.at(-1)
  if (!opened || !proposed) throw new Error(`nothing was proposed to ${pool} for ${requestId}`)
  const { amount } = opened.args as { amount: bigint }
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
