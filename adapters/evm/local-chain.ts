import { getBlock, getBalance } from 'viem/actions'
import { numberToHex } from 'viem'
import type { Address } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'
import type { ChainClient } from './rpc.ts'

/** Methods that only a local development chain has (anvil), beside the usual ones. */
function ask(client: ChainClient, method: string, params: unknown[] = []): Promise<unknown> {
  type Request = (args: { method: string; params: unknown[] }) => Promise<unknown>
  return (client.request as Request)({ method, params })
}

/** Whether we are the ones who mine: play money and business time. */
export async function isLocalChain(client: ChainClient): Promise<boolean> {
  return /^anvil\//i.test(String(await ask(client, 'web3_clientVersion')))
}

/**
 * Mines one block that carries business time. Time never goes back: where business time is behind
 * the chain, the block takes its parent's time. Does nothing where no transaction waits and the
 * chain lags by no more than the seconds that are allowed: anvil writes its whole state again and
 * again, so a block for every idle second would drown it within hours.
 */
export async function mine(client: ChainClient, now: Instant, lagSeconds: number): Promise<void> {
  const latest = Number((await getBlock(client)).timestamp)
  const business = Math.floor(now / 1000)
  if (business <= latest + lagSeconds) {
    const { pending } = (await ask(client, 'txpool_status')) as { pending: string }
    if (Number(pending) === 0) return
  }
  await ask(client, 'evm_setNextBlockTimestamp', [Math.max(business, latest)])
  await ask(client, 'evm_mine')
}

/** 1,000 ether of play gas for an address that has less than half of it. */
export async function fundGas(client: ChainClient, address: Address): Promise<void> {
  const plenty = 10n ** 21n
  if ((await getBalance(client, { address })) >= plenty / 2n) return
  await ask(client, 'anvil_setBalance', [address, numberToHex(plenty)])
}
