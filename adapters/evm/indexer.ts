import {
  type TransactionReceipt,
  decodeEventLog,
  isAddressEqual,
  parseAbiItem,
  toEventSelector,
} from 'viem'
import { getBlock, getCode, getLogs } from 'viem/actions'
import type { ChainEvent } from '#domain/chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address } from '#domain/ids.ts'
import type { ChainIdentity, Log } from '#ports.ts'
import type { JournalAccess } from './effects.ts'
import { type Position, blockHash, forgotten, genesisHash } from './identity.ts'
import { listEvent } from './list-events.ts'
import { type MinedLog, type Watched, isAbout, requireSameInReceipts } from './receipts.ts'
import { type ChainClient, causes } from './rpc.ts'
import { eventAt, poolEvent } from './wire.ts'

/** What is final: the chain's own word for it, or so many blocks on top. */
export type Confirmations = 'finalized' | number

/** Blocks asked for at once, and how often in one round. Nodes often refuse wider ranges. */
const RANGE_BLOCKS = 1_000
const RANGES_PER_ROUND = 10
/** Events that vanish from deeper than this were not reorganised: it is another chain. */
const REORG_BLOCKS_MAX = 128

const transfer = parseAbiItem(
  'event Transfer(address indexed from, address indexed to, uint256 value)',
)

const transferTopic = toEventSelector(transfer)

type IndexerParts = {
  readonly client: ChainClient
  readonly identity: ChainIdentity
  /** Where accounts of the payout tree name other addresses. */
  readonly recipients: Address
  readonly journal: JournalAccess
  readonly log: Log
  readonly confirmations: Confirmations
  /** The block before the pool was deployed, or any earlier one. */
  readonly startBlock: number
}

/** Reads the pool's logs, and the token's where the pool is one side, from the cursor on. */
export class Indexer {
  readonly #parts: IndexerParts

  readonly #watched: Watched

  constructor(parts: IndexerParts) {
    this.#parts = parts
    const { pool, token, registry } = parts.identity
    this.#watched = { pool, token, lists: [registry, parts.recipients] }
  }

  /** Up to which block the journal speaks after this round, and how many events are new. */
  async catchUp(): Promise<{ confirmed: number; newEvents: number }> {
    const confirmed = await this.#confirmedBlock()
    const cursor = await this.#commonCursor()
    let next = cursor === null ? this.#parts.startBlock + 1 : cursor.block + 1
    let newEvents = 0
    let width = RANGE_BLOCKS
    for (let i = 0; i < RANGES_PER_ROUND && next <= confirmed; i += 1) {
      const to = Math.min(confirmed, next + width - 1)
      try {
        const read = await this.#readRange(next, to)
        if (read === null) break
        newEvents += read.found
        next = to + 1
      } catch (error) {
        if (!isTooWide(error) || to === next) throw error
        width = Math.floor((to - next + 1) / 2)
      }
    }
    return { confirmed: Math.min(confirmed, next - 1), newEvents }
  }

