import { hashTypedData } from 'viem'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { type PoolDomain, requestIdOf, settlementTypedData } from '#domain/pool-messages.ts'
import type { EscrowReader, PoolState, Timer } from '#ports.ts'

export type LedgerAddress = {
  /** Of the service that keeps the ledger. */
  readonly apiUrl: string
  /** Any party's key to it. */
  readonly apiKey: string
  readonly timer: Timer
}

/** A request as the ledger shows it to every party. */
export type ShownRequest = {
  readonly amount: bigint
  readonly payout: bigint
  readonly round: number
  readonly proposals: readonly SettlementStatement[]
}

/** Wall time for one request. */
const REQUEST_MS = 10_000
const NOTHING = 404

/** What a verifier reads from a ledger without a chain: HTTP and its own key, no database. */
export function createLedgerReader(
  options: LedgerAddress & { readonly domain: PoolDomain },
): EscrowReader {
  const { domain } = options
  const digestOf = (statement: SettlementStatement) =>
    hashTypedData(settlementTypedData(domain, statement))
  return {
    requestId: (terms) => requestIdOf(domain, terms),
    async escrow(requestId) {
      const found = await readRequest(options, requestId)
      if (found === null) return null
      const { amount, payout, round } = found
      return { amount, payout, round }
    },
    async isProposed(statement) {
      const last = (await readRequest(options, statement.requestId))?.proposals.at(-1)
      return last !== undefined && digestOf(last) === digestOf(statement)
    },
    // Nobody can name another address here: an owner's bank account is changed with the agent.
    isRecipient: async () => false,
    async poolState() {
      const { state } = await readPool(options)
      return state
    },
  }
}

/** null: the ledger knows no such request. @throws Error for an answer that is none */
export async function readRequest(at: LedgerAddress, id: Hex): Promise<ShownRequest | null> {
  const shown = await ask(at, `requests/${id}`)
  if (shown === null) return null
  const { amount, payout, round, proposals } = shown as Record<string, unknown>
  if (!Array.isArray(proposals)) throw new Error(`request ${id} came without its proposals`)
  return {
    amount: minor(amount),
    payout: minor(payout),
    round: Number(round),
    proposals: proposals.map((proposal: SettlementStatement) => ({
      ...proposal,
      payoutTotal: minor(proposal.payoutTotal),
      feeTotal: minor(proposal.feeTotal),
      heldTotal: minor(proposal.heldTotal),
    })),
  }
}

/** @throws Error where the service keeps no ledger */
export async function readPool(
  at: LedgerAddress,
): Promise<{ readonly domain: PoolDomain; readonly state: PoolState }> {
  const shown = (await ask(at, '')) as Record<string, unknown> | null
  if (shown === null) throw new Error(`${at.apiUrl} keeps no ledger: its money is on a chain`)
  return {
    domain: { chainId: Number(shown['chainId']), pool: String(shown['pool']) as Address },
    state: {
      tokenBalance: minor(shown['tokenBalance']),
      locked: minor(shown['locked']),
      allocatable: minor(shown['allocatable']),
      totalAllocated: minor(shown['totalAllocated']),
      totalClaimed: minor(shown['totalClaimed']),
      credits: minor(shown['credits']),
      bonds: minor(shown['bonds']),
      liveRoot: String(shown['liveRoot']) as Hex,
      currentEpoch: Number(shown['currentEpoch']),
    },
  }
}

function minor(text: unknown): bigint {
  if (typeof text === 'string' && /^\d+$/.test(text)) return BigInt(text)
  throw new Error(`expected micro-EUR as text, got ${JSON.stringify(text)}`)
}

/** null for what is not there. @throws Error for any other answer, DomainError for none in time */
async function ask({ apiUrl, apiKey, timer }: LedgerAddress, path: string): Promise<unknown> {
  const url = `${apiUrl.replace(/\/$/, '')}/v1/ledger${path === '' ? '' : `/${path}`}`
  const answer = fetch(url, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(REQUEST_MS),
  }).then(async (response) => {
    const text = await response.text()
    if (response.status === NOTHING) return null
    if (!response.ok) throw new Error(`the ledger answered ${response.status}: ${text}`)
    return JSON.parse(text) as unknown
  })
  return timer.deadline(answer, REQUEST_MS, 'an answer of the ledger')
}
