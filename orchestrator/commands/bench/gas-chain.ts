import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Abi, encodeDeployData, encodeFunctionData, numberToHex } from 'viem'
import { startAnvil } from '#adapters/local-chain/local-chain.ts'
import { createChainClient } from '#adapters/evm/rpc.ts'
import { testEuroAbi, testEuroBytecode } from '#contracts/generated/TestEuro.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { Timer } from '#ports.ts'

/** 2026-01-15 12:00 UTC, in seconds. */
export const CHAIN_START = 1_768_478_400

export type Call = { readonly to: Address; readonly data: Hex }

/** A real EVM of this run's own, which tells what each transaction used. */
export type GasChain = {
  readonly rpcUrl: string
  /** Sends all the gas tells of; an account of the chain that needs no key. */
  readonly operator: Address
  /** Seconds since 1970 of the last block. */
  now(): number
  /** The next block carries at least this second. */
  passUntil(second: number): void
  /** Mines them together; each one's gas in their order. @throws Error if one reverted */
  send(calls: readonly Call[]): Promise<number[]>
  create(abi: Abi, bytecode: Hex, args: readonly unknown[]): Promise<Address>
  stop(): Promise<void>
}

/** The euro that every scheme of a run pays with. */
export type GasEuro = {
  readonly address: Address
  mint(account: Address, amount: bigint): Promise<void>
}

/** The play-money euro of local chains, which the operator may make. */
export async function createGasEuro(chain: GasChain): Promise<GasEuro> {
  const address = await chain.create(testEuroAbi, testEuroBytecode, [chain.operator])
  return {
    address,
    async mint(account, amount) {
      const args = [account, amount] as const
      const data = encodeFunctionData({ abi: testEuroAbi, functionName: 'mint', args })
      await chain.send([{ to: address, data }])
    },
  }
}

/** As much as one transaction may use on any chain (EIP-7825). */
const GAS_LIMIT = 2 ** 24
const BATCH = 100

export async function startGasChain(timer: Timer): Promise<GasChain> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gridcall-bench-gas-'))
  const chain = await startAnvil({
    dataDir,
    chainId: 31_337,
    timestamp: CHAIN_START,
    timer,
    noMining: true,
  })
  const client = createChainClient({ rpcUrl: chain.url, timer })
  const ask = client.request as (asked: { method: string; params: unknown[] }) => Promise<unknown>
  const [operator] = (await ask({ method: 'eth_accounts', params: [] })) as Address[]
  if (operator === undefined) throw new Error('the local chain has no account of its own')
  await ask({ method: 'evm_setBlockGasLimit', params: [numberToHex(GAS_LIMIT * BATCH)] })
  let second = CHAIN_START

  async function mined(transactions: readonly Record<string, string>[]) {
    const hashes: Hex[] = []
    for (const fields of transactions) {
      const params = [{ from: operator, gas: numberToHex(GAS_LIMIT), ...fields }]
      hashes.push((await ask({ method: 'eth_sendTransaction', params })) as Hex)
    }
    second += 1
    await ask({ method: 'evm_setNextBlockTimestamp', params: [second] })
    await ask({ method: 'evm_mine', params: [] })
    return Promise.all(
      hashes.map(async (hash) => {
        const params = [hash]
        const told = await ask({ method: 'eth_getTransactionReceipt', params })
        const receipt = told as { status: Hex; gasUsed: Hex; contractAddress: Address | null }
        if (receipt.status !== '0x1')
          throw new Error(`a transaction of the bench reverted: ${hash}`)
        return receipt
      }),
    )
  }

  return {
    rpcUrl: chain.url,
    operator,
    now: () => second,
    passUntil: (until) => {
      second = Math.max(second, until)
    },
    async send(calls) {
      const used: number[] = []
      for (let at = 0; at < calls.length; at += BATCH) {
        const receipts = await mined(calls.slice(at, at + BATCH))
        used.push(...receipts.map(({ gasUsed }) => Number(gasUsed)))
      }
      return used
    },
    async create(abi, bytecode, args) {
      const [receipt] = await mined([{ data: encodeDeployData({ abi, bytecode, args }) }])
      if (!receipt?.contractAddress) throw new Error('the receipt names no contract')
      return receipt.contractAddress
    },
    async stop() {
      await chain.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
