import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '#config.ts'
import { createMachineClock } from '#processes/wall-time.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import type { YearOptions } from './simulate/year.ts'
import { isQuirk, ONLY_ON, type QuirkId, QUIRKS } from '#simulations/devices/quirks/catalogue.ts'

const HELP = `gridcall simulate charger --url ws://… --password … [--version 1.6|2.0.1|2.1]
    [--quirk ID]…
    A charge point with a car, at the address and with the password that enrolment answered.
    Each quirk makes it misbehave as real stations do; --quirk help lists them.
gridcall simulate battery --client-certificate FILE [--port N] [--folder DIR]
    A battery as an OPC UA server that trusts this one client (GET /v1/opcua/client-certificate).
    Prints its endpoint (any free port unless one is given) and the thumbprint of its
    certificate, which stays in the folder.
gridcall simulate inverter [--port N]
    A battery behind an inverter that speaks SunSpec over Modbus TCP, on loopback, unit 1.
    Prints its port (any free one unless one is given).

gridcall simulate --scenario bundled --seed N [--disobey N] [--svg FILE] [--json]
gridcall simulate --scenario real-day --feeder FILE --sessions FILE --day YYYY-MM-DD [--seed N] …
    The calls of the demo without sockets or wall time, from the request to the measured evidence:
    what was decided about each device and why, and a picture of each call.
gridcall simulate --scenario year --seed N [--calls N] [--through domain|app] [--svg FILE] [--json]
    A year of calls (240 unless told otherwise) with failures that the margins were not told of:
    how often less than ordered came, and what was held for it. Without a service, in a few seconds;
    or each call through the whole app in simulated time, from the request to the payout, in minutes.

Each of the others is one machine without hardware, over real sockets and in real time, until Ctrl-C.`

/**
 * `gridcall simulate`: one device for whoever has none, which talks to the service as any other; or a
 * scenario.
 */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      password: { type: 'string' },
      version: { type: 'string', default: '1.6' },
      quirk: { type: 'string', multiple: true, default: [] },
      'client-certificate': { type: 'string' },
      port: { type: 'string', default: '0' },
      folder: { type: 'string' },
      scenario: { type: 'string' },
      seed: { type: 'string', default: '1' },
      calls: { type: 'string', default: '240' },
      disobey: { type: 'string', default: '2' },
      feeder: { type: 'string' },
      sessions: { type: 'string' },
      day: { type: 'string' },
      through: { type: 'string', default: 'domain' },
      svg: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [kind] = positionals
  if (values.scenario !== undefined && !values.help) return await scenario(values)
  if (values.help || (kind !== 'charger' && kind !== 'battery' && kind !== 'inverter')) {
    process.stderr.write(`${HELP}\n`)
    return values.help ? 0 : 2
  }
  if (values.quirk.includes('help')) {
    for (const [id, does] of Object.entries(QUIRKS)) say(`${id.padEnd(10)} ${does}`)
    return 0
  }
  const told = untilTold()
  const machine =
    kind === 'charger'
      ? await charger(values.url, values.password, values.version, values.quirk)
      : kind === 'battery'
        ? await battery(values['client-certificate'], values.port, values.folder)
        : await inverter(values.port)
  await told
  await machine.stop()
  return 0
}

type Told = {
  readonly scenario?: string
  readonly seed: string
  readonly calls: string
  readonly through: string
  readonly disobey: string
  readonly feeder?: string
  readonly sessions?: string
  readonly day?: string
  readonly svg?: string
  readonly json: boolean
}

async function scenario(told: Told): Promise<number> {
  const { svg, json } = told
  const seed = wholeOf('seed', told.seed)
  if (told.scenario === 'year') {
    return year(told.through, { seed, calls: wholeOf('calls', told.calls), svg, json })
  }
  const disobey = wholeOf('disobey', told.disobey)
  const chosen = await chooseScenario(told, seed)
  const { simulateScenario } = await import('./simulate/scenario.ts')
  return simulateScenario({ scenario: chosen, disobey, svg, json })
}

async function year(through: string, options: YearOptions): Promise<number> {
  if (through === 'app') {
    const { simulateAppYear } = await import('./simulate/year-through-app.ts')
    return simulateAppYear(options)
  }
  if (through !== 'domain') throw new Error(`--through: expected domain or app, got ${through}`)
  const { simulateYear } = await import('./simulate/year.ts')
  return simulateYear(options)
}

async function chooseScenario(told: Told, seed: number): Promise<Scenario> {
  const { feeder, sessions, day } = told
  if (told.scenario === 'bundled') {
    const { bundledScenario } = await import('#simulations/scenarios/bundled.ts')
    return bundledScenario(seed)
  }
  if (told.scenario !== 'real-day') {
    throw new Error(`--scenario: expected bundled, real-day or year, got ${told.scenario}`)
  }
  if (feeder === undefined || sessions === undefined || day === undefined) {
    throw new Error('--scenario real-day: expected --feeder, --sessions and --day')
  }
  const { loadRealDay } = await import('#simulations/scenarios/real-day.ts')
  return loadRealDay(seed, day, { feeder, sessions })
}

function wholeOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name}: expected a whole number of at least 0, got ${text}`)
}

async function charger(
  url: string | undefined,
  password: string | undefined,
  version: string,
  wanted: readonly string[],
) {
  if (url === undefined || !/^wss?:\/\/.+\/.+/.test(url)) {
    throw new Error(`--url: expected ws://HOST:PORT/ocpp/IDENTITY, got ${url ?? 'nothing'}`)
  }
  if (password === undefined) throw new Error('--password: expected the password of the station')
  if (version !== '1.6' && version !== '2.0.1' && version !== '2.1') {
    throw new Error(`--version: expected 1.6, 2.0.1 or 2.1, got ${version}`)
  }
  const quirks = wanted.map((id) => quirkFor(id, version))
  const { startCharger } = await import('#simulations/stand-alone.ts')
  const plain = { version, url, password, clock: createMachineClock(), say } as const
  return startCharger(quirks.length === 0 ? plain : { ...plain, quirks })
}

function quirkFor(id: string, version: string): QuirkId {
  if (!isQuirk(id)) {
    throw new Error(`--quirk: expected one of ${Object.keys(QUIRKS).join(', ')}, got ${id}`)
  }
  const only = ONLY_ON[id]
  if (only !== undefined && only !== version) {
    throw new Error(`--quirk ${id}: expected --version ${only}, got ${version}`)
  }
  return id
}

async function battery(
  certificateFile: string | undefined,
  port: string,
  folder = join(readConfig(process.env).dataDir, 'simulated-battery'),
) {
  if (certificateFile === undefined) {
    throw new Error('--client-certificate: expected the file of the one client to trust')
  }
  const { startBattery } = await import('#simulations/stand-alone.ts')
  const machine = await startBattery({
    port: portOf(port),
    folder,
    clientCertificatePem: await readFile(certificateFile, 'utf8'),
    clock: createMachineClock(),
    say,
  })
  say(`endpoint ${machine.endpoint}`)
  say(`thumbprint ${machine.thumbprint}`)
  return machine
}

async function inverter(port: string) {
  const { startInverter } = await import('#simulations/stand-alone.ts')
  const machine = await startInverter({ port: portOf(port), clock: createMachineClock(), say })
  say(`port ${machine.port}`)
  return machine
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new Error(`--port: expected a port, got ${text}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Ctrl-C or a polite kill, also while the machine is being started. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
