import { type Abi, decodeErrorResult, hexToString } from 'viem'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import { flexPoolFactoryAbi } from '#contracts/generated/FlexPoolFactory.ts'
import { poolAuthorityAbi } from '#contracts/generated/PoolAuthority.ts'
import { testEuroAbi } from '#contracts/generated/TestEuro.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import { causes, shortMessage, unwrapped } from './rpc.ts'

/** Why the pool, or the token behind it, would not do something. */
export type Refusal = {
  /** The custom error's name; 'Error' for a plain message, 'Unknown' for what nobody can read. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  /** One line for people: name and arguments. */
  readonly text: string
}

/** Errors of our contracts, and of tokens that speak OpenZeppelin's. */
const errorAbi: Abi = [
  ...flexPoolAbi,
  ...verifierRegistryAbi,
  ...testEuroAbi,
  ...flexPoolFactoryAbi,
  ...poolAuthorityAbi,
].filter(({ type }) => type === 'error')

const stateNames = ['None', 'Funded', 'Proposed', 'Final', 'Cancelled', 'Refunded', 'PartlyFinal']

/** The refusal in a failed call; null if the node failed, and not the call. */
export function refusalOf(error: unknown): Refusal | null {
  if (unwrapped(error) instanceof DomainError) return null
  const chain = causes(error) as { data?: unknown; code?: unknown; message?: string }[]
  const data = chain.map((cause) => revertData(cause.data)).find((found) => found !== null)
  if (data) return decodeRefusal(data)
  // 3 is geth's and anvil's code for a reverted call; some nodes give only the words.
  const reverted = chain.some(({ code, message }) => code === 3 || /revert/i.test(message ?? ''))
  return reverted ? { name: 'Unknown', args: {}, text: shortMessage(error) } : null
}

/** Nodes give the bytes bare, or wrapped once more in an object. */
function revertData(data: unknown): Hex | null {
  if (typeof data === 'string' && /^0x([0-9a-f]{2}){4,}$/i.test(data)) return data as Hex
  if (typeof data === 'object' && data !== null && 'data' in data) return revertData(data.data)
  return null
}

/** Reads revert data. */
export function decodeRefusal(data: Hex): Refusal {
  try {
    const { errorName, args, abiItem } = decodeErrorResult({ abi: errorAbi, data })
    const inputs = (abiItem as { inputs?: readonly { name?: string }[] }).inputs ?? []
    const names = inputs.map(({ name }, position) => name ?? String(position))
    const values = (args ?? []) as readonly unknown[]
    const named = Object.fromEntries(names.map((name, i) => [name, values[i]]))
    return { name: errorName, args: named, text: textOf(errorName, named) }
  } catch {
    return { name: 'Unknown', args: {}, text: `an error nobody could read: ${data.slice(0, 74)}` }
  }
}

function textOf(name: string, args: Readonly<Record<string, unknown>>): string {
  if (name === 'Error') return String(Object.values(args)[0])
  const shown = Object.entries(args).map(([key, value]) => `${key} ${shownValue(name, key, value)}`)
  return shown.length > 0 ? `${name}: ${shown.join(', ')}` : name
}

function shownValue(name: string, key: string, value: unknown): string {
  if (name === 'WrongState' && key !== 'id') return stateNames[Number(value)] ?? String(value)
  // The name of an argument, as up to 32 letters.
  if (name === 'BadConfiguration' && key === 'name') return hexToString(value as Hex, { size: 32 })
  return String(value)
}
