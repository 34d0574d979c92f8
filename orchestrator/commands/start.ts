import { parseArgs } from 'node:util'
import { ROLES, type Role, readConfig, refuseOcppWithoutCertificate } from '#config.ts'
import { instant } from '#domain/time.ts'
import { createLog } from '#observability/logger.ts'
import { holdDataFolder } from '#processes/data-folder.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import { refuseTakenPort, startServers } from '#supervisor.ts'

const HELP = `gridcall start [--role ${ROLES.join('|')}]

Runs the service. Nothing set: PostgreSQL and a local chain are brought along and kept in
GRIDCALL_DATA_DIR (default .data); set DATABASE_URL, REDIS_URL, CHAIN_RPC_URL for real ones.`

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
  const role = ROLES.find((known) => known === values.role)
  if (role === undefined)
    throw new Error(`--role: expected ${ROLES.join(', ')}, got ${values.role}`)
  const told = untilTold() // also while it starts: what was begun is ended properly
  const running = await startAs(role, told)
  await told
  await running.stop()
  return 0
}

/** Each role loads only what it needs: a verifier knows neither database nor devices. */
async function startAs(role: Role, told: Promise<void>): Promise<{ stop(): Promise<void> }> {
  if (role === 'verifier') {
    const { startVerifier } = await import('#processes/verifier-process.ts')
    return startVerifier(process.env)
  }
  if (role === 'agent') {
    const { startAgent } = await import('#processes/agent-process.ts')
    return startAgent(process.env)
  }
  return startRole(role, told)
}

async function startRole(role: Role, told: Promise<void>): Promise<{ stop(): Promise<void> }> {
  const config = readConfig(process.env)
  if (role !== 'all' && (config.databaseUrl === null || config.chainRpcUrl === null)) {
    throw new Error(
      `--role ${role}: expected DATABASE_URL and CHAIN_RPC_URL, which all roles share`,
    )
  }
  const opensOcpp = role === 'all' || role === 'gateway'
  if (opensOcpp) refuseOcppWithoutCertificate(config)
  const timer = createWallTimer()
  const log = createLog({ level: config.logLevel, role })
  const isAnyOurs = config.databaseUrl === null || config.chainRpcUrl === null
  const held = isAnyOurs ? await holdDataFolder({ dataDir: config.dataDir, timer }) : null
  void told.then(() => held?.ending())
  const { host, port, ocppPort } = config
  if (role === 'all' || role === 'api') await refuseTakenPort({ host, port }, 'PORT')
  if (opensOcpp) await refuseTakenPort({ host, port: ocppPort }, 'OCPP_PORT')
  const chainStart = config.clockStart ?? instant(Date.now())
  const servers = startServers({ ...config, chainStart, log, timer })
  servers.catch(() => undefined) // told by startService; the program loads meanwhile
  const { startService } = await import('#main.ts')
  const onAnswering = (url: string) => void process.send?.({ type: 'answering', url })
  const service = await startService({ config, role, timer, log, servers, onAnswering })
  const { url, operatorKey, processes, drivers } = service
  const report = { role, pid: process.pid }
  for (const { role: name, pid } of [report, ...processes]) {
    process.stderr.write(`${name} runs as process ${pid}\n`)
  }
  if (config.chainRpcUrl === null) {
    process.stderr.write(
      `The chain at ${service.servers.rpcUrl} is a local one and its euros are play money; ` +
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
    rpcUrl: service.servers.rpcUrl,
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
