import { createPublicClient, http, isAddressEqual, parseAbi } from 'viem'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { Hex } from '#domain/ids.ts'

const tokenAbi = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])

export type Witness = {
  /** Request ids in the order in which escrows were opened, each as often as it was. */
  readonly opened: readonly string[]
  readonly refunded: readonly string[]
  readonly cancelled: readonly { readonly id: string; readonly amount: bigint }[]
  readonly proposed: readonly string[]
  readonly paid: readonly { readonly epoch: number; readonly index: number; amount: bigint }[]
  readonly withdrawn: bigint
  /** By the token's own Transfer logs. */
  readonly into: bigint
  readonly out: bigint
  readonly balance: bigint
}

/** What pool and token say themselves, read from the chain with nothing of the product. */
export async function witnessChain(rpcUrl: string, pool: string): Promise<Witness> {
  const client = createPublicClient({ transport: http(rpcUrl, { timeout: 20_000 }) })
  const address = pool as Hex
  const all = { address, abi: flexPoolAbi, fromBlock: 0n, toBlock: 'latest' } as const
  const opened = await client.getContractEvents({ ...all, eventName: 'RequestOpened' })
  const refunded = await client.getContractEvents({ ...all, eventName: 'RequestRefunded' })
  const cancelled = await client.getContractEvents({ ...all, eventName: 'RequestCancelled' })
  const proposed = await client.getContractEvents({ ...all, eventName: 'SettlementProposed' })
  const paid = await client.getContractEvents({ ...all, eventName: 'Paid' })
  const withdrawn = await client.getContractEvents({ ...all, eventName: 'CreditWithdrawn' })
  const token = await client.readContract({ address, abi: flexPoolAbi, functionName: 'token' })
  const transfers = await client.getContractEvents({
    ...all,
    address: token,
    abi: tokenAbi,
    eventName: 'Transfer',
  })
  const flow = (side: 'from' | 'to') =>
    transfers
      .filter(({ args }) => args[side] !== undefined && isAddressEqual(args[side], address))
      .reduce((sum, { args }) => sum + (args.value ?? 0n), 0n)
  const args = [address] as const
  return {
    opened: opened.map(({ args: { id } }) => String(id)),
    refunded: refunded.map(({ args: { id } }) => String(id)),
    cancelled: cancelled.map(({ args: { id, amount = 0n } }) => ({ id: String(id), amount })),
    proposed: proposed.map(({ args: { id } }) => String(id)),
    paid: paid.map(({ args: { epoch, idx, amount = 0n } }) => {
      return { epoch: Number(epoch), index: Number(idx), amount }
    }),
    withdrawn: withdrawn.reduce((sum, { args: { amount = 0n } }) => sum + amount, 0n),
    into: flow('to'),
    out: flow('from'),
    balance: await client.readContract({
      address: token,
      abi: tokenAbi,
      functionName: 'balanceOf',
      args,
    }),
  }
}
