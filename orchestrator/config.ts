import { join, resolve } from 'node:path'
import { z } from 'zod'
import { type Address, type GatewayId, gatewayId } from '#domain/ids.ts'
import { type Instant, parseInstant } from '#domain/time.ts'

/** The service: HTTP and pages, device connections, lifecycle steps and chain. */
const PARTS = ['api', 'gateway', 'worker'] as const
export type Part = (typeof PARTS)[number]

/** What one process is: parts of the service, or a party with a key and a mind of its own. */
export type Role =
  | { readonly kind: 'service'; readonly parts: ReadonlySet<Part> }
  | { readonly kind: 'verifier' }
  | { readonly kind: 'agent' }

/** Reads `--role`: all, one of the parts, several with commas, verifier or agent. @throws Error */
export function parseRole(text: string): Role {
  if (text === 'verifier' || text === 'agent') return { kind: text }
  if (text === 'all') return { kind: 'service', parts: new Set(PARTS) }
  const parts = text.split(',').map((word) => PARTS.find((part) => part === word))
  if (parts.every((part) => part !== undefined)) return { kind: 'service', parts: new Set(parts) }
  const expected = `all, ${PARTS.join(', ')} (several with commas), verifier or agent`
  throw new Error(`--role: expected ${expected}, got ${text}`)
}

/** How charge points prove who they are; files are PEM. */
export type OcppSecurity = {
  /** 1: password over plain ws; 2: TLS and password; 3: TLS and a certificate of the station. */
  readonly profile: 1 | 2 | 3
  readonly certificateFiles: readonly string[]
  readonly keyFiles: readonly string[]
  readonly clientCaFile: string | null
  readonly clientCrlFile: string | null
}

/** Settings of one process, from its environment; secrets apart. */
export type Config = {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly ocppPort: number
  readonly ocppSecurity: OcppSecurity
  /** permessage-deflate for OCPP 2.x stations that offer it. */
  readonly ocppCompression: boolean
  /** Where charge points reach this gateway from outside; null: at host and OCPP port. */
  readonly ocppUrl: string | null
  /** The name under which this process signs readings; null: that of its role. */
  readonly gateway: GatewayId | null
  /** null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null
  /** null: the queue stands on PostgreSQL. */
  readonly redisUrl: string | null
  /** null: no chain, or the local one of a simulated scenario, whose euros are play money. */
  readonly chainRpcUrl: string | null
  /** What chain deploy wrote for the pool on that chain; needed the first time. */
  readonly chainManifest: string | null
  /** Where the money is: on an EVM chain, or on a ledger in the database. */
  readonly rail: 'evm' | 'ledger'
  readonly speed: number
  /** Where a simulated scenario's business time begins; null: real use. */
  readonly clockStart: Instant | null
  readonly logLevel: string
  readonly meteringIntervalSeconds: number
  readonly disputeWindowSeconds: number
  readonly epochWindowSeconds: number
  /** From a request's deadline to its refund; half of it bounds a pause. */
  readonly refundGraceSeconds: number
  /** How long money that a settlement held can still be settled. */
  readonly heldWindowSeconds: number
  /** Business time between two comparisons of contract, events, ledger and token balance. */
  readonly reconcileEverySeconds: number
  /** Whose signature decides on it too; null: nobody's. */
  readonly arbiter: Address | null
  /** What invoices say about VAT; null: that nothing is set. */
  readonly taxNote: string | null
  /** The file of the key that seals bank accounts. */
  readonly ibanKeyFile: string
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
const Files = z.string().transform((text) =>
  text
    .split(',')
    .map((file) => file.trim())
    .filter((file) => file !== '')
    .map((file) => resolve(file)),
)
const Name = z.string().transform((text, context) => {
  try {
    return gatewayId(text)
  } catch (error) {
    context.issues.push({ code: 'custom', message: String((error as Error).message), input: text })
    return z.NEVER
  }
})

const Environment = z.object({
  GRIDCALL_DATA_DIR: z.string().default('.data'),
  HOST: z.string().default('127.0.0.1'),
  PORT: Port.default(8080),
  OCPP_PORT: Port.default(8887),
  GRIDCALL_OCPP_SECURITY_PROFILE: z.enum(['1', '2', '3']).optional(),
  GRIDCALL_OCPP_TLS_CERT: Files.default([]),
  GRIDCALL_OCPP_TLS_KEY: Files.default([]),
  GRIDCALL_OCPP_TLS_CLIENT_CA: Files.default([]),
  GRIDCALL_OCPP_TLS_CLIENT_CRL: Files.default([]),
  GRIDCALL_OCPP_COMPRESSION: z.enum(['on', 'off']).default('off'),
  OCPP_URL: Url.optional(),
  GRIDCALL_GATEWAY: Name.optional(),
  DATABASE_URL: Url.optional(),
  REDIS_URL: Url.optional(),
  CHAIN_RPC_URL: Url.optional(),
  GRIDCALL_CHAIN_MANIFEST: z
    .string()
    .transform((file) => resolve(file))
    .optional(),
  GRIDCALL_RAIL: z.enum(['evm', 'ledger']).optional(),
  GRIDCALL_SPEED: z.coerce.number().positive().max(600).default(1),
  GRIDCALL_CLOCK_START: z.string().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  GRIDCALL_METERING_INTERVAL: Duration.prefault('30s'),
  GRIDCALL_DISPUTE_WINDOW: Duration.prefault('24h'),
  GRIDCALL_EPOCH_WINDOW: Duration.prefault('24h'),
  GRIDCALL_REFUND_GRACE: Duration.prefault('14d'),
  GRIDCALL_HELD_WINDOW: Duration.prefault('720h'),
  GRIDCALL_RECONCILE_EVERY: Duration.prefault('1h'),
  GRIDCALL_ARBITER: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'expected 0x and 40 hexadecimal digits')
    .transform((text) => text as Address)
    .optional(),
  GRIDCALL_TAX_NOTE: z.string().min(1).max(500).optional(),
  GRIDCALL_IBAN_KEY: z.string().min(1).optional(),
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
    ocppSecurity: ocppSecurityOf(found),
    ocppCompression: found.GRIDCALL_OCPP_COMPRESSION === 'on',
    ocppUrl: found.OCPP_URL ?? null,
    gateway: found.GRIDCALL_GATEWAY ?? null,
    databaseUrl: found.DATABASE_URL ?? null,
    redisUrl: found.REDIS_URL ?? null,
    chainRpcUrl: found.CHAIN_RPC_URL ?? null,
    chainManifest: found.GRIDCALL_CHAIN_MANIFEST ?? null,
    rail: railOf(found, clockStart),
    speed: found.GRIDCALL_SPEED,
    clockStart,
    logLevel: found.LOG_LEVEL,
    meteringIntervalSeconds: found.GRIDCALL_METERING_INTERVAL,
    disputeWindowSeconds: found.GRIDCALL_DISPUTE_WINDOW,
    epochWindowSeconds: found.GRIDCALL_EPOCH_WINDOW,
    refundGraceSeconds: found.GRIDCALL_REFUND_GRACE,
    heldWindowSeconds: found.GRIDCALL_HELD_WINDOW,
    reconcileEverySeconds: found.GRIDCALL_RECONCILE_EVERY,
    arbiter: found.GRIDCALL_ARBITER ?? null,
    taxNote: found.GRIDCALL_TAX_NOTE ?? null,
    ibanKeyFile: resolve(
      found.GRIDCALL_IBAN_KEY ?? join(found.GRIDCALL_DATA_DIR, 'keys', 'iban.key'),
    ),
  })
}

