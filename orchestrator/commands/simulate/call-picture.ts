import { bar, drawing, legend, niceMax, word } from '../backtest/svg.ts'

/** One stretch of a call: power of all that had a part in it, W, + is import. */
export type CallMoment = {
  readonly baselineW: number
  /** What would flow if exactly what was requested, or ordered, had come. */
  readonly requestedW: number
  readonly orderedW: number
  readonly measuredW: number
  /** What would have flowed without those that stood in for others. */
  readonly withoutRepairW: number
}

/**
 * One stretch after the window: power of those that come back, W; null: not known, no room told.
 */
export type AfterMoment = {
  readonly baselineW: number | null
  readonly plannedW: number | null
  readonly roomW: number | null
  readonly measuredW: number | null
}

export type DrawnCall = {
  readonly heading: string
  /** Equally long; each holds until the next one begins. */
  readonly moments: readonly CallMoment[]
  /** As long as these each, from the window's end on; none where all came back at once. */
  readonly after: readonly AfterMoment[]
  /** Words under the axis, after so many moments. */
  readonly ticks: readonly { readonly at: number; readonly words: string }[]
}

export const WIDTH = 960
export const LEFT = 70
export const RIGHT = WIDTH - 45
/** Above a panel: its heading and its legend. */
const HEAD = { heading: 42, legend: 20 }
const ONE = { top: 118, height: 250, step: 355 }

export type Axis = (value: number) => number
export type Span = { readonly top: number; readonly bottom: number }

/** Calls one under the other, each on a scale of its own. */
export function callsPicture(title: string, calls: readonly DrawnCall[]): string {
  const height = ONE.top + calls.length * ONE.step
  const panels = calls.flatMap((call, i) => {
    const top = ONE.top + i * ONE.step
    return callPanel({ top, bottom: top + ONE.height }, call)
  })
  return drawing(title, { width: WIDTH, height }, panels)
}

/** What was requested, ordered, expected and measured, and what of it stand-ins gave. */
export function callPanel(at: Span, { heading, moments, after, ticks }: DrawnCall): string[] {
  const afterW = after.flatMap((one) => Object.values(one)).filter((powerW) => powerW !== null)
  const powersW = [...moments.flatMap((one) => Object.values(one)), ...afterW]
  const max = niceMax(Math.max(1_000, ...powersW) / 1_000)
  const least = Math.min(0, ...powersW) / 1_000
  const min = least < 0 ? -niceMax(-least) : 0
  const x = along(0, moments.length + after.length, LEFT, RIGHT)
  const y = along(min, max, at.bottom, at.top)
  const height: Axis = (powerW) => y(powerW / 1_000)
  const path = (of: (one: CallMoment) => number) => stepped(moments.map(of), x, height)
  const measured = moments.map(({ measuredW }) => measuredW)
  const key = at.top - HEAD.legend
  const lines = [
    ['series-baseline', 'baseline', ({ baselineW }: CallMoment) => baselineW],
    ['series-requested', 'requested', ({ requestedW }: CallMoment) => requestedW],
    ['series-ordered', 'ordered', ({ orderedW }: CallMoment) => orderedW],
    ['series-measured', 'measured', ({ measuredW }: CallMoment) => measuredW],
  ] as const
  return [
    word(20, at.top - HEAD.heading, 'word', heading),
    ...legend(key, [
      ...lines.map(([kind, words]) => ({ shape: swatch(kind, key), words })),
      { shape: block('held', key), words: 'repaired' },
      ...(after.length === 0
        ? []
        : AFTER_LEGEND.map(([kind, words]) => ({ shape: swatch(kind, key), words }))),
    ]),
    ...levels(min, max, y, (kw) => `${kw}`),
    ...ticks.map(({ at: moment, words }) =>
      word(x(moment), at.bottom + 18, 'quiet', words, 'text-anchor="middle"'),
    ),
    `<path class="held" d="${path((one) => one.withoutRepairW)} ${back(measured, x, height)}Z"/>`,
    ...lines.map(([kind, , of]) => curve(kind, path(of))),
    ...(after.length === 0 ? [] : afterParts(at, moments.length, after, x, height)),
  ]
}

