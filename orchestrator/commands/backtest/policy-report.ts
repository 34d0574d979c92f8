import { floorDiv } from '#domain/money.ts'
import { type Measurement, measurement } from '../bench/measurement.ts'
import type { Replay } from './replay.ts'
import { bar, drawing, legend, niceMax, scale, word } from './svg.ts'
import { table } from './table.ts'

export type Replays = {
  readonly replays: readonly Replay[]
  /** The first is what the calls were ordered under. */
  readonly isOwnFirst: boolean
  /** micro-EUR between the bundles and their own policy replayed: 0. */
  readonly difference: bigint
}

function nameOf({ policy }: Replay, index: number, { isOwnFirst }: Replays): string {
  return index === 0 && isOwnFirst ? `as ordered (${policy.name})` : policy.name
}

/** What the DSO pays in the end. */
function costOf({ earned, fee }: Replay): bigint {
  return earned + fee
}

/** One result per policy and figure, in whole micro-EUR. */
export function replayResults(told: Replays): Measurement[] {
  const [own] = told.isOwnFirst ? told.replays : []
  const unit = 'micro-EUR'
  const figures = told.replays.flatMap((one, index) => {
    const of = (what: string) => `${nameOf(one, index, told)}: ${what}`
    const lower = (what: string, value: bigint) =>
      measurement({ measure: of(what), value: Number(value), unit, better: 'lower' })
    return [
      measurement({
        measure: of('cost'),
        value: Number(costOf(one)),
        unit,
        better: 'lower',
        ...(own === undefined || costOf(own) === 0n ? {} : { reference: Number(costOf(own)) }),
      }),
      lower('locked', one.locked),
      lower('held until the true-up or a finding is settled', one.held),
      lower('fee', one.fee),
      lower('penalty', one.penalty),
      lower('reservation of the months', one.reservation),
      ...[...one.lines].map(([resourceId, earned]) =>
        measurement({
          measure: of(`earned by ${resourceId}`),
          value: Number(earned),
          unit,
          better: 'higher',
        }),
      ),
    ]
  })
  return [
    ...figures,
    measurement({
      measure: 'difference between the bundles and their own policy replayed',
      value: Number(told.difference),
      unit,
      better: 'lower',
      bar: 0,
    }),
  ]
}

/** A table of what it costs, and one of who would be paid what. */
export function describeReplays(told: Replays): string {
  const { replays, difference } = told
  const [own] = told.isOwnFirst ? replays : []
  const rows = replays.map((one, index) => [
    nameOf(one, index, told),
    one.policy.status === 'reading' ? 'reading' : '',
    euros(costOf(one)),
    own === undefined || costOf(own) === 0n ? '-' : ratio(costOf(one), costOf(own)),
    euros(one.earned),
    euros(one.held),
    euros(one.fee),
    euros(one.penalty),
    euros(one.locked),
    one.reservation === 0n ? '' : euros(one.reservation),
  ])
  const heads = ['policy', '', 'cost', 'of own', 'earned', 'held of it', 'fee', 'penalty', 'locked']
  const resources = [...new Set(replays.flatMap(({ lines }) => [...lines.keys()]))]
  const columns = replays.map((one, index) => nameOf(one, index, told))
  return [
    `${resources.length} resources, EUR (a policy of another currency: its own units)`,
    '',
    table([[...heads, 'reserved, month'], ...rows]),
    table([
      ['earned by', ...columns],
      ...resources.map((id) => [id, ...replays.map(({ lines }) => euros(lines.get(id) ?? 0n))]),
    ]),
    difference === 0n
      ? 'their own policy replayed pays what the bundles say'
      : `their own policy replayed differs from the bundles by ${euros(difference)} EUR`,
    '',
  ].join('\n')
}

function ratio(a: bigint, b: bigint): string {
  return decimal(floorDiv(2n * a * 100n + b, 2n * b), 2)
}

/** micro-EUR as EUR, rounded to four places. */
function euros(amount: bigint): string {
  return decimal(floorDiv(amount + 50n, 100n), 4)
}

/** A whole number of some decimal place, written with its point. */
function decimal(value: bigint, places: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

const WIDTH = 960
const LABELS = 230
const PLOT = WIDTH - LABELS - 90
const ROW = 30
const TOP = 96

/** A bar per policy: what is paid at once, what is held, the fee; what a penalty took below it. */
export function drawReplays(told: Replays): string {
  const { replays } = told
  const largest = replays.flatMap((one) => [costOf(one), one.locked, one.penalty]).map(Number)
  const max = niceMax(Math.max(1, ...largest) / 1e6)
  const x = (amount: bigint) => LABELS + (Number(amount) / 1e6 / max) * PLOT
  const bottom = TOP + replays.length * ROW
  const swatch = (kind: string) => (left: number) =>
    bar(kind, { x: left, y: 64, width: 12, height: 12 })
  return drawing(
    'The same calls under other payment policies',
    { width: WIDTH, height: bottom + 30 },
    [
      word(20, 48, 'quiet', 'What the DSO would have paid, EUR; figures: cost'),
      ...legend(70, [
        { shape: swatch('own'), words: 'paid at once' },
        { shape: swatch('held'), words: 'held' },
        { shape: swatch('fee'), words: 'fee' },
        { shape: swatch('penalty'), words: 'taken by a penalty' },
        { shape: swatch('locked'), words: 'locked' },
      ]),
      ...scale(max, 'EUR', { x: (value) => LABELS + (value / max) * PLOT, top: TOP, bottom }),
      ...replays.flatMap((one, index) =>
        drawRow(one, nameOf(one, index, told), TOP + index * ROW, x),
      ),
    ],
  )
}

function drawRow(one: Replay, name: string, top: number, x: (amount: bigint) => number): string[] {
  const atOnce = one.earned - one.held
  const piece = (kind: string, from: bigint, until: bigint) =>
    bar(kind, { x: x(from), y: top + 5, width: x(until) - x(from), height: 13 })
  const end = Math.max(x(costOf(one)), x(one.locked)) + 8
  return [
    word(LABELS - 10, top + 17, 'word', name, 'text-anchor="end"'),
    piece('own', 0n, atOnce),
    piece('held', atOnce, one.earned),
    piece('fee', one.earned, costOf(one)),
    piece('locked', 0n, one.locked),
    bar('penalty', { x: LABELS, y: top + 20, width: x(one.penalty) - LABELS, height: 4 }),
    word(Math.min(end, WIDTH - 80), top + 16, 'quiet', euros(costOf(one)), 'font-size="11"'),
  ]
}