/**
 * Nothing said: the chain that is named, else the ledger. A local chain is for simulated scenarios
 * only, because its money is play money. @throws Error for settings that contradict each other
 */
function railOf(
  { GRIDCALL_RAIL: said, CHAIN_RPC_URL: chain }: z.output<typeof Environment>,
  clockStart: Instant | null,
): Config['rail'] {
  if (said === 'ledger' && chain !== undefined) {
    throw new Error('GRIDCALL_RAIL: expected evm with CHAIN_RPC_URL, got ledger')
  }
  if (said === 'evm' && chain === undefined && clockStart === null) {
    throw new Error('GRIDCALL_RAIL: expected ledger without CHAIN_RPC_URL, got evm')
  }
  return said ?? (chain === undefined ? 'ledger' : 'evm')
}

/**
 * Nothing said: TLS as soon as others than this machine can reach the port, or there is a
 * certificate. @throws Error for settings that contradict each other
 */
function ocppSecurityOf(found: z.output<typeof Environment>): OcppSecurity {
  const certificateFiles = found.GRIDCALL_OCPP_TLS_CERT
  const keyFiles = found.GRIDCALL_OCPP_TLS_KEY
  const [clientCaFile = null] = found.GRIDCALL_OCPP_TLS_CLIENT_CA
  const [clientCrlFile = null] = found.GRIDCALL_OCPP_TLS_CLIENT_CRL
  const said = found.GRIDCALL_OCPP_SECURITY_PROFILE
  const needsTls = certificateFiles.length > 0 || !isLoopback(found.HOST)
  const fallback = clientCaFile !== null ? '3' : needsTls ? '2' : '1'
  const profile = Number(said ?? fallback) as OcppSecurity['profile']
  if (certificateFiles.length !== keyFiles.length) {
    throw new Error(
      'GRIDCALL_OCPP_TLS_KEY: expected one file for each of GRIDCALL_OCPP_TLS_CERT ' +
        `(${certificateFiles.length}), got ${keyFiles.length}`,
    )
  }
  if (profile === 1 && certificateFiles.length > 0) {
    throw new Error('GRIDCALL_OCPP_SECURITY_PROFILE: expected 2 or 3 with a certificate, got 1')
  }
  if (profile === 3 && clientCaFile === null) {
    throw new Error(
      'GRIDCALL_OCPP_TLS_CLIENT_CA: expected the file of who certifies the charge points ' +
        '(GRIDCALL_OCPP_SECURITY_PROFILE is 3), got none',
    )
  }
  if (profile !== 3 && (clientCaFile ?? clientCrlFile) !== null) {
    throw new Error(
      `GRIDCALL_OCPP_SECURITY_PROFILE: expected 3 with GRIDCALL_OCPP_TLS_CLIENT_CA or ` +
        `GRIDCALL_OCPP_TLS_CLIENT_CRL, got ${profile}`,
    )
  }
  return { profile, certificateFiles, keyFiles, clientCaFile, clientCrlFile }
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)
}

/**
 * For whoever opens the port of charge points. @throws Error if that would need a certificate and
 * there is none
 */
export function refuseOcppWithoutCertificate({ host, ocppSecurity }: Config): void {
  const { profile, certificateFiles } = ocppSecurity
  if (profile === 1 || certificateFiles.length > 0) return
  throw new Error(
    `GRIDCALL_OCPP_TLS_CERT: security profile ${profile} on ${host} needs TLS: expected PEM files ` +
      'here and in GRIDCALL_OCPP_TLS_KEY, got none; GRIDCALL_OCPP_SECURITY_PROFILE=1 goes ' +
      'without, for a private network',
  )
}
