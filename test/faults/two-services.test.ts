import { mkdtempSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { readManifest } from '#adapters/evm/manifest.ts'
import { createPostgresStore } from '#db/store.ts'
import type { ChainEvent } from '#domain/chain.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import { requestIdOf } from '#domain/pool-messages.ts'
import { instant } from '#domain/time.ts'
import type { Store } from '#store-ports.ts'
import { type Anvil, startAnvil } from '../adapters/evm/support/anvil.ts'
import {
  EUR,
  type World,
  ZERO_HASH,
  epochIntent,
  journalOf,
  openIntent,
  proposeIntent,
  settlementOf,
  termsOf,
} from '../adapters/evm/support/world.ts'
import { witnessChain } from '../support/chain-witness.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { gridcall, isRunning, type Run, startService } from '../support/demo-run.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'

const LOCK = 4713
/** Generous: every step waits for its block to be final, on a machine that others use too. */
const STEP_MS = 90_000
const SENDS = /"msg":"chain: this process sends"/
const WAITS = /"msg":"chain: another process sends, this one waits"/

/** A chain of others: it mines by itself, and what is two blocks deep is final. */
async function liveChain(): Promise<Anvil> {
  const chain = await startAnvil(Math.floor(Date.now() / 1000), '--slots-in-an-epoch', '1')
  await chain.ask('evm_setIntervalMining', 1)
  return chain
}

describe('two whole services on one database and one chain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-two-'))
  const runs: Run[] = []
  let chain: Anvil
  let database: TestDatabase
  let store: Store
  let sql: Sql
  let world: World
  let relayer: Address

  beforeAll(async () => {
    ;[chain, database] = await Promise.all([liveChain(), createTestDatabase()])
    const key = (name: string) => makeOrLoadKey(join(folder, 'parties'), name)
    const [dso, deployer, fees] = await Promise.all([key('dso'), key('deployer'), key('fees')])
    const verifiers = await Promise.all(['v-1', 'v-2', 'v-3'].map(key))
    relayer = (await makeOrLoadKey(join(folder, 'first', 'keys'), 'relayer')).address
    for (const { address } of [deployer, { address: relayer }]) {
      await chain.ask('anvil_setBalance', address, '0x3635c9adc5dea00000')
    }
    const manifest = join(folder, 'chain.json')
    const named = {
      rpc: chain.url,
      out: manifest,
      'key-file': join(folder, 'parties', 'deployer.key'),
      admin: deployer.address,
      verifiers: verifiers.map(({ address }) => address).join(),
      quorum: '2',
      'fee-receiver': fees.address,
      payers: dso.address,
      'held-window': '1h',
      'dispute-window': '2s',
      'epoch-window': '2s',
      'refund-grace': '1h',
    }
    const options = Object.entries(named).flatMap(([name, value]) => [`--${name}`, value])
    const deployed = await gridcall(['chain', 'deploy', '--play-money', ...options])
    expect([deployed.code, deployed.stderr]).toEqual([0, expect.stringContaining('sent')])
    const { identity } = await readManifest(manifest)
    const attestors = verifiers
      .map(({ privateKey }) => createAttestor(privateKey, identity))
      .toSorted((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
    const parties = { dso: { key: dso.privateKey, address: dso.address } }
    world = { chain, identity, attestors, parties } as unknown as World
    for (const name of ['first', 'second']) {
      runs.push(
        startService({
          DATABASE_URL: database.url,
          CHAIN_RPC_URL: chain.url,
          GRIDCALL_CHAIN_MANIFEST: manifest,
          GRIDCALL_DATA_DIR: join(folder, name),
          GRIDCALL_IBAN_KEY: join(folder, 'iban.key'),
          GRIDCALL_GATEWAY: name,
          PORT: '0',
          OCPP_PORT: '0',
          LOG_LEVEL: 'info',
        }),
      )
      await runs.at(-1)?.line(/^Gridcall answers at/, STEP_MS)
      await cp(join(folder, 'first', 'keys'), join(folder, 'second', 'keys'), {
        recursive: true,
        force: false,
      })
    }
    store = createPostgresStore({ url: database.url, log: recordingLog() })
    sql = postgres(database.url, { max: 1, onnotice: () => undefined })
  }, 240_000)

  afterAll(async () => {
    await sql?.end()
    await store?.close()
    await Promise.all(runs.map((run) => run.stop()))
    await Promise.all([chain?.stop(), database?.drop()])
    rmSync(folder, { recursive: true, force: true })
  }, 120_000)

  const journal = () => journalOf(store)

  async function until<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
    const found = async () => {
      for (;;) {
        const answer = await ask()
        if (answer !== null) return answer
        await wallTimer.sleep(100)
      }
    }
    return wallTimer.deadline(found(), STEP_MS, what)
  }

  const event = <K extends ChainEvent['kind']>(kind: K, count = 1) =>
    until(`${count} ${kind}`, async () => {
      const found = await journal().events(kind)
      return found.length >= count ? found : null
    })

  /** Business time is the machine's here. */
  const sleepUntil = (seconds: number) =>
    wallTimer.sleep(Math.max(0, seconds * 1000 + 1000 - Date.now()))

  const terms = (deliverInSeconds: number) => {
    const now = Math.ceil(Date.now() / 1000)
    const at = (seconds: number) => instant((now + seconds) * 1000)
    return termsOf(world, {
      deliverStart: at(deliverInSeconds),
      deliverEnd: at(deliverInSeconds + 1),
      settleBy: at(deliverInSeconds + 3600),
    })
  }

  /** A request that is final, and an epoch over it that is live: its leaves are to be paid. */
  async function livePayout() {
    const first = terms(45)
    const requestId = requestIdOf(world.identity, first)
    await journal().intend('open', await openIntent(world, first))
    await event('RequestOpened')
    await sleepUntil(first.deliverEnd / 1000)
    await journal().intend('propose', await proposeIntent(world, settlementOf(requestId)))
    const [proposed] = await event('SettlementProposed')
    await sleepUntil(proposed?.windowEnd ?? 0)
    await journal().intend('finalize', { kind: 'finalize', requestId })
    await event('RequestFinalized')
    const tree = buildPayoutTree(
      ['1', '2'].map((digit, index) => {
        const account: Hex = `0x${digit.repeat(40)}`
        return { index, account, cumulative: 40n * EUR }
      }),
    )
    const fields = { epoch: 1, prevRoot: ZERO_HASH, topHash: tree.topHash, newTotal: 80n * EUR }
    await journal().intend('post', await epochIntent(world, fields, [requestId]))
    const [posted] = await event('EpochPosted')
    await sleepUntil(posted?.activeFrom ?? 0)
    await journal().intend('activate', { kind: 'activateEpoch', epoch: 1 })
    await event('EpochActivated')
    return { kind: 'payChunk', epoch: 1, ...tree.chunk(0, 4) } as const
  }

  /** The database holds whoever sends at the very COMMIT after which it would broadcast. */
  async function holdSigned(): Promise<void> {
    await sql.unsafe(`
      CREATE FUNCTION public.hold_signed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.business_key = 'pay' THEN
          PERFORM pg_advisory_lock_shared(${LOCK}); PERFORM pg_advisory_unlock_shared(${LOCK});
        END IF;
        RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER hold_signed AFTER INSERT ON gridcall.chain_transactions
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold_signed();`)
    await sql`SELECT pg_advisory_lock(${LOCK})`
  }

  async function letGo(): Promise<void> {
    await sql`SELECT pg_advisory_unlock(${LOCK})`
    await sql`DROP TRIGGER hold_signed ON gridcall.chain_transactions`
  }

  test('one sends; killed between signed and broadcast, the other takes over: paid once, no gap', async () => {
    const [first, second] = runs as [Run, Run]
    await first.line(SENDS, STEP_MS)
    await second.line(WAITS, STEP_MS)
    const payment = await livePayout()
    expect(second.lines.some((line) => SENDS.test(line))).toBe(false)

    await holdSigned()
    await journal().intend('pay', payment)
    await until('the sender at its COMMIT', async () => {
      const held = await sql`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${LOCK} AND NOT granted`
      return held.length > 0 ? held : null
    })
    process.kill(first.pid, 'SIGKILL')
    for (const key of ['open-b', 'open-c']) {
      await journal().intend(key, await openIntent(world, terms(600)))
    }
    await letGo()
    await second.line(SENDS, STEP_MS)
    await event('RequestOpened', 3)
    await event('Paid', 2)
    expect(isRunning(first.pid)).toBe(false)

    const { paid, opened } = await witnessChain(chain.url, world.identity.pool)
    expect(paid.map(({ index, amount }) => [index, amount])).toEqual([
      [0, 40n * EUR],
      [1, 40n * EUR],
    ])
    expect(new Set(opened).size).toBe(3)
    expect(opened).toHaveLength(3)
    const sent = await sql<{ nonce: string }[]>`
      SELECT DISTINCT nonce FROM gridcall.chain_transactions ORDER BY nonce`
    expect(sent.map(({ nonce }) => Number(nonce))).toEqual(sent.map((_, i) => i))
    const count = Number(await chain.ask('eth_getTransactionCount', relayer, 'latest'))
    expect(count).toBe(sent.length)
    const said = runs.flatMap(({ lines }) => lines)
    expect(said.filter((line) => /filled a gap|refused for good/.test(line))).toEqual([])
  }, 400_000)
})
