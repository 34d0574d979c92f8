import { freemem } from 'node:os'
import { createHighsSolver } from '#adapters/highs/driver.ts'
import { allocationProgram, MICRO_EUR_PER_CENT } from '#domain/allocation/allocation-program.ts'
import { cheapestDispatch } from '#domain/allocation/cheapest-mix.ts'
import { picked } from '#domain/allocation/fleet.ts'
import { greedyPlan, relaxed } from '#domain/allocation/greedy-plan.ts'
import { wholeSteps, withStepEnergies } from '#domain/allocation/in-steps.ts'
import { type Limits, type Plan, pricedCost, type Wanted } from '#domain/allocation/limits.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { DomainError } from '#domain/errors.ts'
import { planAllocation } from '#lifecycle/plan-allocation.ts'
import { SOLVER_DEADLINE_MS } from '#lifecycle/plan-order.ts'
import type { Solver } from '#ports.ts'
import { alike, type Asked, asked, chargers, limitsOf } from './allocation-fleets.ts'
import { type BenchRun, type Measurement, measurement, median } from './measurement.ts'

const ROUNDS = 3
/** Orders are whole hundreds of W. */
const STEP_W = 100
/** So long HiGHS is waited for where it is only compared with; a gate waits for less, ms. */
const COMPARED_MS = 60_000
/** Of the 15 s that a closing gate waits: a tenth for a feeder, a fifth for a town, ms. */
const FEEDER_MS = 1_500
const TOWN_MS = 3_000
/** More variables than this are asked of it only where there is room for their text. */
const MANY = 100_000
const ROOM_BYTES = 4e9

const ms = { unit: 'ms', better: 'lower' } as const
const share = { unit: 'of the cost', better: 'lower' } as const

/** Exact merit order on large fleets, and how near to the optimum, beside HiGHS. */
export async function run(bench: BenchRun): Promise<Measurement[]> {
  const { size } = bench
  return [
    ...(await sized(bench, size('town', 10_000), 8, 150)),
    ...(await sized(bench, size('region', 100_000), 8, 2_000)),
    ...(await sized(bench, size('country', 1_000_000), 1, 3_000)),
    growth(bench, size('country', 1_000_000)),
    ...(await gap(bench, size('instances', 10), size('few', 500))),
    ...(await leastPowers(
      bench,
      'chargers',
      chargers(size('chargers', 100), 8, bench.seed),
      FEEDER_MS,
    )),
    ...(await leastPowers(
      bench,
      'chargers of four kinds',
      alike(size('alike', 100), 8, bench.seed),
      FEEDER_MS,
    )),
    ...(await leastPowers(bench, 'chargers', chargers(size('many', 600), 8, bench.seed), TOWN_MS)),
  ]
}

/** From columns to whole steps, and HiGHS on the same devices. */
async function sized(
  bench: BenchRun,
  devices: number,
  periods: number,
  bar: number,
): Promise<Measurement[]> {
  const what = `${devices} devices × ${periods} periods`
  const one = asked(devices, periods, bench.seed)
  const first = timed(bench, () => allocated(one))
  const busyBefore = processorMs()
  const times = Array.from({ length: ROUNDS }, () => timed(bench, () => allocated(one)))
  const busy = (processorMs() - busyBefore) / ROUNDS
  bench.say(`${what}: ${times.map((time) => time.toFixed(0)).join(', ')} ms`)
  return [
    measurement({ ...ms, measure: `${what}, whole hundreds of W`, value: median(times), bar }),
    measurement({ ...ms, measure: `${what}, the first time`, value: first }),
    measurement({ ...ms, measure: `${what}, processor time`, value: busy }),
    await besideHighs(bench, one, what),
  ]
}

async function besideHighs(bench: BenchRun, one: Asked, what: string): Promise<Measurement> {
  const limits = limitsOf(one)
  const begun = bench.timer.monotonicMs()
  const found = await solved(bench, limits, wantedOf(one))
  const value = bench.timer.monotonicMs() - begun
  bench.say(`${what}: HiGHS ${typeof found === 'string' ? found : `${value.toFixed(0)} ms`}`)
  const measure = typeof found === 'string' ? `${what}, HiGHS gave up: ${found}` : `${what}, HiGHS`
  return measurement({ ...ms, measure, value })
}

/** The processor time of ten times as many, beside what n log n allows it to be. */
function growth({ seed }: BenchRun, devices: number): Measurement {
  const tenth = Math.round(devices / 10)
  const [few, many] = [tenth, devices].map((count) => {
    const one = asked(count, 1, seed)
    allocated(one)
    return median(
      Array.from({ length: ROUNDS }, () => {
        const before = processorMs()
        allocated(one)
        return processorMs() - before
      }),
    )
  }) as [number, number]
  const allowed = (devices * Math.log(devices)) / (tenth * Math.log(tenth))
  return measurement({
    measure: `from ${tenth} to ${devices} devices × 1 period: growth of the time over that of n log n`,
    value: many / few / allowed,
    unit: 'of n log n',
    better: 'lower',
    bar: 1,
  })
}

