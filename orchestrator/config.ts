import { resolve } from 'node:path'
import { z } from 'zod'
import { type Instant, parseInstant } from '#domain/time.ts'

export const ROLES = ['all', 'api', 'gateway', 'worker', 'verifier', 'agent'] as const
export type Role = (typeof ROLES)[number]

/** Settings of one process, from its environment; secrets apart. */
export type Config = {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly ocppPort: number
  /** null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null
  /** null: the queue stands on PostgreSQL. */
  readonly redisUrl: string | null
  /** null: a local chain with play money. */
  readonly chainRpcUrl: string | null
  readonly speed: number
  /** Where a simulated scenario's business time begins; null: real use. */
  readonly clockStart: Instant | null
  readonly logLevel: string
  readonly meteringIntervalSeconds: number
  readonly disputeWindowSeconds: number
  readonly epochWindowSeconds: number
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Whole seconds, or a number with a unit: 90, 90s, 15m, 24h, 2d. @throws RangeError otherwise */
export function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? []
  if (digits === undefined)
    throw new RangeError(`expected a duration like 90s, 15m, 24h, got ${text}`)
  return Number(digits) * UNITS[(unit || 's') as keyof typeof UNITS]
}

const Duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text)
  } catch (error) {
    context.issues.push({ code: 'custom', message: String((error as Error).message), input: text })
    return z.NEVER
  }
})
const Port = z.coerce.number().int().min(0).max(65_535)
const Url = z.url()

const Environment = z.object({
  GRIDCALL_DATA_DIR: z.string().default('.data'),
  HOST: z.string().default('127.0.0.1'),
  PORT: Port.default(8080),
  OCPP_PORT: Port.default(8887),
  DATABASE_URL: Url.optional(),
  REDIS_URL: Url.optional(),
  CHAIN_RPC_URL: Url.optional(),
  GRIDCALL_SPEED: z.coerce.number().positive().max(600).default(1),
  GRIDCALL_CLOCK_START: z.string().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  GRIDCALL_METERING_INTERVAL: Duration.prefault('30s'),
  GRIDCALL_DISPUTE_WINDOW: Duration.prefault('24h'),
  GRIDCALL_EPOCH_WINDOW: Duration.prefault('24h'),
})

/**
 * Reads the settings. @throws Error with one sentence per wrong setting: its name, what was
 * expected, what came
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const read = Environment.safeParse(environment)
  if (!read.success) {
    const lines = read.error.issues.map((issue) => {
      const name = String(issue.path[0])
      return `${name}: ${issue.message}, got ${JSON.stringify(environment[name])}`
    })
    throw new Error(lines.join('\n'))
  }
  const found = read.data
  const clockStart =
    found.GRIDCALL_CLOCK_START === undefined ? null : parseInstant(found.GRIDCALL_CLOCK_START)
  if (found.GRIDCALL_SPEED !== 1 && (found.CHAIN_RPC_URL !== undefined || clockStart === null)) {
    throw new Error(
      'GRIDCALL_SPEED: expected 1 with a chain or devices that are not simulated, ' +
        `got ${found.GRIDCALL_SPEED}`,
    )
  }
  return Object.freeze({
    dataDir: resolve(found.GRIDCALL_DATA_DIR),
    host: found.HOST,
    port: found.PORT,
    ocppPort: found.OCPP_PORT,
    databaseUrl: found.DATABASE_URL ?? null,
    redisUrl: found.REDIS_URL ?? null,
    chainRpcUrl: found.CHAIN_RPC_URL ?? null,
    speed: found.GRIDCALL_SPEED,
    clockStart,
    logLevel: found.LOG_LEVEL,
    meteringIntervalSeconds: found.GRIDCALL_METERING_INTERVAL,
    disputeWindowSeconds: found.GRIDCALL_DISPUTE_WINDOW,
    epochWindowSeconds: found.GRIDCALL_EPOCH_WINDOW,
  })
}
