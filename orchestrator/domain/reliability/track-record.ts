import { orderedEnergy } from '../delivery.ts'
import type { FlexibilityCall, Repair } from '../flexibility-call.ts'
import type { ResourceId } from '../ids.ts'
import type { ResourceKind } from '../resource.ts'
import { type Beta, betaMean } from './beta.ts'
import type { UncertainUnit } from './margin.ts'
import {
  type CallOutcome,
  classMean,
  type DeviceRecord,
  type Evidence,
  NO_RECORD,
  score,
  withOutcome,
  withShare,
} from './score.ts'

/** Assumed of a class, and of what a group leaves on a day, until calls have taught better. */
const DEVICE_MEAN = 0.93
const GROUP_MEAN = 0.97
/** Of fewer members a call says nothing about what they have in common. */
const MEMBERS_MIN = 5

const NOT_REACHED: ReadonlySet<Repair['reason']> = new Set(['silent', 'refused'])

/** What can be said of a device before it is called. */
export type KnownResource = {
  readonly resourceId: ResourceId
  readonly kind: ResourceKind
  /** What it shares its failures with: its make, its class, a cohort. */
  readonly groups: readonly string[]
}

/** What a device was told in a call, W or Wh, and what came of it. */
export type CalledResource = KnownResource & {
  readonly ordered: number
  readonly outcome: CallOutcome
}

/** All that calls have taught, of devices and of what they have in common. */
export type TrackRecord = {
  readonly devices: ReadonlyMap<
    ResourceId,
    { readonly kind: ResourceKind; readonly record: DeviceRecord }
  >
  readonly groups: ReadonlyMap<string, Evidence>
}

export const NO_TRACK_RECORD: TrackRecord = { devices: new Map(), groups: new Map() }

/**
 * The record after one more call. A group learns what its members gave together of what was expected
 * of each: a day on which all of a make fall short is one bad day of the make, not many bad devices.
 */
export function afterCallOf(before: TrackRecord, called: readonly CalledResource[]): TrackRecord {
  const devices = new Map(before.devices)
  const groups = new Map(before.groups)
  const means = classMeans(before)
  const sums = new Map<string, { members: number; expected: number; got: number }>()
  for (const { resourceId, kind, groups: mine, ordered, outcome } of called) {
    const { record } = before.devices.get(resourceId) ?? { record: NO_RECORD }
    const { reached, delivered } = believed(record, means(kind))
    const expected = ordered * betaMean(reached) * betaMean(delivered)
    const got = outcome.reached ? ordered * clipped(outcome.deliveredShare) : 0
    for (const group of mine) {
      const sum = sums.get(group) ?? { members: 0, expected: 0, got: 0 }
      sum.members += 1
      sum.expected += expected
      sum.got += got
      sums.set(group, sum)
    }
    devices.set(resourceId, { kind, record: withOutcome(record, outcome) })
  }
  for (const [group, { members, expected, got }] of sums) {
    if (members < MEMBERS_MIN || expected <= 0) continue
    groups.set(group, withShare(before.groups.get(group) ?? { good: 0, bad: 0 }, got / expected))
  }
  return { devices, groups }
}

/** What a margin is asked about, in the order of the resources. */
export function believedUnits<Resource extends KnownResource>(
  record: TrackRecord,
  resources: readonly Resource[],
): (Omit<Resource, keyof KnownResource> & Omit<UncertainUnit, 'powerW'>)[] {
  const means = classMeans(record)
  return resources.map(({ resourceId, kind, groups, ...rest }) => {
    const known = record.devices.get(resourceId)?.record ?? NO_RECORD
    return { ...rest, groups, ...believed(known, means(kind)) }
  })
}

/** What is left of each group on a day, as one shared share; a group never seen is not in it. */
export function believedGroups({ groups }: TrackRecord): ReadonlyMap<string, Beta> {
  const mean = classMean([...groups.values()], GROUP_MEAN)
  return new Map([...groups].map(([group, evidence]) => [group, score(evidence, mean)] as const))
}

/**
 * What a settled call says of those it ordered; null while it is not settled. Of a device that fell
 * silent, refused or left no readings it is not known what it would have given: it was not reached.
 */
export function outcomesOf(
  { settlement, repairs, candidates }: FlexibilityCall,
  groupsOf: (id: ResourceId) => readonly string[],
): CalledResource[] | null {
  if (settlement === null) return null
  const lost = new Set(
    repairs.filter(({ reason }) => NOT_REACHED.has(reason)).map(({ resourceId }) => resourceId),
  )
  const kinds = new Map(candidates.map(({ resourceId, kind }) => [resourceId, kind]))
  return settlement.lines.flatMap((line): CalledResource[] => {
    const { resourceId, orderedWh, deliveredWh, reason } = line
    const kind = kinds.get(resourceId)
    if (kind === undefined || orderedWh <= 0) return []
    const isReached = reason !== 'no-readings' && !lost.has(resourceId)
    const outcome: CallOutcome = isReached
      ? { reached: true, deliveredShare: deliveredWh / orderedWh }
      : { reached: false }
    return [{ resourceId, kind, groups: groupsOf(resourceId), ordered: orderedWh, outcome }]
  })
}

/**
 * Of a call that is not settled yet: whom its closed loop has let go so far, and nobody else. It is
 * known at once, so that the next call does not lean on them; of what they have in common it says
 * nothing, because those that obey are not in it.
 */
export function letGoSoFar({
  repairs,
  allocations,
  candidates,
}: FlexibilityCall): CalledResource[] {
  const kinds = new Map(candidates.map(({ resourceId, kind }) => [resourceId, kind]))
  return repairs.flatMap(({ resourceId, reason }): CalledResource[] => {
    const kind = kinds.get(resourceId)
    // A driver's wish, and what a charger cannot do, are found in what it delivered, later.
    if (kind === undefined || reason === 'overridden' || reason === 'cannot-pause') return []
    const { periods = [] } = allocations.find((part) => part.resourceId === resourceId) ?? {}
    const ordered = periods.reduce((sum, period) => sum + orderedEnergy(period), 0)
    const outcome: CallOutcome = NOT_REACHED.has(reason)
      ? { reached: false }
      : { reached: true, deliveredShare: 0 }
    return ordered > 0 ? [{ resourceId, kind, groups: [], ordered, outcome }] : []
  })
}

type Means = { readonly reached: number; readonly delivered: number }

function classMeans({ devices }: TrackRecord): (kind: ResourceKind) => Means {
  const all = [...devices.values()]
  const meanOf = (kind: ResourceKind): Means => {
    const records = all.filter((one) => one.kind === kind).map(({ record }) => record)
    const mean = (of: keyof DeviceRecord) =>
      classMean(
        records.map((one) => one[of]),
        DEVICE_MEAN,
      )
    return { reached: mean('reached'), delivered: mean('delivered') }
  }
  const known = { charger: meanOf('charger'), battery: meanOf('battery') }
  return (kind) => known[kind]
}

function believed({ reached, delivered }: DeviceRecord, means: Means) {
  return {
    reached: score(reached, means.reached),
    delivered: score(delivered, means.delivered),
  }
}

function clipped(share: number): number {
  return Math.min(1, Math.max(0, share))
}
