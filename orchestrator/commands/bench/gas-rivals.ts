import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Abi, concatHex, encodeFunctionData, numberToHex } from 'viem'
import { compile } from '#contracts/generate.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { root } from '../tool.ts'
import type { GasChain, GasEuro } from './gas-chain.ts'
import { PLAY_MONEY, payeesOf, SHARE } from './gas-pool.ts'
import { sortedTree } from './gas-sorted-tree.ts'

/** What others need for the same payees, beside the escrow that every scheme has in common. */
export type RivalGas = {
  /** Batches that carry one call's shares to all payees. */
  readonly push: readonly number[]
  /** A root for one call, and a claim of each payee against it. */
  readonly bitmapPost: number
  readonly bitmapClaims: readonly number[]
  /** A root for any number of calls, and a claim of each payee against it. */
  readonly cumulativePost: number
  readonly cumulativeClaims: readonly number[]
}

type Rival = { readonly abi: Abi; readonly address: Address }

/** The first batch of a payee pays for his balance's slot; the largest whose rows then all fit. */
const PUSH_ROWS = 400
const folder = join(root, 'test', 'bench', 'contracts')

/** Measures the three other schemes for so many payees, each twice: the second is what repeats. */
export async function measureRivals(
  chain: GasChain,
  euro: GasEuro,
  payees: number,
): Promise<{ readonly first: RivalGas; readonly repeat: RivalGas }> {
  const { contracts = {} } = compile(
    Object.fromEntries(['Push', 'Bitmap', 'Cumulative'].map((name) => sourceOf(`${name}Payouts`))),
  )
  const deploy = async (name: string): Promise<Rival> => {
    const compiled = contracts[`bench/${name}.sol`]?.[name]
    if (compiled === undefined) throw new Error(`the compiler gave no ${name}`)
    const abi = compiled.abi as Abi
    const code: Hex = `0x${compiled.evm.bytecode.object}`
    const address = await chain.create(abi, code, [euro.address, chain.operator])
    await euro.mint(address, PLAY_MONEY)
    return { abi, address }
  }
  const push = await deploy('PushPayouts')
  const bitmap = await deploy('BitmapPayouts')
  const cumulative = await deploy('CumulativePayouts')
  const round = async (number: number): Promise<RivalGas> => ({
    push: await runPush(chain, push, payeesOf(`push ${payees}`, payees)),
    ...(await runBitmap(chain, bitmap, payeesOf(`bitmap ${payees}`, payees), BigInt(number))),
    ...(await runCumulative(
      chain,
      cumulative,
      payeesOf(`cumulative ${payees}`, payees),
      SHARE * BigInt(number),
    )),
  })
  return { first: await round(1), repeat: await round(2) }
}

function sourceOf(name: string): [string, { content: string }] {
  return [`bench/${name}.sol`, { content: readFileSync(join(folder, `${name}.sol`), 'utf8') }]
}

function call({ abi, address }: Rival, functionName: string, args: readonly unknown[]) {
  return { to: address, data: encodeFunctionData({ abi, functionName, args }) }
}

async function runPush(chain: GasChain, rival: Rival, payees: readonly Address[]) {
  const share = numberToHex(SHARE, { size: 8 })
  const batches = Array.from({ length: Math.ceil(payees.length / PUSH_ROWS) }, (_, i) =>
    payees.slice(i * PUSH_ROWS, (i + 1) * PUSH_ROWS),
  )
  return chain.send(
    batches.map((batch) => {
      const rows = concatHex(batch.flatMap((account) => [account, share]))
      return call(rival, 'pay', [rows])
    }),
  )
}

async function runBitmap(
  chain: GasChain,
  rival: Rival,
  payees: readonly Address[],
  number: bigint,
) {
  const types = ['uint256', 'address', 'uint256']
  const tree = sortedTree(
    types,
    payees.map((account, i) => [BigInt(i), account, SHARE]),
  )
  const [bitmapPost = 0] = await chain.send([call(rival, 'post', [number, tree.root])])
  const bitmapClaims = await chain.send(
    payees.map((account, i) => {
      return call(rival, 'claim', [number, BigInt(i), account, SHARE, tree.proof(i)])
    }),
  )
  return { bitmapPost, bitmapClaims }
}

async function runCumulative(
  chain: GasChain,
  rival: Rival,
  payees: readonly Address[],
  earned: bigint,
) {
  const tree = sortedTree(
    ['address', 'uint256'],
    payees.map((account) => [account, earned]),
  )
  const added = SHARE * BigInt(payees.length)
  const [cumulativePost = 0] = await chain.send([call(rival, 'post', [tree.root, added])])
  const cumulativeClaims = await chain.send(
    payees.map((account, i) => {
      return call(rival, 'claim', [account, earned, tree.root, tree.proof(i)])
    }),
  )
  return { cumulativePost, cumulativeClaims }
}
