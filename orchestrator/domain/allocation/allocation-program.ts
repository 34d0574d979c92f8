import {
  leastPeriodsOn,
  type Limits,
  type Plan,
  planOf,
  unservedPriceOf,
  type Wanted,
} from './limits.ts'
import { addColumn, addRow, type Draft, type LinearProgram, type Term } from './linear-program.ts'

/** Power in kW and money in cents keep coefficients near 1, where solvers' tolerances are meant. */
const W_PER_KW = 1_000
export const MICRO_EUR_PER_CENT = 10_000

/** An allocation as a program, and how to read the plan from its solution. */
export type AllocationProgram = {
  readonly program: LinearProgram
  readonly plan: (values: ArrayLike<number>) => Plan
  /** The program with a plan to begin from, which must be within all limits. */
  readonly from: (plan: Plan) => LinearProgram
}

/** The columns of one device in one period; absent: it has none. */
type Cell = {
  readonly power?: number
  readonly on?: number
  readonly stop?: number
  readonly beyond?: number
}

/**
 * The cheapest allocation within all limits, never more than is asked; what is unserved costs ten
 * times the dearest device, so that cost never argues against serving. `unavoidableWh`: so much of
 * that nobody could serve.
 */
export function allocationProgram(
  devices: readonly Limits[],
  wanted: Wanted,
  priceCap = Number.POSITIVE_INFINITY,
  unavoidableWh = 0,
): AllocationProgram {
  const draft: Draft = { columns: [], rows: [] }
  const balance: Term[][] = wanted.powerW.map(() => [])
  const cells = devices.map((device) => {
    const { effect = 1, price } = device
    if (effect <= 0 || price > priceCap) return []
    if (device.allOrNothing === true) return wholeCells(draft, device, wanted, balance)
    return partCells(draft, device, wanted, balance)
  })
  const unservedPrice = unservedPriceOf(devices)
  const costUnavoidable = ((unavoidableWh / W_PER_KW) * unservedPrice) / MICRO_EUR_PER_CENT
  const shorts = wanted.powerW.map((powerW, t) => {
    const kw = Math.max(0, powerW) / W_PER_KW
    const cost = (unservedPrice / MICRO_EUR_PER_CENT) * (wanted.hours[t] ?? 0)
    const short = addColumn(draft, { cost, max: kw })
    addRow(draft, [...(balance[t] as Term[]), [short, 1]], '=', kw)
    return short
  })
  const program = { ...draft, costUnavoidable }
  return {
    program,
    from: (plan) => {
      const start = new Float64Array(draft.columns.length)
      devices.forEach((device, i) => putPowers(start, device, cells[i] ?? [], plan.powerW[i] ?? []))
      shorts.forEach((short, t) => {
        const given = devices.reduce((sum, { effect = 1 }, i) => {
          return sum + effect * (plan.powerW[i]?.[t] ?? 0)
        }, 0)
        start[short] = Math.max(0, (wanted.powerW[t] ?? 0) - given) / W_PER_KW
      })
      return { ...program, start }
    },
    plan: (values) => {
      const powers = devices.map((device, i) => powersOf(device, cells[i] ?? [], wanted, values))
      return planOf(devices, wanted, powers)
    },
  }
}

/** Everything or nothing: one binary for all periods. */
function wholeCells(
  draft: Draft,
  { maxW, energyWh, price, effect = 1 }: Limits,
  { powerW, hours }: Wanted,
  balance: Term[][],
): Cell[] {
  const kwh = powerW.reduce((sum, _, t) => sum + ((maxW[t] ?? 0) * (hours[t] ?? 0)) / W_PER_KW, 0)
  if (kwh * W_PER_KW > energyWh || kwh === 0) return []
  const cost = (price / MICRO_EUR_PER_CENT) * kwh
  const on = addColumn(draft, { cost, max: 1, isBinary: true })
  return powerW.map((_, t) => {
    const kw = (maxW[t] ?? 0) / W_PER_KW
    if (kw === 0) return {}
    balance[t]?.push([on, effect * kw])
    return { on }
  })
}

