import type { YearFigures } from '#simulations/scenarios/year/figures.ts'
import type { YearCall, YearMinute } from '#simulations/scenarios/year/play.ts'
import { bar, drawing, legend, niceMax, word } from '../backtest/svg.ts'

const WIDTH = 960
const HEIGHT = 720
const LEFT = 70
const RIGHT = WIDTH - 45
const CALL = { top: 118, bottom: 370 }
const YEAR = { top: 475, bottom: 670 }
/** The year's scale ends here: so much of what was ordered. */
const YEAR_MAX = 1.8

type Axis = (value: number) => number

/** One call minute by minute, and every call of the year by what was held and what that could give. */
export function yearPicture(seed: number, calls: readonly YearCall[], told: YearFigures): string {
  const shown = mostRepaired(calls)
  const title = `A year of ${told.calls} calls, seed ${seed}: short in ${told.short}`
  const [low, high] = told.interval
  return drawing(title, { width: WIDTH, height: HEIGHT }, [
    word(20, 48, 'quiet', `a promise of 5 % that is kept has ${low} to ${high} in 95 % of years`),
    ...callPanel(shown),
    ...yearPanel(calls),
  ])
}

/** The call whose stand-ins gave most and made it whole; the first where none was needed. */
function mostRepaired(calls: readonly YearCall[]): YearCall {
  const repairedW = (call: YearCall) => call.minutes.at(-1)?.repairedPartW ?? 0
  const [most] = calls
    .filter(({ wasShort }) => !wasShort)
    .toSorted((a, b) => repairedW(b) - repairedW(a))
  const call = most ?? calls[0]
  if (call === undefined) throw new RangeError('a picture of no calls')
  return call
}

function callPanel(call: YearCall): string[] {
  const { minutes, requestedW, orderedW } = call
  const max = niceMax(Math.max(...minutes.map(({ baselineW }) => baselineW)) / 1_000)
  const least = Math.min(0, ...minutes.map((one) => measuredW(one) / 1_000))
  const min = least < 0 ? -niceMax(-least) : 0
  const x = along(0, minutes.length, LEFT, RIGHT)
  const y = along(min, max, CALL.bottom, CALL.top)
  const line = (of: (one: YearMinute) => number) => stepped(minutes.map(of), x, (w) => y(w / 1_000))
  const why = call.shocks.length === 0 ? 'no common failure' : call.shocks.join(', ')
  const without = (one: YearMinute) => one.baselineW - one.orderedPartW
  return [
    word(20, 76, 'word', `Day ${call.day + 1} (${why}): power of those held, kW`),
    ...legend(98, [
      { shape: swatch('series-baseline', 98), words: 'baseline' },
      { shape: swatch('series-requested', 98), words: 'requested' },
      { shape: swatch('series-ordered', 98), words: 'ordered' },
      { shape: swatch('series-measured', 98), words: 'measured' },
      { shape: (at) => bar('held', { x: at, y: 92, width: 12, height: 12 }), words: 'repaired' },
    ]),
    ...levels(min, max, y, (kw) => `${kw}`),
    ...[0, 15, 30, 45, 60].map((minute) =>
      word(x(minute), CALL.bottom + 18, 'quiet', `${minute} min`, 'text-anchor="middle"'),
    ),
    `<path class="held" d="${line(without)} ${back(minutes.map(measuredW), x, (w) => y(w / 1_000))}Z"/>`,
    curve(
      'series-baseline',
      line(({ baselineW }) => baselineW),
    ),
    curve(
      'series-requested',
      line(({ baselineW }) => baselineW - requestedW),
    ),
    curve(
      'series-ordered',
      line(({ baselineW }) => baselineW - orderedW),
    ),
    curve('series-measured', line(measuredW)),
  ]
}

function yearPanel(calls: readonly YearCall[]): string[] {
  const x = along(0, 366, LEFT, RIGHT)
  const y = along(0.4, YEAR_MAX, YEAR.bottom, YEAR.top)
  const inside = (share: number) => y(Math.min(YEAR_MAX, Math.max(0.4, share)))
  return [
    word(
      20,
      YEAR.top - 42,
      'word',
      'Every call: held with its reserve, and what all held would have given',
    ),
    ...legend(YEAR.top - 20, [
      {
        shape: (at) => bar('held', { x: at, y: YEAR.top - 26, width: 12, height: 12 }),
        words: 'held beyond what was ordered',
      },
      { shape: dot('own', YEAR.top - 20), words: 'enough' },
      { shape: dot('penalty', YEAR.top - 20), words: 'short' },
    ]),
    ...levels(0.4, YEAR_MAX, y, (share) => `${Math.round(share * 100)} %`),
    ...calls.map(({ day, heldW, orderedW }) => {
      const top = inside(heldW / orderedW)
      const height = Number((y(1) - top).toFixed(1))
      return bar('held', { x: x(day), y: Number(top.toFixed(1)), width: 2, height })
    }),
    ...calls.map(({ day, couldW, orderedW, wasShort }) => {
      const at = `cx="${(x(day) + 1).toFixed(1)}" cy="${inside(couldW / orderedW).toFixed(1)}"`
      return `<circle class="${wasShort ? 'penalty' : 'own'}" ${at} r="${wasShort ? 3.5 : 2}"/>`
    }),
    `<line class="asked" x1="${LEFT}" y1="${y(1)}" x2="${RIGHT}" y2="${y(1)}"/>`,
    ...[0, 90, 180, 270, 360].map((day) =>
      word(x(day), YEAR.bottom + 20, 'quiet', `day ${day + 1}`, 'text-anchor="middle"'),
    ),
  ]
}

function measuredW({ baselineW, orderedPartW, repairedPartW }: YearMinute): number {
  return baselineW - orderedPartW - repairedPartW
}

function along(from: number, until: number, start: number, end: number): Axis {
  return (value) => start + ((value - from) / (until - from)) * (end - start)
}

/** Lines of a scale with their words, about five of them. */
function levels(min: number, max: number, y: Axis, words: (value: number) => string): string[] {
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

function dot(kind: string, y: number): (x: number) => string {
  return (x) => `<circle class="${kind}" cx="${x + 6}" cy="${y}" r="3.5"/>`
}
