import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import { type Client, createClient, custom, http } from 'viem'
import { DomainError } from '#domain/errors.ts'
import type { Timer } from '#ports.ts'

export type ChainClient = Client

/** One request's own time limit, and that of all its attempts together. Wall time. */
const ATTEMPT_MS = 8_000
const REQUEST_MS = 20_000

export type ChainLine = {
  readonly rpcUrl: string
  readonly timer: Timer
  /** Wall time for one attempt, and for all of one request together. */
  readonly attemptMs?: number
  readonly requestMs?: number
}

/**
 * A JSON-RPC client that repeats what did not arrive and gives up in finite time. Every method we
 * use may be repeated: a transaction is known by its hash. Nothing is cached.
 */
export function createChainClient(world: ChainLine): ChainClient {
  const { rpcUrl, timer, attemptMs = ATTEMPT_MS, requestMs = REQUEST_MS } = world
  const once = http(rpcUrl, { retryCount: 0, timeout: attemptMs })({})
  const backoff = new ExponentialBackoff({ initialDelay: 100, maxDelay: 1_000 })
  const patiently = retry(handleWhen(isOutage), { maxAttempts: 3, backoff })
  const request = async ({ method, params }: { method: string; params?: unknown }) => {
    const what = `the chain to answer ${method}`
    try {
      const answer = patiently.execute(() => once.request({ method, params }))
      return await timer.deadline(answer, requestMs, what)
    } catch (error) {
      if (!isOutage(error)) throw error
      throw new DomainError('unavailable', `waited for ${what}: ${shortMessage(error)}`)
    }
  }
  return createClient({ cacheTime: 0, transport: custom({ request }, { retryCount: 0 }) })
}

/** The node did not answer, or said that it is overloaded; anything else is an answer. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'TimeoutError') return true
  if (error.name !== 'HttpRequestError') return false
  const { status } = error as { status?: number }
  return status === undefined || status === 408 || status === 429 || status >= 500
}

/** viem's short form: the long one quotes the URL, which may carry a key, and transactions. */
export function shortMessage(error: unknown): string {
  for (const cause of causes(error)) {
    const { shortMessage: short, details } = cause as { shortMessage?: string; details?: string }
    if (details !== undefined && details !== '') return withoutUrls(details)
    if (short !== undefined) return withoutUrls(short)
  }
  return error instanceof Error ? withoutUrls(error.message) : String(error)
}

function withoutUrls(text: string): string {
  return text.replaceAll(/\b\w+:\/\/\S+/g, '<url>')
}

/** An error and what caused it, outermost first. */
export function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at = error; at instanceof Error && chain.length < 10; at = at.cause) chain.push(at)
  return chain.length > 0 ? chain : [error]
}

/** viem wraps what the transport throws; the caller wants our own error back. */
export function unwrapped(error: unknown): unknown {
  return causes(error).find((cause) => cause instanceof DomainError) ?? error
}

/** The same promise with our own error in place of the library's wrapping of it. */
export async function plainly<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw unwrapped(error)
  }
}
