import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { DomainError } from '#domain/errors.ts'
import type { Feeder, FeederFlow } from '#domain/network/feeder.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { linDistFlow } from '#domain/network/lin-dist-flow.ts'
import { apparentVa, VOLTAGE_MARGIN_PU } from '#domain/network/new-congestion.ts'
import { effectOnBranch, effectOnVoltages } from '#domain/network/sensitivity.ts'
import { sweepFlow } from '#domain/network/sweep.ts'
import { giveFeeder, serviceFrom } from './network/import-feeder.ts'

const HELP = `gridcall network check FILE [--branch ID] [--bus ID] [--json]
gridcall network import FILE --point ID --branch ID [--json]

Reads a radial feeder (docs/network.md tells the fields) and solves it with the loads that stand in it.
Exit code 0: it can be used, and none of its limits is broken.

import gives it to the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) as the next
version behind a congestion point whose short branch is named; the DSO's key is in GRIDCALL_API_KEY.

  --branch ID   also: W that this branch carries less per W drawn less at each bus
  --bus ID      also: per unit by which each voltage rises per 100 kW drawn less at this bus
  --json        one JSON object`

/** `gridcall network`: a feeder before it is used. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      branch: { type: 'string' },
      bus: { type: 'string' },
      point: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [what, file] = positionals
  const isImport = what === 'import' && values.point !== undefined && values.branch !== undefined
  const isKnown = what === 'check' || isImport
  if (values.help || !isKnown || file === undefined || positionals.length !== 2) {
    process.stderr.write(`${HELP}\n`)
    return values.help ? 0 : 2
  }
  if (isImport) {
    const { point = '', branch = '', json } = values
    return importInto({ file, point, branch, json })
  }
  const read = await readFeeder(file)
  const told = 'problems' in read ? { file, ...read, ok: false } : report(file, read, values)
  process.stdout.write(values.json ? `${JSON.stringify(told)}\n` : `${describe(told)}\n`)
  return told.ok ? 0 : 1
}

async function importInto(to: {
  readonly file: string
  readonly point: string
  readonly branch: string
  readonly json: boolean
}): Promise<number> {
  const { file, point, branch, json } = to
  const service = serviceFrom(process.env)
  const read = await readFeeder(file)
  if ('problems' in read) {
    process.stdout.write(
      `${json ? JSON.stringify({ ok: false, ...read }) : unusable(file, read)}\n`,
    )
    return 1
  }
  const feeder: unknown = JSON.parse(await readFile(file, 'utf8'))
  const answer = await giveFeeder(service, point, { branch, feeder })
  const said = answer.ok
    ? `version ${answer.version} of the feeder behind ${point} is in force: ${answer.hash}`
    : unusable(file, answer)
  process.stdout.write(`${json ? JSON.stringify(answer) : said}\n`)
  return answer.ok ? 0 : 1
}

type Unusable = {
  readonly file: string
  readonly ok: boolean
  readonly problems: readonly { field: string; expected: string; got: string }[]
}

async function readFeeder(file: string): Promise<Feeder | Pick<Unusable, 'problems'>> {
  const text = await readFile(file, 'utf8')
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error)
    return { problems: [{ field: file, expected: 'JSON', got }] }
  }
  try {
    return importFeeder(raw)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { problems: error.problems }
  }
}

type Report = ReturnType<typeof report>

type Asked = { readonly branch?: string | undefined; readonly bus?: string | undefined }

function report(file: string, feeder: Feeder, { branch, bus }: Asked) {
  const flow = sweepFlow(feeder)
  const loadW = feeder.buses.reduce((sum, bus) => sum + bus.loadW, 0)
  const told = {
    file,
    feeder: feeder.name,
    buses: feeder.buses.length,
    branches: feeder.branches.length,
    resources: feeder.resources.length,
    loadKw: loadW / 1_000,
    solution: flow === null ? null : solution(feeder, flow),
    broken: flow === null ? [] : brokenLimits(feeder, flow),
    effects: branch === undefined ? null : effectsOf(feeder, branch),
    risesPuPer100Kw: bus === undefined || flow === null ? null : risesOf(feeder, bus, flow),
  }
  return { ...told, ok: flow !== null && told.broken.length === 0 }
}

function solution(feeder: Feeder, flow: FeederFlow) {
  const { voltagePu } = linDistFlow(feeder)
  const lowest = lowestOf(feeder, flow.voltagePu)
  const differences = voltagePu.map((pu, i) => Math.abs(pu - (flow.voltagePu[i] ?? Number.NaN)))
  return {
    lossKw: flow.lossW / 1_000,
    lowest,
    linDistFlowLowest: lowestOf(feeder, voltagePu),
    linDistFlowFurthestPu: Math.max(...differences),
  }
}

function lowestOf({ buses }: Feeder, voltagePu: readonly number[]) {
  const pu = Math.min(...voltagePu)
  return { bus: buses[voltagePu.indexOf(pu)]?.id ?? '', pu }
}

function brokenLimits(feeder: Feeder, flow: FeederFlow) {
  const branches = feeder.branches.flatMap(({ id, limitVa }, index) => {
    const va = apparentVa(flow, index)
    if (limitVa === null || va <= limitVa) return []
    return [{ element: id, value: va / 1_000, limit: limitVa / 1_000, unit: 'kVA' }]
  })
  const low = feeder.voltageMinPu + VOLTAGE_MARGIN_PU
  const high = feeder.voltageMaxPu - VOLTAGE_MARGIN_PU
  const buses = feeder.buses.flatMap(({ id }, index) => {
    const value = flow.voltagePu[index] ?? Number.NaN
    if (value >= low && value <= high) return []
    return [{ element: id, value, limit: value < low ? low : high, unit: 'pu' }]
  })
  return [...branches, ...buses]
}

function effectsOf(feeder: Feeder, branch: string): Record<string, number> | null {
  if (!feeder.branches.some(({ id }) => id === branch)) {
    throw new Error(`--branch: expected a branch of ${feeder.name}, got ${branch}`)
  }
  const effects = effectOnBranch(feeder, branch)
  if (effects === null) return null
  const below = feeder.buses.flatMap(({ id }, index) => {
    const effect = effects[index] ?? 0
    return effect === 0 ? [] : [[id, Number(effect.toFixed(4))] as const]
  })
  return Object.fromEntries(below)
}

/** Per unit by which voltages rise for 100 kW drawn less at a bus; those that do not are left out. */
function risesOf(feeder: Feeder, bus: string, flow: FeederFlow): Record<string, number> {
  const at = feeder.buses.findIndex(({ id }) => id === bus)
  if (at < 0) throw new Error(`--bus: expected a bus of ${feeder.name}, got ${bus}`)
  const { perW } = effectOnVoltages(feeder, at, flow)
  const rises = feeder.buses.flatMap(({ id }, index) => {
    const pu = Number((-100_000 * (perW[index] ?? 0)).toFixed(6))
    return pu === 0 ? [] : [[id, pu] as const]
  })
  return Object.fromEntries(rises)
}

