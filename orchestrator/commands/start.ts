import { parseArgs } from 'node:util'
import {
  type Config,
  parseRole,
  type Part,
  readConfig,
  refuseOcppWithoutCertificate,
  type Role,
} from '#config.ts'
import { instant } from '#domain/time.ts'
import { createLog } from '#observability/logger.ts'
import { holdDataFolder } from '#processes/data-folder.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import { refuseTakenPort, startServers } from '#supervisor.ts'

const HELP = `gridcall start [--role ROLE]

Runs the service. Nothing set: PostgreSQL is brought along and kept in GRIDCALL_DATA_DIR (default
.data), and money is on a ledger in it, without a chain. DATABASE_URL and REDIS_URL name servers
of your own, CHAIN_RPC_URL an EVM chain, and then money is there.

  all         everything but the parties, in one process (default)
  api,worker  the service without devices; brings along what is not set
  gateway     device connections; needs DATABASE_URL, and GRIDCALL_GATEWAY for a second one
  api         HTTP and pages; needs DATABASE_URL, and CHAIN_RPC_URL if there is a chain
  worker      lifecycle steps and chain or ledger; needs the same, is alone without REDIS_URL
  verifier    recomputes and signs; needs no database, but the GRIDCALL_PARTY… settings
  agent       pays owners; likewise`

/** What an operator has to know of money that no chain guards. */
const ON_LEDGER =
  'No chain is configured: money lies on an escrow account at a bank, and this database keeps its ' +
  'ledger. A payer can spend what was booked from the bank statement; set CHAIN_RPC_URL for a chain.'

type Running = { readonly failed?: Promise<never>; stop(): Promise<void> }

/** `gridcall start`: the service, until it is told to end. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { role: { type: 'string', default: 'all' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const role = parseRole(values.role)
  const told = untilTold() // also while it starts: what was begun is ended properly
  const running = await startAs(role, values.role, told)
  try {
    await Promise.race([told, ...(running.failed === undefined ? [] : [running.failed])])
  } finally {
    await running.stop()
  }
  return 0
}

/** Each role loads only what it needs: a verifier knows neither database nor devices. */
async function startAs(role: Role, name: string, told: Promise<void>): Promise<Running> {
  if (role.kind === 'verifier') {
    const { startVerifier } = await import('#processes/verifier-process.ts')
    return startVerifier(process.env)
  }
  if (role.kind === 'agent') {
    const { startAgent } = await import('#processes/agent-process.ts')
    return startAgent(process.env)
  }
  const config = readConfig(process.env)
  const isGatewayAlone = role.parts.size === 1 && role.parts.has('gateway')
  if (isGatewayAlone) return startGatewayAlone(config)
  return startParts(config, role.parts, name, told)
}

/** On a database that others brought: it needs nothing else. */
async function startGatewayAlone(config: Config): Promise<Running> {
  if (config.databaseUrl === null) {
    throw new Error(
      '--role gateway: expected DATABASE_URL, which the service and its gateways share',
    )
  }
  refuseOcppWithoutCertificate(config)
  const { host, ocppPort } = config
  await refuseTakenPort({ host, port: ocppPort }, 'OCPP_PORT')
  const { startGateway } = await import('#processes/gateway-process.ts')
  const log = createLog({ level: config.logLevel, role: config.gateway ?? 'gateway' })
  const gateway = await startGateway(config, { timer: createWallTimer(), log })
  process.stderr.write(`${gateway.name} runs as process ${process.pid}\n`)
  process.stderr.write(`Charge points dial ${gateway.ocppUrl}IDENTITY\n`)
  process.send?.({ type: 'started', ocppUrl: gateway.ocppUrl })
  return gateway
}

async function startParts(
  config: Config,
  parts: ReadonlySet<Part>,
  name: string,
  told: Promise<void>,
): Promise<Running> {
  const isWhole = parts.has('api') && parts.has('worker')
  const isLedger = config.rail === 'ledger'
  const lacksChain = !isLedger && config.chainRpcUrl === null
  if (!isWhole && (config.databaseUrl === null || lacksChain)) {
    const needed = isLedger ? 'DATABASE_URL' : 'DATABASE_URL and CHAIN_RPC_URL'
    throw new Error(`--role ${name}: expected ${needed}, which all parts share`)
  }
  if (parts.has('gateway')) refuseOcppWithoutCertificate(config)
  const timer = createWallTimer()
  const log = createLog({ level: config.logLevel, role: name })
  const isAnyOurs = config.databaseUrl === null || lacksChain || (isLedger && isWhole)
  const held = isAnyOurs ? await holdDataFolder({ dataDir: config.dataDir, timer }) : null
  void told.then(() => held?.ending())
  const { host, port, ocppPort } = config
  if (parts.has('api')) await refuseTakenPort({ host, port }, 'PORT')
  if (parts.has('gateway')) await refuseTakenPort({ host, port: ocppPort }, 'OCPP_PORT')
  const chainStart = config.clockStart ?? instant(Date.now())
  const servers = startServers({ ...config, chainStart, log, timer })
  servers.catch(() => undefined) // told by startService; the program loads meanwhile
  const { startService } = await import('#main.ts')
  const onAnswering = (url: string) => void process.send?.({ type: 'answering', url })
  const service = await startService({ config, parts, timer, log, servers, onAnswering })
  const { url, operatorKey, processes, drivers } = service
  for (const { role, pid } of [{ role: name, pid: process.pid }, ...processes]) {
    process.stderr.write(`${role} runs as process ${pid}\n`)
  }
  const { isLocalChain, rpcUrl } = service.servers
  if (isLedger) process.stderr.write(`${ON_LEDGER}\n`)
  if (isLocalChain) {
    process.stderr.write(
      `The chain at ${rpcUrl} is a local one and its euros are play money; ` +
        'set CHAIN_RPC_URL for a real one.\n',
    )
  }
  if (operatorKey !== null) {
    process.stderr.write(`The operator's key, shown this once: ${operatorKey}\n`)
  }
  process.stderr.write(`Gridcall answers at ${url}\n`)
  const certificate = await drivers.opcua.clientCertificate()
  process.send?.({
    type: 'started',
    url,
    operatorKey,
    processes,
    databaseUrl: service.servers.databaseUrl,
    rpcUrl,
    clientCertificatePem: certificate.pem,
  })
  return service
}

/** Ctrl-C, a polite kill, a closed terminal, or the end of the process that started this one. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve()) // one Ctrl-C may arrive more than once
    }
    if (process.send) process.once('disconnect', () => resolve())
  })
}