function partCells(draft: Draft, device: Limits, wanted: Wanted, balance: Term[][]): Cell[] {
  const { maxW, stopW = [], stopToW = stopW, minW = 0, energyWh, price, effect = 1 } = device
  const energy: Term[] = []
  const cells = wanted.powerW.map((askedW, t): Cell => {
    const hours = wanted.hours[t] ?? 0
    const cost = (price / MICRO_EUR_PER_CENT) * hours
    const [max, stop] = [(maxW[t] ?? 0) / W_PER_KW, (stopW[t] ?? 0) / W_PER_KW]
    if (askedW <= 0) return {}
    const use = (column: number, kw: number): number => {
      balance[t]?.push([column, effect * kw])
      energy.push([column, hours * kw])
      return column
    }
    const beyondStop = (binary: number, most: number): number => {
      const column = use(addColumn(draft, { cost, max: most }), 1)
      atMost(draft, column, most, binary)
      return column
    }
    let cell: Cell = {}
    if (stop > 0) {
      const binary = addColumn(draft, { cost: cost * stop, max: 1, isBinary: true })
      cell = { stop: use(binary, stop) }
      const beyond = (stopToW[t] ?? 0) / W_PER_KW - stop
      if (beyond > 0) cell = { ...cell, beyond: beyondStop(binary, beyond) }
    }
    if (max <= 0 || max * W_PER_KW < minW) return cell
    cell = { ...cell, power: use(addColumn(draft, { cost, max }), 1) }
    return minW > 0 ? { ...cell, on: addColumn(draft, switchColumn) } : cell
  })
  cells.forEach((cell, t) => bindCell(draft, cell, (maxW[t] ?? 0) / W_PER_KW, minW / W_PER_KW))
  addRow(draft, energy, '<=', energyWh / W_PER_KW)
  const leastPeriods = leastPeriodsOn(device)
  if (leastPeriods > 1) keepOn(draft, cells, leastPeriods)
  return cells
}

const switchColumn = { cost: 0, max: 1, isBinary: true } as const

/** Power only while it is on and not stopped, and then at least the least. */
function bindCell(draft: Draft, { power, on, stop }: Cell, max: number, min: number): void {
  if (power === undefined) return
  const stopped: Term[] = stop === undefined ? [] : [[stop, 1]]
  if (on !== undefined) {
    atMost(draft, power, max, on)
    const least: Term[] = [
      [power, 1],
      [on, -min],
    ]
    addRow(draft, least, '>=', 0)
    addRow(draft, [[on, 1], ...stopped], '<=', 1)
  } else if (stop !== undefined) {
    const unlessStopped: Term[] = [
      [power, 1],
      [stop, max],
    ]
    addRow(draft, unlessStopped, '<=', max)
  }
}

/** A column is at most this while a binary is 1, and 0 while it is 0. */
function atMost(draft: Draft, column: number, max: number, binary: number): void {
  const terms: Term[] = [
    [column, 1],
    [binary, -max],
  ]
  addRow(draft, terms, '<=', 0)
}

/** A run that begins in a period lasts so many, and ends with the window at the latest. */
function keepOn(draft: Draft, cells: readonly Cell[], leastPeriods: number): void {
  const active = (t: number, sign: number): Term[] => {
    const { on, stop } = cells[t] ?? {}
    return [on, stop].flatMap((column) => (column === undefined ? [] : [[column, sign] as const]))
  }
  cells.forEach((_, t) => {
    for (let later = t + 1; later < t + leastPeriods; later += 1) {
      addRow(draft, [...active(t, 1), ...active(t - 1, -1), ...active(later, -1)], '<=', 0)
    }
  })
}

/** The columns of a device that gives these powers. */
function putPowers(
  values: Float64Array,
  { stopW = [] }: Limits,
  cells: readonly Cell[],
  powerW: readonly number[],
): void {
  cells.forEach(({ power, on, stop, beyond }, t) => {
    const given = powerW[t] ?? 0
    if (given <= 0) return
    if (stop !== undefined && given >= (stopW[t] ?? 0)) {
      values[stop] = 1
      if (beyond !== undefined) values[beyond] = (given - (stopW[t] ?? 0)) / W_PER_KW
      return
    }
    if (power !== undefined) values[power] = given / W_PER_KW
    if (on !== undefined) values[on] = 1
  })
}

/** A solver keeps its bounds within a tolerance: what it says is brought back into them. */
function powersOf(
  { maxW, stopW = [], stopToW = stopW, minW = 0, allOrNothing }: Limits,
  cells: readonly Cell[],
  { powerW }: Wanted,
  values: ArrayLike<number>,
): number[] {
  const isOne = (column: number | undefined) => column !== undefined && (values[column] ?? 0) > 0.5
  return powerW.map((_, t) => {
    const { power, on, stop, beyond } = cells[t] ?? {}
    if (isOne(stop)) {
      const more = beyond === undefined ? 0 : Math.max(0, values[beyond] ?? 0) * W_PER_KW
      return Math.min(stopToW[t] ?? 0, (stopW[t] ?? 0) + more)
    }
    if (allOrNothing === true) return isOne(on) ? (maxW[t] ?? 0) : 0
    if (power === undefined || (on !== undefined && !isOne(on))) return 0
    const watts = (values[power] ?? 0) * W_PER_KW
    return watts < 1e-3 && minW === 0 ? 0 : Math.min(maxW[t] ?? 0, Math.max(minW, watts))
  })
}
