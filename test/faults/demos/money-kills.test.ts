import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { witnessChain } from '../../support/chain-witness.ts'
import { restoreBackup, takeBackup } from '../../support/database-backup.ts'
import {
  expectReconciled,
  orderCall,
  type RealWorld,
  removeTraces,
  startRealWorld,
  waitForState,
  waitUntil,
} from '../../support/real-world.ts'
import { wallTimer } from '../../support/wall-timer.ts'
import { askNode } from '../../adapters/evm/support/anvil.ts'

const SIGNED = 4711
const RECORDED = 4712
const OPENED = 4713
const PAYOUT_MS = 90 * 60_000
const HELD_WITHIN_MS = 240_000
/** Business time; three looks at the books, the chain read again, and three looks more. */
const ALARM_MS = 120 * 60_000

/*
 * The database holds the service still at the very statement: a trigger waits for a lock that the
 * test has. So the service is killed between two of its steps, and not about then.
 */
const TRIGGERS = `
CREATE FUNCTION public.hold_signed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.business_key LIKE 'pay:%' THEN
    PERFORM pg_advisory_lock_shared(${SIGNED}); PERFORM pg_advisory_unlock_shared(${SIGNED});
  END IF;
  RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hold_signed AFTER INSERT ON gridcall.chain_transactions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold_signed();
CREATE FUNCTION public.hold_recorded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.kind = 'Paid' THEN
    PERFORM pg_advisory_lock_shared(${RECORDED}); PERFORM pg_advisory_unlock_shared(${RECORDED});
  END IF;
  RETURN NEW; END $$;
CREATE TRIGGER hold_recorded BEFORE INSERT ON gridcall.chain_events
  FOR EACH ROW EXECUTE FUNCTION public.hold_recorded();`

/** The second epoch is not opened before the test says so. */
const EPOCH_TRIGGER = `
CREATE FUNCTION public.hold_opened() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.epoch = 2 THEN
    PERFORM pg_advisory_lock_shared(${OPENED}); PERFORM pg_advisory_unlock_shared(${OPENED});
  END IF;
  RETURN NEW; END $$;
CREATE TRIGGER hold_opened BEFORE INSERT ON gridcall.payout_epochs
  FOR EACH ROW EXECUTE FUNCTION public.hold_opened();`

