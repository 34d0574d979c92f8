import { getBlock } from 'viem/actions'
import type { Timer } from '#ports.ts'
import { createChainClient } from './rpc.ts'

/** The newest block's time in milliseconds: how fresh the chain is. */
export async function readHeadTime(world: { rpcUrl: string; timer: Timer }): Promise<number> {
  const block = await getBlock(createChainClient(world))
  return Number(block.timestamp) * 1000
}
