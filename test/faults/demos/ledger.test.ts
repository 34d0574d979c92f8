import { readFileSync, writeFileSync } from 'node:fs'
import postgres, { type Sql } from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import {
  apiUrlOf,
  type DemoJson,
  type DemoRun,
  gridcall,
  startDemoIn,
} from '../../support/demo-run.ts'
import { wallTimer } from '../../support/wall-timer.ts'

const PAYING = 4811
const RECORDING = 4812
const HELD_WITHIN_MS = 300_000

/*
 * The database holds the service still at the very statement: a trigger waits for a lock that the
 * test has. First in the COMMIT of the first payment, then where the epoch that is paid is
 * recorded as paid.
 */
const TRIGGERS = `
CREATE FUNCTION public.hold_paying() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.debit = 'allocated' THEN
    PERFORM pg_advisory_lock_shared(${PAYING}); PERFORM pg_advisory_unlock_shared(${PAYING});
  END IF;
  RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hold_paying AFTER INSERT ON gridcall.pool_transfers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.hold_paying();
CREATE FUNCTION public.hold_recording() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.state = 'paid' THEN
    PERFORM pg_advisory_lock_shared(${RECORDING}); PERFORM pg_advisory_unlock_shared(${RECORDING});
  END IF;
  RETURN NEW; END $$;
CREATE TRIGGER hold_recording BEFORE INSERT OR UPDATE ON gridcall.payout_epochs
  FOR EACH ROW EXECUTE FUNCTION public.hold_recording();`

let database: TestDatabase
let run: DemoRun
let sql: Sql

beforeAll(async () => {
  database = await createTestDatabase()
  sql = postgres(database.url, { max: 1, onnotice: () => undefined })
  const env = { DATABASE_URL: database.url }
  run = startDemoIn(env, '--rail', 'ledger', '--disobey', '1', '--seed', '5')
}, 60_000)
afterAll(async () => {
  await run?.stop()
  await sql?.end()
  await database?.drop()
}, 60_000)

/** Kills the service where it waits for a lock, and breaks off what it has asked the database. */
async function killAt(lock: number): Promise<void> {
  const waits = async () => {
    for (;;) {
      const [held] = await sql<{ pid: number }[]>`
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = ${lock} AND NOT granted`
      if (held) return held.pid
      await wallTimer.sleep(20)
    }
  }
  const session = await wallTimer.deadline(waits(), HELD_WITHIN_MS, `the service at lock ${lock}`)
  const { length } = run.lines
  process.kill(run.pidOf('all'), 'SIGKILL')
  await sql`SELECT pg_terminate_backend(${session})`
  await sql`SELECT pg_advisory_unlock(${lock})`
  const restarted = async () => {
    while (!run.lines.slice(length).some((line) => line.startsWith('all runs as process'))) {
      await wallTimer.sleep(50)
    }
  }
  await wallTimer.deadline(restarted(), 90_000, 'the service, started again')
}

const paidOut = () => sql<{ id: string; amount: string }[]>`
  SELECT id, amount::text FROM gridcall.pool_transfers WHERE debit = 'allocated'`
const told = () => sql`SELECT 1 FROM gridcall.chain_events WHERE kind = 'Paid'`

test('without a chain, killed while it pays and before it knows that it has: all is paid once', async () => {
  await run.line(/^\d+ devices are connected/)
  await sql.unsafe(TRIGGERS)
  await sql`SELECT pg_advisory_lock(${PAYING}), pg_advisory_lock(${RECORDING})`

  await killAt(PAYING)
  await sql`DROP TRIGGER hold_paying ON gridcall.pool_transfers`
  await killAt(RECORDING)
  await sql`DROP TRIGGER hold_recording ON gridcall.payout_epochs`
  const first = await paidOut()
  expect(first.length).toBeGreaterThan(0) // the money had moved, and nobody had written it down

  const json = await run.json()
  expect(run.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
  expect(json).toMatchObject({ state: 'paid', reconciled: true, differences: [], rail: 'ledger' })
  expect(json.chain.chainId).toBe(0)
  expect(run.lines).toContainEqual(expect.stringMatching(/^No chain is configured: /))
  await expectPaidOnce(json)
  await expectPapers(json)
  await expectBooks(json)
  await run.stop()
  expect(await run.ended()).toBe(0)
  expect(run.left()).toEqual([])
}, 600_000)

/** What left the payouts of active epochs is what the escrows gave, each row of the tree once. */
async function expectPaidOnce({ escrow, otherCalls }: DemoJson): Promise<void> {
  const transfers = await paidOut()
  const escrows = [escrow, ...otherCalls.map((call) => call.escrow)]
  const sum = (amounts: readonly string[]) => amounts.reduce((all, one) => all + BigInt(one), 0n)
  expect(sum(transfers.map(({ amount }) => amount))).toBe(
    sum(escrows.map((one) => one?.paidMinor ?? '0')),
  )
  expect(await told()).toHaveLength(transfers.length)
  const moved = await sql<{ account: string }[]>`
    SELECT account FROM gridcall.pool_accounts WHERE debits_pending > 0 OR credits_pending > 0`
  expect(moved).toEqual([])
}

/** Three verifiers without a database have signed; documents of the month add up. */
async function expectPapers(json: DemoJson): Promise<void> {
  expect(json.attestations.signed).toBeGreaterThanOrEqual(json.attestations.required)
  const verified = await gridcall(['verify', json.evidence.file])
  expect(verified.stdout).toContain('nothing differs\n')
  const document = async (role: 'owner' | 'dso', name: string) => {
    const [, key = ''] = await run.line(new RegExp(`^ {2}${role}: (\\S+)$`))
    const headers = { authorization: `Bearer ${key}` }
    return fetch(`${apiUrlOf(run)}/v1/${role}/${name}?format=csv`, { headers })
  }
  const statement = await (await document('owner', 'statement')).text()
  expect(statement.split('\n').length).toBeGreaterThan(1)
  const { status, headers } = await document('dso', 'reconciliation')
  expect({ status, reconciled: headers.get('gridcall-reconciled') }).toEqual({
    status: 200,
    reconciled: 'true',
  })
}

/** The saved books are checked without service and database; one digit more is found. */
async function expectBooks(json: DemoJson): Promise<void> {
  const offline = (file: string) => gridcall(['chain', 'reconcile', '--offline', file, '--json'])
  const whole = await offline(json.chainFile)
  expect(JSON.parse(whole.stdout)).toMatchObject({ reconciled: true, differences: [], chainId: 0 })
  const file = `${json.chainFile}.changed`
  const text = readFileSync(json.chainFile, 'utf8')
  writeFileSync(file, text.replace(/"windowEnd":(\d+)/, '"windowEnd":1$1'))
  const changed = await offline(file)
  expect(changed.code).toBe(1)
  expect(changed.stdout).toMatch(/entry \d+ of the journal: its hash is 0x/)
}
