import type { Resource } from '../api.ts'

export type Conditions = NonNullable<Resource['offer']['conditions']>
/** The conditions that are a figure. */
export type FigureName = Exclude<keyof Conditions, 'allOrNothing' | 'onLessAsStandIn'>

type Figure = {
  readonly label: string
  readonly help: string
  /** What one of the unit shown is in the API's unit. */
  readonly unit: number
  readonly from: number
  readonly to: number
  readonly words: (shown: string) => string
}

const HOUR = 60
const DAY = 24 * HOUR

/** In the order of the form; bounds are of what is shown. */
export const FIGURES: Readonly<Record<FigureName, Figure>> = {
  noticeSeconds: {
    label: 'Minutes of notice it needs',
    help: 'With any, it cannot stand in for others inside a window.',
    unit: 60,
    from: 0,
    to: 30 * DAY,
    words: (shown) => `${shown} min of notice`,
  },
  callsPerDayMax: {
    label: 'Calls a day, at most',
    help: "Of the program's local day.",
    unit: 1,
    from: 1,
    to: 96,
    words: (shown) => `at most ${shown} ${shown === '1' ? 'call' : 'calls'} a day`,
  },
  restSeconds: {
    label: 'Minutes of rest between two calls',
    help: 'From the end of one to the start of the next.',
    unit: 60,
    from: 0,
    to: 7 * DAY,
    words: (shown) => `${shown} min of rest between calls`,
  },
  powerMinW: {
    label: 'Least it moves by, in kW',
    help: 'Where it moves at all.',
    unit: 1000,
    from: 0,
    to: 10_000,
    words: (shown) => `moves by ${shown} kW or more`,
  },
  onSecondsMin: {
    label: 'Minutes it goes on for, at least',
    help: 'Once it moves, counted from its own start.',
    unit: 60,
    from: 0,
    to: DAY,
    words: (shown) => `goes on for ${shown} min or longer`,
  },
}
export const FIGURE_NAMES = Object.keys(FIGURES) as FigureName[]

/** What a condition is in its field; empty where it does not bind. */
export function shownAs(name: FigureName, conditions: Conditions): string {
  const value = conditions[name]
  return value === undefined ? '' : String(value / FIGURES[name].unit)
}

/** What an offer is tied to, in words. */
export function conditionWords(conditions: Conditions): string {
  const told = FIGURE_NAMES.filter((name) => (conditions[name] ?? 0) > 0).map((name) =>
    FIGURES[name].words(shownAs(name, conditions)),
  )
  if (conditions.onLessAsStandIn === true && (conditions.onSecondsMin ?? 0) > 0) {
    told.push('or until the end where it is called in for others')
  }
  const all = conditions.allOrNothing === true ? [...told, 'all it can or nothing'] : told
  return all.length === 0 ? 'answers any call' : all.join(', ')
}

type Read = {
  readonly conditions: Conditions
  readonly wrong: Readonly<Partial<Record<FigureName, string>>>
}

/** What the fields of the form say; an empty one binds to nothing. */
export function readConditions(
  typed: Readonly<Record<FigureName, string>>,
  allOrNothing: boolean,
  onLessAsStandIn = false,
): Read {
  const conditions: Conditions = {
    ...(allOrNothing ? { allOrNothing } : {}),
    ...(onLessAsStandIn ? { onLessAsStandIn } : {}),
  }
  const wrong: Partial<Record<FigureName, string>> = {}
  for (const name of FIGURE_NAMES) {
    const text = typed[name].trim()
    if (text === '') continue
    const { unit, from, to } = FIGURES[name]
    const value = valueOf(text, unit)
    if (value === null || value < from * unit || value > to * unit) {
      wrong[name] = `A figure from ${from} to ${to}${unit === 1 ? ', without a fraction' : ''}.`
    } else conditions[name] = value
  }
  return { conditions, wrong }
}

/** Whole units of the API; null: no such figure. */
function valueOf(text: string, unit: number): number | null {
  const found = /^(\d{1,6})(?:[.,](\d{1,3}))?$/.exec(text)
  if (found === null) return null
  const thousandths = Number(found[1]) * 1000 + Number((found[2] ?? '').padEnd(3, '0'))
  const value = (thousandths * unit) / 1000
  return Number.isSafeInteger(value) ? value : null
}
