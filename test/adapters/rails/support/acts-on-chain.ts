import { type Abi, encodeFunctionData, parseAbi } from 'viem'
import { mine } from '#adapters/evm/local-chain.ts'
import { refusalOf } from '#adapters/evm/refusal.ts'
import { createChainClient } from '#adapters/evm/rpc.ts'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { PoolAct } from '#domain/pool-acts.ts'
import { settlementStruct } from '#domain/pool-messages.ts'
import type { ChainIdentity, Clock } from '#ports.ts'
import type { Anvil } from '../../evm/support/anvil.ts'
import { wallTimer } from '../../evm/support/world.ts'

type Sent = { readonly from: Address; readonly to: Address; readonly data: Hex }

/** Who has a right on the chain that nobody else has; anybody does the rest. */
export type Officers = {
  readonly admin: Address
  readonly guardian: Address
  readonly anybody: Address
}

/**
 * What others than the service do at a pool, as their own transactions. The node signs for whom it
 * is told to. Answers with the contract's refusal, or null where it was done.
 */
export function actsOnChain(options: {
  readonly chain: Anvil
  readonly identity: ChainIdentity
  readonly clock: Clock
  readonly officers: Officers
}) {
  const { chain, identity, clock, officers } = options
  const client = createChainClient({ rpcUrl: chain.url, timer: wallTimer })

  async function send({ from, to, data }: Sent): Promise<string | null> {
    await chain.ask('anvil_setBalance', from, '0xde0b6b3a7640000')
    await chain.ask('anvil_impersonateAccount', from)
    await mine(client, clock.now(), 0) // a simulation sees the time of the last block
    try {
      await client.request({ method: 'eth_call', params: [{ from, to, data }, 'latest'] })
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === null) throw error
      return refusal.text
    }
    const gas = '0x200000'
    const hash = (await chain.ask('eth_sendTransaction', { from, to, data, gas })) as Hex
    await mine(client, clock.now(), 0)
    const receipt = (await chain.ask('eth_getTransactionReceipt', hash)) as { status: string }
    if (receipt.status !== '0x1') throw new Error(`${hash} was simulated and then refused`)
    return null
  }

  return async (act: PoolAct): Promise<string | null> => {
    const { pool } = identity
    if (act.kind === 'challenge') {
      const from = act.challenger
      const approve = parseAbi(['function approve(address, uint256) returns (bool)'])
      const all = { abi: approve, functionName: 'approve', args: [pool, 2n ** 64n] } as const
      await send({ from, to: identity.token, data: encodeFunctionData(all) })
      return send({ from, ...callOf(act, identity) })
    }
    const { admin, guardian, anybody } = officers
    const from = act.kind === 'pause' ? guardian : /^(add|rearm)/.test(act.kind) ? admin : anybody
    return send({ from, ...callOf(act, identity) })
  }
}

function callOf(act: PoolAct, { pool, registry }: ChainIdentity): { to: Address; data: Hex } {
  const at = (
    to: Address,
    abi: Abi,
    args: readonly unknown[],
    functionName: string = act.kind,
  ) => ({
    to,
    data: encodeFunctionData({ abi, functionName, args }),
  })
  switch (act.kind) {
    case 'challenge':
    case 'returnUnallocated':
      return at(pool, flexPoolAbi, [act.requestId])
    case 'withdrawCredit':
      return at(pool, flexPoolAbi, [act.account])
    case 'challengeEquivocation': {
      const { one, signaturesOne, other, signaturesOther } = act
      const both = [settlementStruct(one), signaturesOne, settlementStruct(other), signaturesOther]
      return at(pool, flexPoolAbi, both)
    }
    case 'proveEquivocation': {
      const { setId, one, signatureOne, other, signatureOther } = act
      const both = [settlementStruct(one), signatureOne, settlementStruct(other), signatureOther]
      return at(registry, verifierRegistryAbi, [pool, setId, ...both])
    }
    case 'addVerifierSet':
      return at(registry, verifierRegistryAbi, [act.verifiers, act.quorum], 'addSet')
    case 'pause':
      return at(pool, flexPoolAbi, [act.until])
    case 'rearmPause':
      return at(pool, flexPoolAbi, [])
  }
}
