import { and, asc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { CallId } from '#domain/ids.ts'
import { type PromisedPeriod, type PromiseRole, shareAnInstant } from '#domain/promised.ts'
import { addSeconds } from '#domain/time.ts'
import type { PromiseRepository } from '#store-ports.ts'
import { lockByName } from './advisory-lock.ts'
import { anyOf, bigintArray, textArray } from './array-parameter.ts'
import type { Transaction } from './connection.ts'
import { LONGEST_RUN_SECONDS, type PromisedRun, periodsOf, runsOf } from './promised-runs.ts'
import { promises } from './schema.ts'

export function promiseRepository(tx: Transaction): PromiseRepository {
  return {
    async take(callId, wanted, role) {
      if (wanted.length === 0) return []
      const own = role === 'order' ? await fromReserve(tx, callId, wanted) : new Set<string>()
      const runs = runsOf(wanted.filter((period) => !own.has(keyOf(period))))
      const whole = await insert(tx, callId, role, runs)
      const missing = runs.filter((run) => !whole.has(runKey(run)))
      // Where something of a run is promised already, the rest is taken period by period.
      const singles = missing.map(periodsOf).filter((mine) => mine.length > 1)
      const parts = singles.flat().flatMap((period) => runsOf([period]))
      const rest = await insert(tx, callId, role, parts)
      const made = [...runs, ...parts].filter((run) => {
        const key = runKey(run)
        return whole.has(key) || rest.has(key)
      })
      const taken = new Set([...own, ...made.flatMap(periodsOf).map(keyOf)])
      // Each once, also where the same was wanted twice.
      return wanted.filter((period) => taken.delete(keyOf(period)))
    },
    lockCongestionPoint: async (id) => lockByName(tx, [`congestion point ${id}`]),
    async taken(resourceIds, from, until) {
      const rows = await tx
        .select()
        .from(promises)
        .where(
          and(
            anyOf(promises.resourceId, resourceIds),
            gte(promises.runStart, addSeconds(from, -LONGEST_RUN_SECONDS)),
            lt(promises.runStart, until),
            gt(promises.runEnd, from),
          ),
        )
        .orderBy(asc(promises.resourceId), asc(promises.runStart))
      const asked = { periodStart: from, periodEnd: until }
      return rows.flatMap(({ callId, role, ...run }) =>
        periodsOf(run)
          .filter((period) => shareAnInstant(period, asked))
          .map((period) => ({ ...period, callId, role })),
      )
    },
    async release(callId, from, resourceIds) {
      const mine = and(
        eq(promises.callId, callId),
        resourceIds ? anyOf(promises.resourceId, resourceIds) : undefined,
      )
      await tx.delete(promises).where(and(mine, gte(promises.runStart, from)))
      const { runStart, runEnd, periodSeconds } = promises
      const length = sql`(1000::bigint * ${periodSeconds})`
      const begun = sql`${runStart} + (${from} - ${runStart} + ${length} - 1) / ${length} * ${length}`
      await tx
        .update(promises)
        .set({ runEnd: begun })
        .where(and(mine, lt(runStart, from), sql`${runEnd} > ${begun}`))
    },
  }
}

/** Writes what is free, and returns the keys of it. */
async function insert(
  tx: Transaction,
  callId: CallId,
  role: PromiseRole,
  runs: readonly PromisedRun[],
): Promise<Set<string>> {
  if (runs.length === 0) return new Set()
  // The runs come in one order, so that two calls that want the same cannot block each other for
  // ever. DO NOTHING without a target: the key and the exclusion constraint both count.
  const { rows } = await tx.execute<{
    resource_id: string
    run_start: string
    run_end: string
  }>(sql`
    INSERT INTO ${promises} (resource_id, run_start, run_end, period_seconds, call_id, role)
    SELECT resource_id, run_start, run_end, period_seconds, ${callId}, ${role}
    FROM ${unnested(runs)}
    ON CONFLICT DO NOTHING
    RETURNING resource_id, run_start, run_end`)
  return new Set(rows.map((row) => `${row.resource_id} ${row.run_start} ${row.run_end}`))
}

function unnested(runs: readonly PromisedRun[]): SQL {
  return sql`unnest(
    ${textArray(runs.map((run) => run.resourceId))},
    ${bigintArray(runs.map((run) => run.runStart))},
    ${bigintArray(runs.map((run) => run.runEnd))},
    ${bigintArray(runs.map((run) => run.periodSeconds))}
  ) AS wanted (resource_id, run_start, run_end, period_seconds)`
}

/** What the call had in reserve becomes its order; returns the keys of the periods that did. */
async function fromReserve(
  tx: Transaction,
  callId: CallId,
  wanted: readonly PromisedPeriod[],
): Promise<Set<string>> {
  const reserve = and(
    eq(promises.callId, callId),
    eq(promises.role, 'reserve'),
    anyOf(promises.resourceId, [...new Set(wanted.map(({ resourceId }) => resourceId))]),
  )
  const rows = await tx.select().from(promises).where(reserve).for('update')
  const asked = new Set(wanted.map(keyOf))
  const ordered: PromisedPeriod[] = []
  const left: PromisedPeriod[] = []
  for (const row of rows) {
    for (const period of periodsOf(row)) (asked.has(keyOf(period)) ? ordered : left).push(period)
  }
  if (ordered.length === 0) return new Set()
  await tx.delete(promises).where(reserve)
  const written = [
    ...(await insert(tx, callId, 'order', runsOf(ordered))),
    ...(await insert(tx, callId, 'reserve', runsOf(left))),
  ]
  if (written.length !== runsOf(ordered).length + runsOf(left).length) {
    throw new Error(`${callId}: what stood in its reserve was promised elsewhere meanwhile`)
  }
  return new Set(ordered.map(keyOf))
}

function keyOf({ resourceId, periodStart, periodEnd }: PromisedPeriod): string {
  return `${resourceId} ${periodStart} ${periodEnd}`
}

function runKey({ resourceId, runStart, runEnd }: PromisedRun): string {
  return `${resourceId} ${runStart} ${runEnd}`
}
