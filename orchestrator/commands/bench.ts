import { parseArgs } from 'node:util'
import { createWallTimer } from '#processes/wall-time.ts'
import { machine, versions } from './bench/machine.ts'
import type { Bench, BenchRun, Measurement } from './bench/measurement.ts'

/** Every bench: what it measures, where it lives, and which packages its figures depend on. */
const BENCHES: Readonly<
  Record<string, { readonly says: string; readonly file: string; readonly packages: string[] }>
> = {
  allocation: {
    says: 'exact merit order of 10,000 to 1,000,000 devices, beside HiGHS',
    file: 'allocation',
    packages: ['highs'],
  },
  connect: {
    says: 'how many charge points one gateway process holds, and what each costs',
    file: 'connect',
    packages: ['ws', 'ajv', 'typed-ocpp'],
  },
  control: {
    says: 'hours of calls in which one device in five says yes and does nothing',
    file: 'control',
    packages: ['temporal-polyfill'],
  },
  fanout: {
    says: 'MeterValues taken in and setpoints acknowledged on one core',
    file: 'fanout',
    packages: ['ws', 'ajv', 'typed-ocpp'],
  },
  gas: {
    says: 'gas of a call from its escrow to its payees, beside three other ways to pay them',
    file: 'gas',
    packages: ['@foundry-rs/anvil', '@openzeppelin/contracts', 'solc', 'viem'],
  },
  network: {
    says: 'a 33-bus feeder by LinDistFlow, beside its exact solution',
    file: 'network',
    packages: ['temporal-polyfill'],
  },
  opcua: {
    says: 'encrypted batteries in one gateway process, with data every second and orders',
    file: 'opcua',
    packages: ['node-opcua'],
  },
  rebound: {
    says: 'cars coming back after a window, under the room of a congestion point',
    file: 'rebound',
    packages: ['highs'],
  },
  settlement: {
    says: 'a call of 10,000 devices measured and settled, with ten days of history',
    file: 'settlement',
    packages: ['temporal-polyfill'],
  },
  tree: {
    says: 'the payout tree of 100,000 payees with every proof',
    file: 'tree',
    packages: ['@noble/hashes'],
  },
}

/** `gridcall bench`: measures, and judges each figure; the exit code says only that it ran. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      stations: { type: 'string' },
      size: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean' }, // it prints nothing else
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(`${help()}\n`)
    return 0
  }
  const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
  const unknown = names.find((name) => BENCHES[name] === undefined)
  if (unknown !== undefined) {
    process.stderr.write(`gridcall bench: no bench ${JSON.stringify(unknown)}\n\n${help()}\n`)
    return 2
  }
  const seed = count('--seed', values.seed)
  const told = values.stations === undefined ? [] : [`stations=${values.stations}`]
  const sizes = new Map([...told, ...values.size].map(sizeOf))
  const run: BenchRun = {
    seed,
    size: (name, otherwise) => sizes.get(name) ?? otherwise,
    timer: createWallTimer(),
    say: (line) => process.stderr.write(`${line}\n`),
  }
  const results: Measurement[] = []
  for (const name of names) {
    const bench = (await import(`./bench/${BENCHES[name]?.file}.ts`)) as Bench
    const measured = await bench.run(run)
    const prefix = names.length === 1 ? '' : `${name}: `
    results.push(...measured.map((one) => ({ ...one, measure: `${prefix}${one.measure}` })))
  }
  const packages = names.flatMap((name) => BENCHES[name]?.packages ?? [])
  const report = {
    bench: names.join(' '),
    machine: machine(),
    versions: versions([...new Set(packages)]),
    seed,
    results,
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  return 0
}

function sizeOf(text: string): [string, number] {
  const [, name, number] = /^([a-z]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || number === undefined) {
    throw new Error(`--size: expected NAME=NUMBER, got ${text}`)
  }
  return [name, count(`--size ${name}`, number)]
}

function count(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${option}: expected a number, got ${text}`)
  return Number(text)
}

function help(): string {
  const lines = Object.entries(BENCHES).map(([name, { says }]) => `  ${name.padEnd(10)}  ${says}`)
  return [
    'gridcall bench [name…] [--seed N] [--stations N] [--size NAME=N]',
    '',
    ...lines,
    '',
    'Prints one JSON object: machine, versions, seed, and each figure with what is asked of it.',
    'Without a name all of them run, one after the other.',
  ].join('\n')
}
