import { DomainError, type FieldProblem } from '../errors.ts'
import { resourceId, siteId } from '../ids.ts'
import type { Feeder, FeederBranch, FeederBus } from './feeder.ts'
import { growTree } from './tree.ts'

const BAND_PU = { min: 0.9, max: 1.1 }
/** Stands for an id that was reported. */
const NOBODY = 'unknown'

const FIELDS = {
  feeder: [
    'name',
    'root',
    'baseKv',
    'baseMva',
    'rootVoltagePu',
    'voltageBandPu',
    'buses',
    'branches',
    'resources',
    'sites',
  ],
  band: ['min', 'max'],
  bus: ['id', 'loadKw', 'loadKvar'],
  branch: ['id', 'from', 'to', 'rOhm', 'xOhm', 'limitKva'],
  placed: ['id', 'bus'],
} as const

/** What only a new feeder is refused for is told as `of: 'new'`. */
type Report = (field: string, expected: string, got: unknown, of?: 'new') => void
type Fields = Readonly<Record<string, unknown>>

export type ImportOptions = {
  /** Off for one that was taken before: an unknown field or a number beyond any feeder is no problem. */
  readonly strict?: boolean
}

/**
 * Reads a feeder out of parsed JSON; docs/network.md tells its fields. Every problem is told at once.
 * @throws DomainError malformed, each problem with the field, what was expected and what came
 */
export function importFeeder(raw: unknown, { strict = true }: ImportOptions = {}): Feeder {
  const problems: FieldProblem[] = []
  const report: Report = (field, expected, got, of) => {
    if (strict || of !== 'new') problems.push({ field, expected, got: shown(got) })
  }
  const top = fieldsOf(raw, 'feeder', report)
  refuseOthers(top, FIELDS.feeder, '', report)
  const root = idOf(top, 'root', '', report)
  const buses = listOf(top, 'buses', report).map((one, i) => readBus(one, `buses[${i}]`, report))
  const branches = listOf(top, 'branches', report).map((one, i) =>
    readBranch(one, `branches[${i}]`, report),
  )
  const resources = readPlaced(top, 'resources', resourceId, report)
  const sites = readPlaced(top, 'sites', siteId, report)
  const rest = readBases(top, report)
  refuseDoubles('buses', buses.map(idOnly), report)
  refuseDoubles('branches', branches.map(idOnly), report)
  refuseDoubles('resources', resources.map(idOnly), report)
  refuseDoubles('sites', sites.map(idOnly), report)
  const known = new Set(buses.map(({ id }) => id))
  if (root !== '' && !known.has(root)) report('root', 'the id of a bus', root)
  for (const [list, placed] of Object.entries({ resources, sites })) {
    placed.forEach(({ bus }, i) => {
      if (bus !== '' && !known.has(bus)) report(`${list}[${i}].bus`, 'the id of a bus', bus)
    })
  }
  branches.forEach(({ from, to }, i) => {
    if (from !== '' && !known.has(from)) report(`branches[${i}].from`, 'the id of a bus', from)
    if (to !== '' && !known.has(to)) report(`branches[${i}].to`, 'the id of a bus', to)
    if (from !== '' && from === to) report(`branches[${i}].to`, 'another bus than from', to)
  })
  // What hangs together can only be said of buses and branches that are what they should be.
  const tree = problems.length > 0 ? null : growTree(root, buses, branches, report)
  if (tree === null || problems.length > 0) {
    const told = problems.map(
      ({ field, expected, got }) => `${field}: expected ${expected}, got ${got}`,
    )
    throw new DomainError('malformed', told.join('; '), problems)
  }
  return {
    ...rest,
    ...tree,
    resources: resources.map(({ id, bus }) => ({ resourceId: id, bus })),
    sites: sites.map(({ id, bus }) => ({ siteId: id, bus })),
  }
}

function readBases(top: Fields, report: Report) {
  const band =
    top.voltageBandPu === undefined ? {} : fieldsOf(top.voltageBandPu, 'voltageBandPu', report)
  refuseOthers(band, FIELDS.band, 'voltageBandPu.', report)
  const voltageMinPu = numberOf(band, 'min', 'voltageBandPu.', report, 'positive', BAND_PU.min)
  const voltageMaxPu = numberOf(band, 'max', 'voltageBandPu.', report, 'positive', BAND_PU.max)
  if (voltageMaxPu <= voltageMinPu) {
    report('voltageBandPu.max', `more than min (${voltageMinPu})`, voltageMaxPu)
  }
  return {
    name: idOf(top, 'name', '', report),
    baseKv: numberOf(top, 'baseKv', '', report, 'positive'),
    baseMva: numberOf(top, 'baseMva', '', report, 'positive', 1),
    rootVoltagePu: numberOf(top, 'rootVoltagePu', '', report, 'positive', 1),
    voltageMinPu,
    voltageMaxPu,
  }
}

