import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { witnessChain } from '../../support/chain-witness.ts'
import {
  expectReconciled,
  orderCall,
  type RealWorld,
  removeTraces,
  startRealWorld,
  waitForState,
} from '../../support/real-world.ts'
import { wallTimer } from '../../support/wall-timer.ts'

const SIGNED = 4711
const RECORDED = 4712
const PAYOUT_MS = 90 * 60_000
const HELD_WITHIN_MS = 240_000

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

describe('the demo’s service is killed with SIGKILL around a payout', () => {
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
    return witnessChain(world.service.started.rpcUrl, pool)
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

  const recorded = () => sql`SELECT 1 FROM gridcall.chain_events WHERE kind = 'Paid'`

  test('between signed and broadcast, and between mined and recorded: paid once', async () => {
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
})
