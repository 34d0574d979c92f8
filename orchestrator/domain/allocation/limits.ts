/** What one device can do in a window whose limits may change from period to period. */
export type Limits = {
  readonly id: string
  /** micro-EUR per kWh at the device. */
  readonly price: number
  /** From 0, or from `minW`, up to this, W per period; 0 where it is not there. */
  readonly maxW: readonly number[]
  /** The most that it can give in the window, Wh. */
  readonly energyWh: number
  /** What 1 W at the device takes off the congested element; absent: 1. */
  readonly effect?: number
  /** How much it gave lately; absent: nothing. */
  readonly rotation?: number
  /** Where it moves at all it moves by this at least; absent: by as little as one likes. */
  readonly minW?: number
  /**
   * Or by exactly this, beyond `maxW`: a charger goes down to its minimum of 6 A or stops, and
   * there is nothing between (IEC 61851); 0 where it must not stop.
   */
  readonly stopW?: readonly number[]
  /** Or, once it has stopped, up to this: a car that gives power back; absent: `stopW`. */
  readonly stopToW?: readonly number[]
  /**
   * Once it moves it goes on moving for so many periods, all within the window; absent: 1. Only
   * with a `minW`: without one there is no telling 0 W from standing still.
   */
  readonly minOnPeriods?: number
  /** The same in hours, which binds where periods are not equally long; absent: by periods. */
  readonly minOnHours?: number
  /** All of `maxW` in every period, or nothing at all. */
  readonly allOrNothing?: boolean
}

/** What is asked for, W per period at the congestion point; periods need not be equally long. */
export type Wanted = { readonly powerW: readonly number[]; readonly hours: readonly number[] }

/**
 * How an allocation was found: by plain merit order where nothing that was found costs less, or it
 * is within 0.1 % of the optimum; by the exact greedy; by the solver, to within 0.1 % or as far as
 * its work and time went; or by merit order because the solver had no better answer in time or was
 * not asked.
 */
export type Method = (typeof METHODS)[number]

export const METHODS = [
  'merit-order',
  'merit-order-near',
  'greedy',
  'solver',
  'solver-stopped',
  'merit-order-late',
] as const

/** How a call was allocated, fixed in its terms. */
export type AllocationStatement = {
  readonly method: Method
  /** For people. */
  readonly because: string
  /** Wh of the request that all resources together could not serve: at least this much, whole. */
  readonly unavoidableWh: number
  /** How unevenly the calls of 30 days fell on those who offered, 0 alike; absent: no calls. */
  readonly giniBp?: number
}

/** Why the greedy would not be exact. */
export type SolverReason =
  | 'minimum-power'
  | 'minimum-on-time'
  | 'all-or-nothing'
  | 'changing-limits'
  | 'unequal-periods'

const SAYS: Readonly<Record<SolverReason, string>> = {
  'minimum-power': 'devices have a least power',
  'minimum-on-time': 'devices have a least time to stay on',
  'all-or-nothing': 'devices give all or nothing',
  'changing-limits': 'limits of devices change within the window',
  'unequal-periods': 'periods are not equally long',
}

/** What of this call keeps the greedy from being exact; nothing: it is exact. */
export function solverReasons(devices: readonly Limits[], wanted: Wanted): SolverReason[] {
  const asked = wanted.powerW.flatMap((powerW, t) => (powerW > 0 ? [t] : []))
  const found = new Set<SolverReason>()
  for (const device of devices) {
    const { maxW, stopW, minW = 0, allOrNothing } = device
    if (minW > 0 || stopW?.some((power) => power > 0)) found.add('minimum-power')
    if (leastPeriodsOn(device) > 1) found.add('minimum-on-time')
    if (allOrNothing === true) found.add('all-or-nothing')
    if (asked.some((t) => maxW[t] !== maxW[asked[0] as number])) found.add('changing-limits')
  }
  if (asked.some((t) => wanted.hours[t] !== wanted.hours[asked[0] as number])) {
    found.add('unequal-periods')
  }
  return [...found].sort()
}

