import type { YearFigures } from '#simulations/scenarios/year/figures.ts'
import type { YearCall } from '#simulations/scenarios/year/play.ts'
import { bar, drawing, legend, word } from '../backtest/svg.ts'
import {
  along,
  block,
  callPanel,
  type DrawnCall,
  LEFT,
  levels,
  RIGHT,
  WIDTH,
} from './call-picture.ts'

const HEIGHT = 720
const CALL = { top: 118, bottom: 370 }
const YEAR = { top: 475, bottom: 670 }
/** The year's scale ends here: so much of what was ordered. */
const YEAR_MAX = 1.8

/** One call minute by minute, and every call of the year by what was held and what that could give. */
export function yearPicture(seed: number, calls: readonly YearCall[], told: YearFigures): string {
  const title = `A year of ${told.calls} calls, seed ${seed}: short in ${told.short}`
  const [low, high] = told.interval
  return drawing(title, { width: WIDTH, height: HEIGHT }, [
    word(20, 48, 'quiet', `a promise of 5 % that is kept has ${low} to ${high} in 95 % of years`),
    ...callPanel(CALL, drawn(mostRepaired(calls))),
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

function drawn({ day, shocks, minutes, requestedW, orderedW }: YearCall): DrawnCall {
  const why = shocks.length === 0 ? 'no common failure' : shocks.join(', ')
  return {
    heading: `Day ${day + 1} (${why}): power of those held, kW`,
    moments: minutes.map(({ baselineW, orderedPartW, repairedPartW }) => ({
      baselineW,
      requestedW: baselineW - requestedW,
      orderedW: baselineW - orderedW,
      measuredW: baselineW - orderedPartW - repairedPartW,
      withoutRepairW: baselineW - orderedPartW,
    })),
    after: [],
    ticks: [0, 15, 30, 45, 60].map((at) => ({ at, words: `${at} min` })),
  }
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
      { shape: block('held', YEAR.top - 20), words: 'held beyond what was ordered' },
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

function dot(kind: string, y: number): (x: number) => string {
  return (x) => `<circle class="${kind}" cx="${x + 6}" cy="${y}" r="3.5"/>`
}
