import { parseAbiItem } from 'viem'
import { getBlock, getCode, getLogs } from 'viem/actions'
import type { ChainEvent } from '#domain/chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import type { ChainIdentity, Log } from '#ports.ts'
import type { JournalAccess } from './effects.ts'
import { forgotten } from './identity.ts'
import { type ChainClient, causes } from './rpc.ts'
import { eventAt, poolEvent } from './wire.ts'

/** What is final: the chain's own word for it, or so many blocks on top. */
export type Confirmations = 'finalized' | number

type Cursor = { block: number; hash: Hex }

/** Blocks asked for at once, and how often in one round. Nodes often refuse wider ranges. */
const RANGE_BLOCKS = 1_000
const RANGES_PER_ROUND = 10
/** Events that vanish from deeper than this were not reorganised: it is another chain. */
const REORG_BLOCKS_MAX = 128

const transfer = parseAbiItem(
  'event Transfer(address indexed from, address indexed to, uint256 value)',
)

/** Reads the pool's logs, and the token's where the pool is one side, from the cursor on. */
export function createIndexer(parts: {
  client: ChainClient
  identity: ChainIdentity
  journal: JournalAccess
  log: Log
  confirmations: Confirmations
  /** The block before the pool was deployed, or any earlier one. */
  startBlock: number
}) {
  const { client, identity, journal, log, confirmations, startBlock } = parts

  async function blockAt(block: number): Promise<Cursor | null> {
    try {
      const found = await getBlock(client, { blockNumber: BigInt(block) })
      return { block, hash: found.hash }
    } catch (error) {
      if (causes(error).some((cause) => (cause as Error).name === 'BlockNotFoundError')) return null
      throw error
    }
  }

  async function confirmedBlock(): Promise<number> {
    if (confirmations === 'finalized') {
      return Number((await getBlock(client, { blockTag: 'finalized' })).number)
    }
    return Math.max(0, Number((await getBlock(client)).number) - confirmations)
  }

  /** The newest block that both the journal and the chain know. */
  async function walkBack(cursor: Cursor): Promise<Cursor> {
    if (((await getCode(client, { address: identity.pool })) ?? '0x') === '0x') {
      throw forgotten(`has no contract at the pool's address ${identity.pool} any more`)
    }
    const events = await journal((chain) => chain.events())
    const newestFirst = events.toSorted((a, b) => b.block - a.block)
    let common: Cursor | null = null
    for (const { block, blockHash } of newestFirst) {
      if ((await blockAt(block))?.hash === blockHash) {
        common = { block, hash: blockHash }
        break
      }
      if (block < cursor.block - REORG_BLOCKS_MAX) {
        throw forgotten(`has another block ${block} than the one whose events are recorded`)
      }
    }
    common ??= await blockAt(startBlock)
    if (common === null) throw forgotten(`has no block ${startBlock}`)
    await journal((chain) => chain.rewind(common))
    log.warn('chain: reorganised, read again', { from: cursor.block, to: common.block })
    return common
  }

  async function logsBetween(from: number, to: number): Promise<ChainEvent[]> {
    const range = { fromBlock: BigInt(from), toBlock: BigInt(to) }
    const { pool, token } = identity
    const side = { ...range, address: token, event: transfer, strict: true } as const
    const [own, paidOut, paidIn] = await Promise.all([
      getLogs(client, { ...range, address: pool }),
      getLogs(client, { ...side, args: { from: pool } }),
      getLogs(client, { ...side, args: { to: pool } }),
    ])
    const events = own.map(poolEvent).filter((event) => event !== null)
    const transfers = [...paidOut, ...paidIn].map((log): ChainEvent => {
      const { from, to, value } = log.args
      return { ...eventAt(log), kind: 'Transfer', from, to, amount: value }
    })
    return [...events, ...transfers].toSorted(
      (a, b) => a.block - b.block || a.logIndex - b.logIndex,
    )
  }

  /** Reads one range and records it; halves it where the node refuses its width. */
  async function readRange(
    from: number,
    to: number,
  ): Promise<{ cursor: Cursor; found: number } | null> {
    const before = await blockAt(to)
    const events = await logsBetween(from, to)
    const after = await blockAt(to)
    // A reorganisation between the answers: the next round sees it by the cursor.
    if (before === null || after?.hash !== before.hash) return null
    await journal((chain) => chain.record(events, after))
    return { cursor: after, found: events.length }
  }

  return {
    /** Up to which block the journal speaks after this round, and how many events are new. */
    async catchUp(): Promise<{ confirmed: number; newEvents: number }> {
      const confirmed = await confirmedBlock()
      let cursor = await journal((chain) => chain.cursor())
      const known = cursor && (await blockAt(cursor.block))
      if (cursor !== null && known === null && confirmations !== 0) {
        const what = `the node to know block ${cursor.block}, which it knew before`
        throw new DomainError('unavailable', `waiting for ${what}`)
      }
      if (cursor !== null && known?.hash !== cursor.hash) cursor = await walkBack(cursor)
      let next = cursor === null ? startBlock + 1 : cursor.block + 1
      let newEvents = 0
      let width = RANGE_BLOCKS
      for (let i = 0; i < RANGES_PER_ROUND && next <= confirmed; i += 1) {
        const to = Math.min(confirmed, next + width - 1)
        let read: Awaited<ReturnType<typeof readRange>>
        try {
          read = await readRange(next, to)
        } catch (error) {
          if (!isTooWide(error) || to === next) throw error
          width = Math.max(1, Math.floor((to - next + 1) / 2))
          continue
        }
        if (read === null) break
        newEvents += read.found
        next = read.cursor.block + 1
      }
      return { confirmed: Math.min(confirmed, next - 1), newEvents }
    },
  }
}

/** A node's words for a range with too many blocks or logs. */
function isTooWide(error: unknown): boolean {
  return causes(error).some((cause) => {
    const { code, message } = cause as { code?: number; message?: string }
    return code === -32005 || /range|too many|limit|more than/i.test(message ?? '')
  })
}