  async #confirmedBlock(): Promise<number> {
    const { client, confirmations } = this.#parts
    if (confirmations === 'finalized') {
      return Number((await getBlock(client, { blockTag: 'finalized' })).number)
    }
    return Math.max(0, Number((await getBlock(client)).number) - confirmations)
  }

  /** Where we were, if the chain still knows it; else where its history parted from ours. */
  async #commonCursor(): Promise<Position | null> {
    const { journal, confirmations } = this.#parts
    const cursor = await journal((chain) => chain.cursor())
    if (cursor === null) return null
    const known = await this.#blockAt(cursor.block)
    if (known?.hash === cursor.hash) return cursor
    if (known === null && confirmations !== 0) {
      const what = `the node to know block ${cursor.block}, which it knew before`
      throw new DomainError('unavailable', `waiting for ${what}`)
    }
    return this.#walkBack(cursor)
  }

  /** To the newest block that both the journal and the chain know. */
  async #walkBack(cursor: Position): Promise<Position> {
    const { client, identity, journal, log, startBlock } = this.#parts
    if (((await getCode(client, { address: identity.pool })) ?? '0x') === '0x') {
      throw forgotten(`has no contract at the pool's address ${identity.pool} any more`)
    }
    if ((await genesisHash(client)) !== identity.genesisHash) {
      throw forgotten('begins with another block')
    }
    const common = (await this.#lastCommonEvent(cursor)) ?? (await this.#blockAt(startBlock))
    if (common === null) throw forgotten(`has no block ${startBlock}`)
    await journal((chain) => chain.rewind(common))
    log.warn('chain: reorganised, read again', { from: cursor.block, to: common.block })
    return common
  }

  async #lastCommonEvent(cursor: Position): Promise<Position | null> {
    const events = await this.#parts.journal((chain) => chain.events())
    const hashes = new Map(events.map(({ block, blockHash }) => [block, blockHash]))
    for (const [block, hash] of [...hashes].toSorted(([a], [b]) => b - a)) {
      if ((await this.#blockAt(block))?.hash === hash) return { block, hash }
      if (block < cursor.block - REORG_BLOCKS_MAX) {
        throw forgotten(`has another block ${block} than the one whose events are recorded`)
      }
    }
    return null
  }

  async #blockAt(block: number): Promise<Position | null> {
    const hash = await blockHash(this.#parts.client, block)
    return hash && { block, hash }
  }

  /** Records one range; null if the chain was reorganised between its answers. */
  async #readRange(from: number, to: number): Promise<{ found: number } | null> {
    const before = await this.#blockAt(to)
    const events = await this.#logsBetween(from, to)
    const after = await this.#blockAt(to)
    if (after === null || after.hash !== before?.hash) return null
    return { found: await this.#parts.journal((chain) => chain.record(events, after)) }
  }

  async #logsBetween(from: number, to: number): Promise<ChainEvent[]> {
    const { client } = this.#parts
    const { pool, token, lists } = this.#watched
    const range = { fromBlock: BigInt(from), toBlock: BigInt(to) }
    const side = { ...range, address: token, event: transfer, strict: true } as const
    const [own, paidOut, paidIn] = await Promise.all([
      getLogs(client, { ...range, address: [pool, ...lists] }),
      getLogs(client, { ...side, args: { from: pool } }),
      getLogs(client, { ...side, args: { to: pool } }),
    ])
    const logs: MinedLog[] = [...own, ...paidOut, ...paidIn]
    await requireSameInReceipts(client, logs, (log) => isAbout(log, this.#watched, transferTopic))
    return this.#eventsOf(logs)
  }

  #eventsOf(logs: readonly MinedLog[]): ChainEvent[] {
    const { pool, token } = this.#watched
    const events = logs
      .map((log) => {
        if (isAddressEqual(log.address, pool)) return poolEvent(log)
        return isAddressEqual(log.address, token) ? transferOf(log) : listEvent(log)
      })
      .filter((event) => event !== null)
    return events.toSorted((a, b) => a.block - b.block || a.logIndex - b.logIndex)
  }

  /**
   * Records what a receipt of a block that was read already says; how much of it is new. A node
   * that left out every log of a transaction did not contradict itself when the range was read.
   */
  async recordLogs(receipt: TransactionReceipt): Promise<number> {
    const { journal } = this.#parts
    const logs = receipt.logs as MinedLog[]
    const ours = logs.filter((log) => isAbout(log, this.#watched, transferTopic))
    const events = this.#eventsOf(ours)
    return journal(async (chain) => {
      const cursor = await chain.cursor()
      return cursor === null ? 0 : chain.record(events, cursor)
    })
  }

  /** Reads the logs of all blocks up to the cursor once more; how many were left out before. */
  async readAgain(): Promise<number> {
    const { journal, startBlock } = this.#parts
    const cursor = await journal((chain) => chain.cursor())
    let added = 0
    for (let from = startBlock + 1; cursor !== null && from <= cursor.block; from += RANGE_BLOCKS) {
      const to = Math.min(cursor.block, from + RANGE_BLOCKS - 1)
      const events = await this.#logsBetween(from, to)
      added += await journal((chain) => chain.record(events, cursor))
    }
    return added
  }
}

function transferOf(log: MinedLog): ChainEvent {
  const { args } = decodeEventLog({ abi: [transfer], data: log.data, topics: log.topics })
  return { ...eventAt(log), kind: 'Transfer', from: args.from, to: args.to, amount: args.value }
}

/** A node's words for a range with too many blocks or logs. */
function isTooWide(error: unknown): boolean {
  return causes(error).some((cause) => {
    const { code, message } = cause as { code?: number; message?: string }
    return code === -32005 || /range|too many|limit|more than/i.test(message ?? '')
  })
}
