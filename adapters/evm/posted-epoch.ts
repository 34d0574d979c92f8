import { decodeFunctionData, isAddressEqual } from 'viem'
import { getTransaction } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { payoutRoot, requestIdsHash } from '#domain/payout-tree.ts'
import type { PostedEpoch } from '#ports.ts'
import { nullIfMissing } from './receipts.ts'
import type { ChainClient } from './rpc.ts'

/**
 * What the pool was told when an epoch was posted, read from the transaction itself and checked
 * against the root that the pool kept. null: the node does not know it, it went through another
 * contract, or it says something else.
 */
export async function readPostedEpoch(
  client: ChainClient,
  pool: Address,
  { transactionHash, root }: { readonly transactionHash: Hex; readonly root: Hex },
): Promise<PostedEpoch | null> {
  const found = await nullIfMissing(getTransaction(client, { hash: transactionHash }))
  if (!found?.to || !isAddressEqual(found.to, pool)) return null
  const call = decoded(found.input)
  if (call?.functionName !== 'postEpoch') return null
  const [told, requestIds] = call.args
  const statement = { ...told, epoch: Number(told.epoch) }
  const isWhole =
    payoutRoot(statement.topHash, statement.newTotal) === root &&
    requestIdsHash(requestIds) === statement.requestIdsHash
  return isWhole ? { statement, requestIds } : null
}

function decoded(data: Hex) {
  try {
    return decodeFunctionData({ abi: flexPoolAbi, data })
  } catch {
    return null // not a call of the pool's: nothing that we can read
  }
}
