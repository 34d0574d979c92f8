import { createPublicClient, http, parseAbiItem } from 'viem'
import type { Hex } from '#domain/ids.ts'

const TRANSFER = parseAbiItem(
  'event Transfer(address indexed from, address indexed to, uint256 value)',
)

/** What the token itself says went into the pool and out of it: the one witness of all money. */
export async function tokenFlows(
  rpcUrl: string,
  token: string,
  pool: string,
): Promise<{ in: bigint; out: bigint; balance: bigint }> {
  const client = createPublicClient({ transport: http(rpcUrl, { timeout: 10_000 }) })
  const logs = await client.getLogs({
    address: token as Hex,
    event: TRANSFER,
    fromBlock: 0n,
    toBlock: 'latest',
  })
  const isPool = (address: string | undefined) => address?.toLowerCase() === pool.toLowerCase()
  let into = 0n
  let out = 0n
  for (const { args } of logs) {
    if (isPool(args.to)) into += args.value ?? 0n
    if (isPool(args.from)) out += args.value ?? 0n
  }
  return { in: into, out, balance: into - out }
}
