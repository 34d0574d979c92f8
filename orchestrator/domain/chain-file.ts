import { canonicalJson, keccakText } from './canonical.ts'
import type { ChainBooks } from './chain-books.ts'
import { compareBooks } from './compare-books.ts'
import type { Hex } from './ids.ts'
import { compareTransfers } from './compare-transfers.ts'
import { compareJournal } from './journal.ts'
import { LEDGER_CHAIN_ID, addAccount } from './pool-books.ts'
import type { PoolAccount } from './pool-books.ts'

/** One line of the ledger; `at` in milliseconds since 1970. */
export type Posting = {
  readonly key: string
  readonly account: string
  readonly amount: bigint
  readonly at: number
}

/** All books of one block with every posting, as they are kept in a file. No persons: only sums of them. */
export type ChainFile = ChainBooks & {
  readonly format: typeof FORMAT
  readonly postings: readonly Posting[]
}

const FORMAT = 'gridcall-chain-1'
/** What is hashed by itself, so that a change can be told where it is. */
const SECTIONS = [
  'identity',
  'cursor',
  'events',
  'pool',
  'balances',
  'requestIds',
  'payers',
  'epochs',
  'postings',
] as const

/** Of a ledger without a chain. */
const DOUBLE_ENTRY = ['transfers', 'accounts'] as const

/** Owners and their wallets have no accounts and no keys of their own here. */
function withoutPersons(name: string): string {
  return name.replaceAll(/\bowner:[^:]+/g, 'owners').replaceAll(/\bwallet:[^:]+/g, 'wallets')
}

/** The file of these books. */
export function chainFile(books: ChainBooks, postings: readonly Posting[]): ChainFile {
  const lines = postings.map(({ key, account, amount, at }) => {
    return { key: withoutPersons(key), account: withoutPersons(account), amount, at }
  })
  const sums = new Map<string, bigint>()
  for (const { account, balance } of books.balances) {
    const name = withoutPersons(account)
    sums.set(name, (sums.get(name) ?? 0n) + balance)
  }
  const balances = [...sums].map(([account, balance]) => ({ account, balance }))
  return { format: FORMAT, ...books, balances, postings: lines, ...doubleEntry(books) }
}

function doubleEntry({
  transfers,
  accounts,
}: ChainBooks): Pick<ChainFile, 'transfers' | 'accounts'> {
  if (transfers === undefined || accounts === undefined) return {}
  const merged = new Map<string, PoolAccount>()
  for (const each of accounts) {
    const account = withoutPersons(each.account)
    const before = merged.get(account)
    merged.set(account, before === undefined ? { ...each, account } : addAccount(before, each))
  }
  return {
    transfers: transfers.map((transfer) => ({
      ...transfer,
      debit: withoutPersons(transfer.debit),
      credit: withoutPersons(transfer.credit),
    })),
    accounts: [...merged.values()],
  }
}

function sectionsOf(file: { readonly [name: string]: unknown }): readonly (keyof ChainFile)[] {
  return [...SECTIONS, ...DOUBLE_ENTRY.filter((name) => file[name] !== undefined)]
}

/** Its text: one JSON object, amounts as decimal text, with the hash of each of its sections. */
export function chainFileText(file: ChainFile): string {
  return `${canonicalJson({ ...file, hashes: hashesOf(file) })}\n`
}

function hashesOf(file: ChainFile): Record<string, Hex> {
  const sections = sectionsOf(file)
  return Object.fromEntries(sections.map((name) => [name, keccakText(canonicalJson(file[name]))]))
}

/** @throws Error with a sentence for what is no such file */
export function parseChainFile(text: string): { file: ChainFile; hashes: Record<string, string> } {
  const digits = /^-?\d+$/
  let found: Record<string, unknown>
  try {
    found = JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'string' && digits.test(value) ? BigInt(value) : value,
    ) as Record<string, unknown>
  } catch {
    throw new Error('expected one JSON object as the demo saves it, got other text')
  }
  const { hashes, ...file } = found
  const missing = SECTIONS.find((name) => typeof file[name] !== 'object' || file[name] === null)
  if (file['format'] !== FORMAT || missing !== undefined) {
    const got = missing === undefined ? `the format ${String(file['format'])}` : `no ${missing}`
    throw new Error(`expected a file of the format ${FORMAT}, got ${got}`)
  }
  return { file: file as ChainFile, hashes: (hashes ?? {}) as Record<string, string> }
}

/** Recomputes every balance from the logs and postings alone; one sentence per difference. */
export function checkChainFile(text: string): string[] {
  const { file, hashes } = parseChainFile(text)
  const now = hashesOf(file)
  const names = new Set([...sectionsOf(file), ...Object.keys(hashes)])
  const changed = [...names]
    .filter((name) => hashes[name] !== now[name])
    .map((name) => `${name}: not what was saved, its hash is ${now[name]} and was ${hashes[name]}`)
  const ledger = file.identity.chainId === LEDGER_CHAIN_ID ? compareLedger(file) : []
  return [...compareBooks(file), ...comparePostings(file), ...ledger, ...changed]
}

/** The chain of hashes, and that transfers, accounts and journal say the same. */
function compareLedger(file: ChainFile): string[] {
  const { transfers, accounts, events } = file
  if (transfers === undefined || accounts === undefined) {
    return [...compareJournal(file), 'transfers: a ledger has some, and the file has none']
  }
  return [...compareJournal(file), ...compareTransfers({ transfers, accounts }, events)]
}

/** Every posting sums to zero, and all of an account are its balance. */
function comparePostings({ postings, balances }: ChainFile): string[] {
  const differences: string[] = []
  const byKey = sums(postings.map(({ key, amount }) => [key, amount]))
  for (const [key, total] of byKey) {
    if (total !== 0n) differences.push(`posting ${key} sums to ${total}, not to 0`)
  }
  const byAccount = sums(postings.map(({ account, amount }) => [account, amount]))
  const accounts = new Map(balances.map(({ account, balance }) => [account, balance]))
  for (const account of new Set([...byAccount.keys(), ...accounts.keys()])) {
    const [posted, balance] = [byAccount.get(account) ?? 0n, accounts.get(account) ?? 0n]
    if (posted === balance) continue
    differences.push(`balance of ${account}: ${balance}, and its postings sum to ${posted}`)
  }
  return differences
}

function sums(lines: readonly (readonly [string, bigint])[]): Map<string, bigint> {
  const totals = new Map<string, bigint>()
  for (const [name, amount] of lines) totals.set(name, (totals.get(name) ?? 0n) + amount)
  return totals
}