/** How many periods it stays on at least. */
export function leastPeriodsOn({ minW = 0, minOnPeriods = 1 }: Limits): number {
  return minW > 0 ? minOnPeriods : 1
}

/** A sentence for people: which method allocated, and why that one. */
export function methodSentence(method: Method, reasons: readonly SolverReason[]): string {
  const why = reasons.map((reason) => SAYS[reason]).join(', ')
  switch (method) {
    case 'merit-order':
      return 'merit order allocated: nothing within the limits costs less'
    case 'merit-order-near':
      return `merit order allocated: ${why}, but nothing within the limits costs 0.1 % less`
    case 'greedy':
      return 'the exact greedy allocated: every limit holds for the whole window'
    case 'solver':
      return `the solver allocated: ${why}`
    case 'solver-stopped':
      return `the solver allocated, perhaps not at the least cost: ${why}, and it has done all the work that it may`
    case 'merit-order-late':
      return `merit order allocated, perhaps not at the least cost: ${why}, and the solver had no better answer in time`
  }
}

/** The other method's plan costs no less, once it is in whole steps. */
export const NO_CHEAPER = 'merit order allocated: in whole steps nothing that was found costs less'

/** What the solver had found by its deadline is taken. */
export function lateSentence(reasons: readonly SolverReason[]): string {
  const why = reasons.map((reason) => SAYS[reason]).join(', ')
  return `the solver allocated, perhaps not at the least cost: ${why}, and its time was over before it was done`
}

/** The solver was not asked. */
export function tooLargeSentence(reasons: readonly SolverReason[]): string {
  const why = reasons.map((reason) => SAYS[reason]).join(', ')
  return `merit order allocated, perhaps not at the least cost: ${why}, and the call is too large for the solver`
}

/** Cheapest effect first, then who gave least lately, then by id. */
export function byMerit(a: Limits, b: Limits): number {
  return (
    a.price / (a.effect ?? 1) - b.price / (b.effect ?? 1) ||
    (a.rotation ?? 0) - (b.rotation ?? 0) ||
    (a.id < b.id ? -1 : 1)
  )
}

/** Powers of each device, W per period, with what stays unserved, Wh at the congestion point. */
export type Plan = {
  readonly powerW: readonly (readonly number[])[]
  readonly unservedWh: number
}

/** What a plan costs without what is unserved, micro-EUR. */
export function costOf(devices: readonly Limits[], wanted: Wanted, { powerW }: Plan): number {
  return devices.reduce((sum, { price }, i) => {
    const wh = energyOf(powerW[i] ?? [], wanted)
    return sum + (price * wh) / 1_000
  }, 0)
}

/** micro-EUR per kWh at the congestion point that the dearest device costs. */
export function dearestEffectOf(devices: readonly Limits[]): number {
  return devices.reduce((most, { price, effect = 1 }) => {
    return effect > 0 ? Math.max(most, price / effect) : most
  }, 0)
}

/** micro-EUR per kWh that is not served: ten times the dearest effect, so that serving pays. */
export function unservedPriceOf(devices: readonly Limits[]): number {
  return Math.max(10_000, 10 * dearestEffectOf(devices))
}

/** What a plan costs with what is unserved at its price, micro-EUR. */
export function pricedCost(devices: readonly Limits[], wanted: Wanted, plan: Plan): number {
  return costOf(devices, wanted, plan) + (plan.unservedWh * unservedPriceOf(devices)) / 1_000
}

/** Wh of a device's powers. */
export function energyOf(powerW: readonly number[], { hours }: Wanted): number {
  return powerW.reduce((sum, power, t) => sum + power * (hours[t] ?? 0), 0)
}

/** The plan of these powers: unserved is what no device gives. */
export function planOf(
  devices: readonly Limits[],
  wanted: Wanted,
  powerW: readonly (readonly number[])[],
): Plan {
  const unservedWh = wanted.powerW.reduce((sum, asked, t) => {
    const given = devices.reduce(
      (all, { effect = 1 }, i) => all + effect * (powerW[i]?.[t] ?? 0),
      0,
    )
    return sum + Math.max(0, asked - given) * (wanted.hours[t] ?? 0)
  }, 0)
  return { powerW, unservedWh }
}
