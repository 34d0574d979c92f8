import { getFeeHistory } from 'viem/actions'
import type { ChainClient } from './rpc.ts'

/** EIP-1559 fees in wei per gas. */
export type Fees = { readonly maxFeePerGas: bigint; readonly maxPriorityFeePerGas: bigint }

/** Enough for a block producer to prefer us over nothing where nobody pays a tip. */
const TIP_MIN = 1_000_000n

/**
 * Twice the next base fee, which six full blocks in a row cannot pass, and the median tip of the
 * last blocks; never above the cap.
 */
export async function currentFees(client: ChainClient, maxFeeCap: bigint): Promise<Fees> {
  const history = await getFeeHistory(client, { blockCount: 5, rewardPercentiles: [50] })
  const baseFee = history.baseFeePerGas.at(-1) ?? 0n
  const tips = (history.reward ?? []).map(([tip]) => tip ?? 0n)
  const tip = tips.reduce((most, each) => (each > most ? each : most), TIP_MIN)
  return capped({ maxFeePerGas: 2n * baseFee + tip, maxPriorityFeePerGas: tip }, maxFeeCap)
}

/**
 * What replaces a waiting transaction: both fees an eighth and 1 wei higher (nodes ask for a
 * tenth, rounded up), or today's where that is more. null if the cap leaves no room.
 */
export function raisedFees(last: Fees, current: Fees, maxFeeCap: bigint): Fees | null {
  const raise = (fee: bigint, now: bigint) => {
    const raised = fee + fee / 8n + 1n
    return raised > now ? raised : now
  }
  const maxFeePerGas = raise(last.maxFeePerGas, current.maxFeePerGas)
  const maxPriorityFeePerGas = raise(last.maxPriorityFeePerGas, current.maxPriorityFeePerGas)
  return maxFeePerGas > maxFeeCap ? null : { maxFeePerGas, maxPriorityFeePerGas }
}

function capped({ maxFeePerGas, maxPriorityFeePerGas }: Fees, cap: bigint): Fees {
  const least = (fee: bigint) => (fee < cap ? fee : cap)
  return { maxFeePerGas: least(maxFeePerGas), maxPriorityFeePerGas: least(maxPriorityFeePerGas) }
}
