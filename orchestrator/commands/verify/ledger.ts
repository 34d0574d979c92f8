import { readFile } from 'node:fs/promises'
import { readPool, readRequest } from '#adapters/ledger-rail/reader.ts'
import { eventsOf } from '#domain/chain-books.ts'
import { checkChainFile, parseChainFile } from '#domain/chain-file.ts'
import { type EvidenceBundle, statementOf } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import { LEDGER_CHAIN_ID } from '#domain/pool-books.ts'
import { type PoolDomain, requestIdOf } from '#domain/pool-messages.ts'
import type { OwnerReceipt } from '#domain/receipt.ts'
import type { Difference } from '#domain/verification.ts'
import { createWallTimer } from '#processes/wall-time.ts'

/** What a ledger says was proposed to it in one round; null: it does not say. */
type LedgerProposal = {
  readonly evidenceRoot: Hex
  readonly bundleHash: Hex | null
  readonly payoutTotal: bigint
  readonly feeTotal: bigint
  readonly heldTotal: bigint
}

type Ledger = {
  readonly domain: () => Promise<PoolDomain>
  /** What does not hold in the books themselves. */
  readonly differences: readonly Difference[]
  readonly amountOf: (id: Hex) => Promise<bigint | null>
  readonly proposalOf: (id: Hex, round: number) => Promise<LedgerProposal | null>
}

/** Compares a bundle with what a ledger published: a service's address, or saved books. */
export async function compareWithLedger(
  bundle: EvidenceBundle,
  where: string,
): Promise<Difference[]> {
  const ledger = await openLedger(where)
  const statement = statementOf(bundle)
  const { terms, requestId } = bundle.escrow
  const amount = await ledger.amountOf(statement.requestId)
  const proposal = await ledger.proposalOf(statement.requestId, statement.round)
  const pairs: [string, unknown, unknown][] = [
    ['request id', requestId, requestIdOf(await ledger.domain(), terms)],
    ['escrow on the ledger', bundle.rest?.amount ?? terms.amount, amount],
    ['evidence root on the ledger', statement.evidenceRoot, proposal?.evidenceRoot],
    ['payout on the ledger', statement.payoutTotal, proposal?.payoutTotal],
    ['fee on the ledger', statement.feeTotal, proposal?.feeTotal],
    ['held on the ledger', statement.heldTotal, proposal?.heldTotal],
  ]
  if (proposal !== null && proposal.bundleHash !== null) {
    pairs.push(['bundle hash on the ledger', statement.bundleHash, proposal.bundleHash])
  }
  return [...ledger.differences, ...pairs.flatMap(differing)]
}

/** Compares a receipt's root with the one that a ledger published. */
export async function compareReceiptWithLedger(
  receipt: OwnerReceipt,
  where: string,
): Promise<Difference[]> {
  const { requestId, version, evidenceRoot } = receipt
  const ledger = await openLedger(where)
  const proposal = await ledger.proposalOf(requestId, version)
  return [
    ...ledger.differences,
    ...differing(['evidence root on the ledger', evidenceRoot, proposal?.evidenceRoot]),
  ]
}

function differing([line, got, expected]: [string, unknown, unknown]): Difference[] {
  if (String(got) === String(expected)) return []
  return [{ line, got: String(got), expected: String(expected ?? 'nothing proposed') }]
}

async function openLedger(where: string): Promise<Ledger> {
  return /^https?:/.test(where) ? askedLedger(where) : savedLedger(where)
}

async function askedLedger(apiUrl: string): Promise<Ledger> {
  const apiKey = process.env.GRIDCALL_API_KEY
  if (apiKey === undefined) throw new Error('GRIDCALL_API_KEY: expected a key to it, got none')
  const at = { apiUrl, apiKey, timer: createWallTimer() }
  return {
    domain: async () => (await readPool(at)).domain,
    differences: [],
    amountOf: async (id) => (await readRequest(at, id))?.amount ?? null,
    async proposalOf(id, round) {
      const proposals = (await readRequest(at, id))?.proposals ?? []
      return proposals.find((proposal) => proposal.round === round) ?? proposals.at(-1) ?? null
    },
  }
}

/** The file is recomputed first: a root in books that do not hold says nothing. */
async function savedLedger(path: string): Promise<Ledger> {
  const text = await readFile(path, 'utf8')
  const { identity, events } = parseChainFile(text).file
  if (identity.chainId !== LEDGER_CHAIN_ID) {
    throw new Error(`--ledger: expected books of a ledger, got those of chain ${identity.chainId}`)
  }
  const differences = checkChainFile(text).map((sentence) => {
    return { line: 'books of the ledger', got: sentence, expected: 'books that agree' }
  })
  return {
    domain: async () => identity,
    differences,
    async amountOf(id) {
      const opened = eventsOf(events, 'RequestOpened').find(({ requestId }) => requestId === id)
      const held = eventsOf(events, 'RestHeld').find(({ restId }) => restId === id)
      return opened?.amount ?? held?.amount ?? null
    },
    async proposalOf(id, round) {
      const all = eventsOf(events, 'SettlementProposed').filter((each) => each.requestId === id)
      const found = all.find((each) => each.round === round) ?? all.at(-1)
      return found === undefined ? null : { ...found, bundleHash: null }
    },
  }
}