function describe(told: Report | ({ file: string } & Unusable)): string {
  if ('problems' in told) {
    return unusable(told.file, told)
  }
  const { solution: found } = told
  const size = `${told.buses} buses, ${told.branches} branches, ${told.resources} resources`
  return [
    `${told.feeder}: ${size}, ${told.loadKw.toFixed(1)} kW`,
    ...(found === null
      ? ['no voltage carries these loads']
      : [
          `lowest voltage ${found.lowest.pu.toFixed(4)} pu at bus ${found.lowest.bus}, ` +
            `${found.lossKw.toFixed(1)} kW lost`,
          `LinDistFlow: ${found.linDistFlowLowest.pu.toFixed(4)} pu at bus ` +
            `${found.linDistFlowLowest.bus}; furthest off by ` +
            `${found.linDistFlowFurthestPu.toFixed(4)} pu`,
        ]),
    ...told.broken.map(
      ({ element, value, limit, unit }) =>
        `${element}: ${value.toFixed(4)} ${unit}, allowed are ${limit.toFixed(4)} ${unit}`,
    ),
    ...Object.entries(told.effects ?? {}).map(
      ([bus, effect]) => `bus ${bus}: ${effect.toFixed(4)} W per W`,
    ),
    ...Object.entries(told.risesPuPer100Kw ?? {}).map(
      ([bus, pu]) => `bus ${bus}: ${pu.toFixed(6)} pu per 100 kW`,
    ),
  ].join('\n')
}

function unusable(file: string, { problems }: Pick<Unusable, 'problems'>): string {
  const told = problems.map(
    ({ field, expected, got }) => `  ${field}: expected ${expected}, got ${got}`,
  )
  return [`${file} cannot be used:`, ...told].join('\n')
}