/** The cost of greedy and order over that of the linear program, the worst of all instances. */
async function gap(bench: BenchRun, count: number, devices: number): Promise<Measurement[]> {
  const [gaps, ordered]: [number[], number[]] = [[], []]
  const [mine, theirs]: [number[], number[]] = [[], []]
  for (let i = 0; i < count; i += 1) {
    const one = asked(devices, 8, bench.seed * 1_000 + i)
    const [limits, wanted] = [limitsOf(one), wantedOf(one)]
    const begun = bench.timer.monotonicMs()
    const optimum = await solved(bench, limits, wanted)
    if (typeof optimum === 'string') throw new Error(`HiGHS on ${devices} devices: ${optimum}`)
    theirs.push(bench.timer.monotonicMs() - begun)
    let plan = optimum
    mine.push(timed(bench, () => (plan = greedyPlan(limits, wanted))))
    const best = pricedCost(limits, wanted, optimum)
    gaps.push(Math.abs(pricedCost(limits, wanted, plan) - best) / best)
    const order = await planAllocation(noSolver, limits, wanted, { deadlineMs: 0 })
    ordered.push(pricedCost(limits, wanted, order) / best - 1)
  }
  const what = `${count} × ${devices} devices × 8 periods`
  return [
    measurement({
      ...share,
      measure: `${what}: most that greedy and HiGHS differ`,
      value: Math.max(...gaps),
      bar: 1e-6,
    }),
    measurement({
      ...share,
      measure: `${what}: most that an order in whole steps costs beyond it`,
      value: Math.max(...ordered),
    }),
    measurement({
      ...ms,
      measure: `${what}: the greedy, of HiGHS in its thread`,
      value: median(mine),
      reference: median(theirs),
    }),
  ]
}

/** What the solver is there for: as a gate closes, and what plain merit order would cost instead. */
async function leastPowers(
  { timer, say }: BenchRun,
  kind: string,
  devices: readonly Limits[],
  bar: number,
): Promise<Measurement[]> {
  const wanted = {
    powerW: devices[0]?.maxW.map((_, t) => devices.length * (800 + t * 313)) ?? [],
    hours: Array(8).fill(0.5) as number[],
  }
  const what = `${devices.length} ${kind} × 8 periods that hold 6 A or stop`
  const highs = createHighsSolver(timer)
  let provenCost = 0
  const solver: Solver = {
    async solve(program, deadlineMs) {
      const solution = await highs.solve(program, deadlineMs)
      provenCost = solution.costMin * MICRO_EUR_PER_CENT
      return solution
    },
  }
  const begun = timer.monotonicMs()
  const options = { deadlineMs: SOLVER_DEADLINE_MS }
  const planned = await planAllocation(solver, devices, wanted, options)
  const value = timer.monotonicMs() - begun
  const within = `${value.toFixed(0)} ms of the ${SOLVER_DEADLINE_MS} that a gate waits`
  say(`${what}: ${planned.because}, in ${within}`)
  // No allocation in whole steps costs less than without the gap between 6 A and a stop, nor less
  // than the solver has proved.
  const able = withStepEnergies(relaxed(devices, wanted) ?? devices, wanted, STEP_W)
  const least = Math.max(provenCost, pricedCost(able, wanted, greedyPlan(able, wanted)))
  const beyond = (plan: Plan) => pricedCost(devices, wanted, plan) / least - 1
  return [
    measurement({ ...ms, measure: `${what}: ${planned.method}`, value, bar }),
    measurement({
      ...share,
      measure: `${what}: cost beyond what none can be below`,
      value: beyond(planned),
      bar: 1e-3,
    }),
    measurement({
      ...share,
      measure: `${what}: the same of plain merit order`,
      value: beyond(meritFill(devices, wanted)),
    }),
  ]
}

/** Where the greedy is exact nobody asks for more. */
const noSolver: Solver = {
  solve: () => Promise.reject(new Error('the greedy is exact on devices of constant limits')),
}

function allocated({ fleet, demand }: Asked): number {
  const { position, powerW } = cheapestDispatch(fleet, demand)
  const energyWh = picked(fleet.energyWh, position)
  const effect = fleet.effect === undefined ? {} : { effect: picked(fleet.effect, position) }
  const hours = demand.powerW.map(() => demand.hours)
  return wholeSteps({ powerW, energyWh, ...effect }, { powerW: demand.powerW, hours }, STEP_W)
    .length
}

/** The plan of HiGHS, or why there is none. */
async function solved(
  { timer }: BenchRun,
  devices: readonly Limits[],
  wanted: Wanted,
): Promise<Plan | string> {
  if (devices.length * wanted.powerW.length > MANY && freemem() < ROOM_BYTES) {
    return 'not asked, it takes 4 GB and they are not free'
  }
  try {
    const { program, plan } = allocationProgram(devices, wanted)
    return plan((await createHighsSolver(timer).solve(program, COMPARED_MS)).values)
  } catch (error) {
    if (error instanceof DomainError || error instanceof RangeError) return error.message
    throw error
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function wantedOf({ demand }: Asked): Wanted {
  return { powerW: demand.powerW, hours: demand.powerW.map(() => demand.hours) }
}

function timed({ timer }: BenchRun, work: () => unknown): number {
  const begun = timer.monotonicMs()
  work()
  return timer.monotonicMs() - begun
}