function readBus(raw: unknown, at: string, report: Report): FeederBus {
  const fields = fieldsOf(raw, at, report)
  refuseOthers(fields, FIELDS.bus, `${at}.`, report)
  return {
    id: idOf(fields, 'id', `${at}.`, report),
    loadW: numberOf(fields, 'loadKw', `${at}.`, report, 'any', 0) * 1_000,
    loadVar: numberOf(fields, 'loadKvar', `${at}.`, report, 'any', 0) * 1_000,
  }
}

function readBranch(raw: unknown, at: string, report: Report): FeederBranch {
  const fields = fieldsOf(raw, at, report)
  refuseOthers(fields, FIELDS.branch, `${at}.`, report)
  const from = idOf(fields, 'from', `${at}.`, report)
  const to = idOf(fields, 'to', `${at}.`, report)
  const isLimited = fields.limitKva !== undefined && fields.limitKva !== null
  return {
    id: fields.id === undefined ? `${from}-${to}` : idOf(fields, 'id', `${at}.`, report),
    from,
    to,
    rOhm: numberOf(fields, 'rOhm', `${at}.`, report, 'not negative'),
    xOhm: numberOf(fields, 'xOhm', `${at}.`, report, 'not negative'),
    limitVa: isLimited ? numberOf(fields, 'limitKva', `${at}.`, report, 'positive') * 1_000 : null,
  }
}

/** What stands at which bus; the list may be absent. */
function readPlaced<T extends string>(
  top: Fields,
  list: 'resources' | 'sites',
  idFrom: (text: string) => T,
  report: Report,
): { readonly id: T; readonly bus: string }[] {
  const placed = top[list] === undefined ? [] : listOf(top, list, report)
  return placed.map((raw, i) => {
    const at = `${list}[${i}]`
    const fields = fieldsOf(raw, at, report)
    refuseOthers(fields, FIELDS.placed, `${at}.`, report)
    const bus = idOf(fields, 'bus', `${at}.`, report)
    try {
      return { id: idFrom(typeof fields.id === 'string' ? fields.id : ''), bus }
    } catch (error) {
      report(`${at}.id`, "1 to 80 letters, digits, '_', '.', ':' or '-'", fields.id)
      if (!(error instanceof RangeError)) throw error
      return { id: idFrom(NOBODY), bus }
    }
  })
}

/**
 * A misspelt limit or load would be taken for none, and then nothing is ever congested. `comment` is
 * for people.
 */
function refuseOthers(fields: Fields, known: readonly string[], at: string, report: Report): void {
  for (const name of Object.keys(fields)) {
    if (name === 'comment' || known.includes(name)) continue
    report(`${at}${name}`.slice(0, 100), `one of ${known.join(', ')}`, fields[name], 'new')
  }
}

const idOnly = ({ id }: { readonly id: string }) => id

function refuseDoubles(list: string, ids: readonly string[], report: Report): void {
  const first = new Map<string, number>()
  ids.forEach((id, index) => {
    const before = first.get(id)
    if (before === undefined) first.set(id, index)
    else if (id !== '') report(`${list}[${index}].id`, `another id than ${list}[${before}]`, id)
  })
}

function fieldsOf(raw: unknown, field: string, report: Report): Fields {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw as Fields
  report(field, 'an object', raw)
  return {}
}

function listOf(fields: Fields, name: string, report: Report): readonly unknown[] {
  const raw = fields[name]
  if (Array.isArray(raw) && raw.length > 0) return raw
  report(name, 'a list of at least one', raw)
  return []
}

/** Empty where it was reported. */
function idOf(fields: Fields, name: string, at: string, report: Report): string {
  const raw = fields[name]
  if (typeof raw === 'string' && raw.trim() !== '' && raw.length <= 100) return raw
  report(`${at}${name}`, 'a text of 1 to 100 characters', raw)
  return ''
}

/** Beyond any feeder in its unit (kW, kV, MVA, ohm, per unit), and far from where doubles end. */
const [LEAST, MOST] = [0.001, 1_000_000]
const NUMBERS = {
  any: { is: () => true, least: -MOST },
  'not negative': { is: (value: number) => value >= 0, least: 0 },
  positive: { is: (value: number) => value > 0, least: LEAST },
} as const

/** 1 where it was reported. */
function numberOf(
  fields: Fields,
  name: string,
  at: string,
  report: Report,
  range: keyof typeof NUMBERS,
  otherwise?: number,
): number {
  const raw = fields[name]
  if (raw === undefined && otherwise !== undefined) return otherwise
  const { is, least } = NUMBERS[range]
  const words = `a number from ${least} to ${MOST}`
  if (typeof raw === 'number' && Number.isFinite(raw) && is(raw)) {
    if (raw < least || raw > MOST) report(`${at}${name}`, words, raw, 'new')
    return raw
  }
  report(`${at}${name}`, words, raw)
  return 1
}

/** JSON reads 1e999 as Infinity, which JSON cannot write. */
function shown(got: unknown): string {
  if (got === undefined) return 'nothing'
  if (typeof got === 'string' || typeof got === 'number') return String(got).slice(0, 100)
  return JSON.stringify(got).slice(0, 100)
}