const AFTER_WORDS = 'those that come back'
/** So much room those words need. */
const ASIDE = 150
const AFTER_LEGEND = [
  ['series-planned', 'planned at most'],
  ['series-room', 'room'],
] as const

/** What comes after the window, behind a line: those that were held to its end, and no others. */
function afterParts(
  { top, bottom }: Span,
  from: number,
  after: readonly AfterMoment[],
  x: Axis,
  height: Axis,
): string[] {
  const end = x(from).toFixed(1)
  const lines = [
    ['series-baseline', ({ baselineW }: AfterMoment) => baselineW],
    ['series-room', ({ roomW }: AfterMoment) => roomW],
    ['series-planned', ({ plannedW }: AfterMoment) => plannedW],
    ['series-measured', ({ measuredW }: AfterMoment) => measuredW],
  ] as const
  return [
    `<line class="axis" x1="${end}" y1="${top}" x2="${end}" y2="${bottom}"/>`,
    x(from) + ASIDE < WIDTH
      ? word(x(from) + 6, top + 12, 'quiet', AFTER_WORDS)
      : word(WIDTH - 6, top - 4, 'quiet', AFTER_WORDS, 'text-anchor="end"'),
    ...lines.flatMap(([kind, of]) => {
      const path = runs(after.map(of), (i) => x(from + i), height)
      return path === '' ? [] : [curve(kind, path)]
    }),
  ]
}

/** As `stepped`, with a gap where nothing is known. */
function runs(values: readonly (number | null)[], x: Axis, y: Axis): string {
  return values
    .map((value, i) => {
      if (value === null) return ''
      const joins = i > 0 && values[i - 1] !== null
      return `${joins ? 'L' : 'M'}${x(i).toFixed(1)},${y(value).toFixed(1)}H${x(i + 1).toFixed(1)}`
    })
    .join('')
}

export function along(from: number, until: number, start: number, end: number): Axis {
  return (value) => start + ((value - from) / (until - from)) * (end - start)
}

/** Lines of a scale with their words, about five of them. */
export function levels(
  min: number,
  max: number,
  y: Axis,
  words: (value: number) => string,
): string[] {
  const step = niceMax((max - min) / 5)
  const lines: string[] = []
  for (let value = Math.ceil(min / step) * step; value <= max + step / 1_000; value += step) {
    const at = y(value).toFixed(1)
    const kind = Math.abs(value) < step / 1_000 ? 'axis' : 'grid'
    lines.push(`<line class="${kind}" x1="${LEFT}" y1="${at}" x2="${RIGHT}" y2="${at}"/>`)
    const told = words(Number(value.toPrecision(6)))
    lines.push(
      word(LEFT - 8, Number((y(value) + 4).toFixed(1)), 'quiet', told, 'text-anchor="end"'),
    )
  }
  return lines
}

/** A value holds until the next one begins. */
function stepped(values: readonly number[], x: Axis, y: Axis): string {
  return values
    .map((value, i) => {
      const height = y(value).toFixed(1)
      return `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)},${height}H${x(i + 1).toFixed(1)}`
    })
    .join('')
}

/** The same from its end to its start, to close an area. */
function back(values: readonly number[], x: Axis, y: Axis): string {
  return values
    .map((value, i) => `L${x(i + 1).toFixed(1)},${y(value).toFixed(1)}H${x(i).toFixed(1)}`)
    .toReversed()
    .join('')
}

function curve(kind: string, path: string): string {
  return `<path class="series ${kind}" d="${path}"/>`
}

function swatch(kind: string, y: number): (x: number) => string {
  return (x) => curve(kind, `M${x},${y}H${x + 14}`)
}

/** A little square of an area's colour. */
export function block(kind: string, y: number): (x: number) => string {
  return (x) => bar(kind, { x, y: y - 6, width: 12, height: 12 })
}
