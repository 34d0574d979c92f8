import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { afterEach, describe, expect, test } from 'vitest'
import type { EvidenceBundle } from '#domain/evidence.ts'
import { byResource, type Reading } from '#domain/telemetry.ts'
import { parseBundle } from '#domain/verification.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import { startRedis, type TestRedis, whyNoRedis } from '../../jobs/redis-server.ts'
import {
  type DemoJson,
  type DemoRun,
  gridcall,
  readFleetLog,
  startDemo,
  startDemoIn,
} from '../../support/demo-run.ts'
import { wallTimer } from '../../support/wall-timer.ts'

const SEED = '7'
const CONNECTED = /^30 devices are connected/
const MOVED = /^(\d+) charge points hang up and dial another gateway$/

let run: DemoRun | undefined
let redis: TestRedis | undefined
afterEach(async () => {
  await run?.stop()
  await redis?.stop()
  run = redis = undefined
})

describe('two gateways beside one service', () => {
  test('a third of the charge points dial the other one inside the window and keep their setpoint', async () => {
    run = startDemo('--once', '--gateways', '2', '--seed', SEED)
    await run.line(CONNECTED)
    expect(await queueSchemas(run)).toBe(1)
    const json = await endedWell(run)
    expect(json.gateways?.map(({ id, pid }) => [id, pid])).toEqual([
      ['gateway-1', run.pidOf('gateway-1')],
      ['gateway-2', run.pidOf('gateway-2')],
    ])
    for (const { devices } of json.gateways ?? []) expect(devices).toBeGreaterThan(5)
    expect(json.changedGateway?.stations).toBe(8)
    expect(json.changedGateway?.withSetpoint).toBeGreaterThan(0)
    expect(json.changedGateway?.kept).toBe(json.changedGateway?.withSetpoint)
    await expectBothSigned(json)
  })

  test.skipIf(whyNoRedis !== null)(
    'one is killed inside the window and the queue stands on Redis: the other takes over, nobody is blamed',
    async () => {
      redis = await startRedis()
      run = startDemoIn({ REDIS_URL: redis.url }, '--once', '--gateways', '2', '--seed', SEED)
      await run.line(CONNECTED)
      expect(await queueSchemas(run)).toBe(0)
      await run.line(MOVED)
      expect(await queueKeys(redis.url)).toBeGreaterThan(0)
      await wallTimer.sleep(1500) // those that moved have come back
      process.kill(run.pidOf('gateway-2'), 'SIGKILL')
      await run.line(/^gateway-2 is gone; its devices go to the others$/)
      const json = await endedWell(run)
      expect(json.gateways?.map(({ devices }) => devices)).toEqual([30, 0])
      await expectBothSigned(json)
    },
  )
})

/** Paid, every check held, no process left; and only who disobeys is blamed or let go early. */
async function endedWell(demo: DemoRun): Promise<DemoJson> {
  const json = await demo.json()
  expect(demo.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
  expect(await demo.ended()).toBe(0)
  expect(demo.left()).toEqual([])
  expect(json).toMatchObject({ state: 'paid', reconciled: true, backAtDefault: true })
  expect(json.delivered.ocppWh).toBeGreaterThan(0)
  expect(json.delivered.opcuaWh).toBeGreaterThan(0)
  const log = readFleetLog(json.fleetLog)
  expect(json.restarts.length).toBeGreaterThan(0)
  const disobeyed = log.filter(({ kind }) => kind === 'disobeys').map(({ ref }) => ref)
  expect(json.repairs.map(({ resource }) => resource).sort()).toEqual(disobeyed.sort())
  expect(letGoEarly(json, log).filter((ref) => !disobeyed.includes(ref))).toEqual([])
  return json
}

/**
 * Devices that went back to their default before the end of the setpoint they had and before their
 * turn: the planned one of those that are brought back one after the other, for whom a setpoint
 * outlasts the window in case nobody does; else the window's end.
 */
function letGoEarly(json: DemoJson, log: ReturnType<typeof readFleetLog>): string[] {
  const windowEnd = Date.parse(bundledScenario(Number(SEED)).calls.main.windowEnd)
  const turns = new Map(
    json.restarts.map(({ resource, restartsAt }) => [resource, Date.parse(restartsAt)]),
  )
  const validUntil = new Map<string, number>()
  return log.flatMap(({ ref, kind, at, ...more }) => {
    if (kind === 'setpoint') validUntil.set(ref, Date.parse(String(more.validUntil)))
    const due = Math.min(validUntil.get(ref) ?? 0, turns.get(ref) ?? windowEnd)
    return kind === 'default' && Date.parse(at) < due ? [ref] : []
  })
}

/** Some resource's readings came in through both; each chain is whole, and anybody can check all. */
async function expectBothSigned(json: DemoJson): Promise<void> {
  const { code, stdout } = await gridcall(['verify', json.evidence.file])
  expect(stdout).toContain('nothing differs')
  expect(code).toBe(0)
  const bundle: EvidenceBundle = parseBundle(readFileSync(json.evidence.file, 'utf8').trimEnd())
  const names = bundle.terms.gatewayKeys.map(({ id }) => id)
  expect(names).toEqual(['gateway-1', 'gateway-2', 'service-1'])
  expect(new Set(bundle.terms.gatewayKeys.map(({ publicKey }) => publicKey)).size).toBe(3)
  const throughBoth = [...byResource(bundle.readings)].filter(
    ([, readings]) => new Set((readings as Reading[]).map((r) => r.gatewayId)).size === 2,
  )
  expect(throughBoth.length).toBeGreaterThan(0)
  for (const [, readings] of throughBoth) {
    for (const name of names)
      expectWhole((readings as Reading[]).filter((r) => r.gatewayId === name))
  }
}

function expectWhole(readings: readonly Reading[]): void {
  const chain = readings.toSorted((a, b) => a.sequence - b.sequence)
  for (let i = 1; i < chain.length; i++) {
    expect(chain[i]?.sequence).toBe((chain[i - 1]?.sequence ?? 0) + 1)
    expect(chain[i]?.previousHash).toBe(chain[i - 1]?.hash)
  }
}

/** How many schemas of the queue stand in the database that the gateways were given. */
async function queueSchemas(demo: DemoRun): Promise<number> {
  const environment = readFileSync(`/proc/${demo.pidOf('gateway-1')}/environ`, 'utf8').split('\0')
  const given = environment.find((one) => one.startsWith('DATABASE_URL='))
  if (given === undefined) throw new Error('the gateway was given no database')
  const sql = postgres(given.slice('DATABASE_URL='.length), { max: 1 })
  try {
    const [row] = await sql<{ count: number }[]>`
      SELECT count(*)::int AS count FROM information_schema.schemata WHERE schema_name = 'bullmq'`
    return row?.count ?? -1
  } finally {
    await sql.end()
  }
}

async function queueKeys(url: string): Promise<number> {
  const client = new Redis(url)
  try {
    return (await client.keys('gridcall:calls:*')).length
  } finally {
    client.disconnect()
  }
}
