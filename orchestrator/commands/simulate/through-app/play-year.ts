import { hashOf } from '#domain/canonical.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { resourceId, type ResourceId } from '#domain/ids.ts'
import { type Margin, marginFor } from '#domain/reliability/margin.ts'
import { fellShort, learntFrom } from '#domain/reliability/promise.ts'
import { uniformFrom } from '#domain/reliability/seeded.ts'
import { believedGroups, believedUnits } from '#domain/reliability/track-record.ts'
import { startOf, WINDOW_SECONDS } from '#simulations/scenarios/year/availability.ts'
import type { YearDevice } from '#simulations/scenarios/year/fleet.ts'
import {
  callDays,
  requestOn,
  type YearCall,
  type YearMinute,
  type YearWorld,
} from '#simulations/scenarios/year/play.ts'
import { PROMISED_RISK } from '#simulations/scenarios/year/policy.ts'
import { enrolYear, type Kept } from './parties.ts'
import { type Evening, playCall } from './play-call.ts'

/** As many of its last calls the product learns from: older ones need not be kept. */
const KEPT_CALLS = 100

export type AppYear = {
  /** The calls that were paid, as figures and pictures take them. */
  readonly calls: readonly YearCall[]
  /** Of each of these, what a margin that lets each device fail by itself would have held, W. */
  readonly independentW: readonly number[]
  /** How many calls ended otherwise, by their last state. */
  readonly otherwise: Readonly<Record<string, number>>
  readonly repairs: number
}

/** The year through the whole product, call by call, each on what those before it have taught. */
export async function playAppYear(
  world: YearWorld,
  count: number,
  tell: (played: number) => void,
): Promise<AppYear> {
  let kept = await enrolYear(world.fleet)
  const calls: YearCall[] = []
  const independentW: number[] = []
  const otherwise: Record<string, number> = {}
  let repairs = 0
  for (const day of callDays(world.seed, count)) {
    const requestedW = requestOn(world, day)
    const evening = await playCall(world, kept, day, requestedW)
    const { call } = evening
    repairs += call.repairs.length
    if (call.state === 'paid') {
      const { margin, independent } = marginsOf(world, kept, day, call)
      calls.push(figuresOfCall(world, day, requestedW, evening, margin))
      independentW.push(independent.heldW)
      kept = { ...kept, calls: [...kept.calls, call].slice(-KEPT_CALLS) }
    } else {
      otherwise[call.state] = (otherwise[call.state] ?? 0) + 1
    }
    tell(calls.length)
  }
  return { calls, independentW, otherwise, repairs }
}

/** What the product's margin held for this call, and what one without common failures would. */
function marginsOf(
  { fleet, law }: YearWorld,
  { calls }: Kept,
  day: number,
  { id, request }: FlexibilityCall,
): { readonly margin: Margin; readonly independent: Margin } {
  const known = new Map(fleet.map((device) => [resourceId(device.ref), device]))
  const groupsOf = (resource: ResourceId) => {
    const { kind, make } = known.get(resource) as YearDevice
    return [`class ${kind}`, `make ${make}`]
  }
  const { record, calibration } = learntFrom(calls, PROMISED_RISK, groupsOf)
  const units = believedUnits(
    record,
    thereOn({ fleet, law }, day).map(({ ref, kind, powerW }) => {
      const resource = resourceId(ref)
      return { resourceId: resource, kind, groups: groupsOf(resource), powerW }
    }),
  )
  const needW = request.periods[0]?.powerW ?? 0
  const under = (groups: ReturnType<typeof believedGroups>) => {
    const uniform = uniformFrom(hashOf({ margin: id }))
    return marginFor({ units, groups, needW, risk: calibration.risk, uniform })
  }
  return { margin: under(believedGroups(record)), independent: under(new Map()) }
}

function thereOn({ fleet, law }: Pick<YearWorld, 'fleet' | 'law'>, day: number): YearDevice[] {
  return fleet.filter((device) => law.truth(device, day).isOffered)
}

function figuresOfCall(
  world: YearWorld,
  day: number,
  requestedW: number,
  evening: Evening,
  margin: Margin,
): YearCall {
  const { law } = world
  const { settlement, orderedW, allocations } = evening.call
  if (settlement === null) throw new Error(`${evening.call.id} was paid without a settlement`)
  const held = thereOn(world, day).slice(0, margin.held)
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
  const hours = WINDOW_SECONDS / 3_600
  return {
    day,
    shocks: law.shocksOn(day),
    requestedW,
    orderedW: mean(orderedW),
    heldW: margin.heldW,
    calledW: allocations.reduce(
      (sum, { periods }) => sum + Math.max(0, ...periods.map(({ powerW }) => powerW)),
      0,
    ),
    couldW: held.reduce((sum, device) => {
      const { isReached, share } = law.truth(device, day)
      return sum + (isReached ? device.powerW * share : 0)
    }, 0),
    surelyW: margin.surelyW,
    deliveredW: settlement.deliveredWh / hours,
    wasShort: fellShort(settlement),
    minutes: minutesOf(day, evening),
  }
}

/** Of all that were called: what they would draw, and what their meters say the call took off it. */
function minutesOf(day: number, { call, naturalW, readings }: Evening): YearMinute[] {
  const start = startOf(day)
  const roles = new Map(call.allocations.map(({ resourceId: id, role }) => [id, role]))
  const baselineW = [...roles.keys()].reduce((sum, id) => sum + (naturalW.get(id) ?? 0), 0)
  const length = WINDOW_SECONDS / 60
  const given = { order: new Float64Array(length), repair: new Float64Array(length) }
  const perMinute = 60 / call.program.meteringIntervalSeconds
  for (const { resourceId: id, at, powerW } of readings) {
    const role = roles.get(id)
    if (role === undefined || powerW === null || at <= start) continue
    const minute = Math.ceil((at - start) / 60_000) - 1
    const takenW = ((naturalW.get(id) ?? 0) - powerW) / perMinute
    given[role][minute] = (given[role][minute] ?? 0) + takenW
  }
  return Array.from({ length }, (_, minute) => ({
    baselineW,
    orderedPartW: given.order[minute] ?? 0,
    repairedPartW: given.repair[minute] ?? 0,
  }))
}