describe('the demo’s service on a bad day', () => {
  const stops: (() => Promise<void>)[] = []
  let world: RealWorld
  let sql: Sql

  beforeAll(async () => {
    world = await startRealWorld((stop) => void stops.push(stop))
    sql = postgres(world.service.started.databaseUrl, { max: 1, onnotice: () => undefined })
    await sql.unsafe(TRIGGERS)
    await sql`SELECT pg_advisory_lock(${SIGNED}), pg_advisory_lock(${RECORDED})`
  }, 150_000)
  afterAll(async () => {
    await sql?.end()
    await Promise.all(stops.map((stop) => stop()))
    if (world) await removeTraces(world)
  }, 60_000)

  /** The session of the service that waits for a lock now. */
  async function heldAt(lock: number): Promise<number> {
    const waits = async () => {
      for (;;) {
        const [held] = await sql<{ pid: number }[]>`
          SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${lock} AND NOT granted`
        if (held) return held.pid
        await wallTimer.sleep(20)
      }
    }
    return wallTimer.deadline(waits(), HELD_WITHIN_MS, `the service at lock ${lock}`)
  }

  async function onChain() {
    const { pool } = await world.parties.operator.get<{ pool: string }>('/v1/operator/parties')
    return witnessChain(String(world.service.started.rpcUrl), pool)
  }

  /** A killed service is started again on the same data. */
  async function untilAnswers(): Promise<void> {
    const answers = async () => {
      while (!(await fetch(`${world.url()}/readyz`).catch(() => null))?.ok) {
        await wallTimer.sleep(200)
      }
    }
    await wallTimer.deadline(answers(), 60_000, 'the service, started again')
  }

  const readiness = async () => {
    const answer = await fetch(`${world.url()}/readyz`)
    return (await answer.json()) as { books: { agree: boolean } }
  }

  /** The service is gone, its database is another day's, and it is started again on that. */
  async function restore(backup: string): Promise<void> {
    process.kill(world.service.pid, 'SIGKILL')
    await restoreBackup(sql, backup)
    await untilAnswers()
  }

  const relayedCount = async () => {
    const { relayer } = await world.parties.operator.get<{ relayer: string }>(
      '/v1/operator/parties',
    )
    const asked = ['eth_getTransactionCount', [relayer, 'latest']] as const
    return Number(await askNode(String(world.service.started.rpcUrl), asked[0], [...asked[1]]))
  }

  const recorded = () => sql`SELECT 1 FROM gridcall.chain_events WHERE kind = 'Paid'`

  test('is killed between signed and broadcast, and between mined and recorded: paid once', async () => {
    const wanted = { point: 'cp-south', direction: 'increase-import', powersW: [3000] } as const
    const { id, endMs } = await orderCall(world, 'killed', wanted)

    await heldAt(SIGNED) // in its COMMIT: what follows is the broadcast
    process.kill(world.service.pid, 'SIGKILL')
    await sql`SELECT pg_advisory_unlock(${SIGNED})`
    await sql`DROP TRIGGER hold_signed ON gridcall.chain_transactions`
    const signed = await sql`
      SELECT hash FROM gridcall.chain_transactions WHERE business_key LIKE 'pay:%'`
    expect(signed).toHaveLength(1) // and the chain has not heard of it: nothing else knew it

    const session = await heldAt(RECORDED) // started again: it was sent, it is mined, it is read
    process.kill(world.service.pid, 'SIGKILL')
    await sql`SELECT pg_terminate_backend(${session})`
    await sql`SELECT pg_advisory_unlock(${RECORDED})`
    await sql`DROP TRIGGER hold_recorded ON gridcall.chain_events`
    expect(await recorded()).toHaveLength(0)

    await untilAnswers()
    const call = await waitForState(world, id, 'paid', Math.max(endMs, world.now()) + PAYOUT_MS)
    const { paid } = await onChain()
    const leaves = paid.map(({ epoch, index }) => `epoch ${epoch}, leaf ${index}`)
    expect(leaves).toEqual([...new Set(leaves)])
    const sum = paid.reduce((total, { amount }) => total + amount, 0n)
    expect(sum).toBe(BigInt(call.escrow?.paidMinor ?? 0))
    expect(sum).toBeGreaterThan(0n)
    const all = await sql`
      SELECT hash FROM gridcall.chain_transactions WHERE business_key LIKE 'pay:%'`
    expect(all).toEqual(signed) // the same bytes, and no others
    await expectReconciled(world)
  }, 400_000)

  test('has yesterday’s database: paid once; what it can make again it takes over, the rest it lists', async () => {
    const { operator } = world.parties
    await takeBackup(sql, 'before_the_call')
    await sql.unsafe(EPOCH_TRIGGER)
    await sql`SELECT pg_advisory_lock(${OPENED})`
    const wanted = { point: 'cp-north', direction: 'reduce-import', powersW: [4000] } as const
    const { id, endMs } = await orderCall(world, 'yesterday', wanted)
    await heldAt(OPENED)
    await takeBackup(sql, 'before_the_payout')
    await sql`SELECT pg_advisory_unlock(${OPENED})`
    await sql`DROP TRIGGER hold_opened ON gridcall.payout_epochs`
    const call = await waitForState(world, id, 'paid', endMs + PAYOUT_MS)
    const requestId = call.escrow?.requestId ?? ''
    await expectReconciled(world)
    const [chain, sent] = [await onChain(), await relayedCount()]
    const payments = () => sql`SELECT * FROM gridcall.payments ORDER BY epoch, payee`
    const ordered = await payments()

    await restore('before_the_call')
    const differences = await waitUntil(world, 'the alarm', world.now() + ALARM_MS, async () => {
      const { books } = await readiness()
      if (books.agree) return null
      const found = await operator.get<{ differences: string[] }>('/v1/operator/reconciliation')
      return found.differences
    })
    expect(differences).toContain('epoch 2 is on the chain and not in the database')
    expect(differences.some((each) => each.startsWith(`request ${requestId} holds or held`))).toBe(
      true,
    )
    const epochs = () => sql`SELECT epoch, state FROM gridcall.payout_epochs`
    expect(await epochs()).toEqual([{ epoch: 1, state: 'paid' }]) // nothing was made up
    expect(await relayedCount()).toBe(sent)

    await restore('before_the_payout')
    const again = await waitForState(world, id, 'paid', world.now() + ALARM_MS)
    expect(again.escrow).toEqual(call.escrow)
    await expectReconciled(world)
    expect(await payments()).toEqual(ordered)
    expect(await onChain()).toEqual(chain)
    expect(await relayedCount()).toBe(sent) // not one transaction more
    await waitUntil(world, 'the alarm is over', world.now() + ALARM_MS, async () =>
      (await readiness()).books.agree ? true : null,
    )
  }, 600_000)
})
