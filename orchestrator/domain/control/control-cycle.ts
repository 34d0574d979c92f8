import type { MicroEurPerKwh } from '../money.ts'
import type { PassedOver } from '../passed-over.ts'
import type { Instant } from '../time.ts'
import { type Adjustable, roomAtPoint } from './adjustable.ts'
import type { Correction, CorrectionReason } from './correction.ts'
import { loopError, type MakeUpSpan } from './error.ts'
import { loopReadings, type Member, type Wanted } from './portfolio.ts'
import { CONTROL_RULES, type ControlRules } from './rules.ts'
import { lower, raise } from './spread.ts'

/** The world as it is in this cycle: nothing is kept from the one before. */
export type LoopWorld = {
  readonly now: Instant
  /** Where the energy that is made up is counted from. */
  readonly since: Instant
  /** Absent: there is one settlement period, and no end in sight. */
  readonly span?: MakeUpSpan
  readonly meteringIntervalSeconds: number
  readonly priceCap: MicroEurPerKwh
  /** Whose meters count; those that were let go among them. */
  readonly members: readonly Member[]
  /** In order of time. */
  readonly wanted: readonly Wanted[]
  /** Those that obey and those in reserve. */
  readonly devices: readonly Adjustable[]
  /** Members that do not do what they are told, found in this cycle. */
  readonly lost: readonly Member[]
}

export type LoopDecision = {
  readonly corrections: readonly Correction[]
  /** W that are missing and that nobody can give now. */
  readonly openW: number
  /** Who could have given some of it, and why it was not asked. */
  readonly passedOver: readonly PassedOver[]
}

/**
 * One cycle of the closed loop. Those that do not respond are let go; then what all meters show is
 * set against what was ordered, and where two readings in a row lack or exceed it by more than the
 * dead band, devices are told to give more or less. The same world gives the same corrections.
 */
export function controlCycle(world: LoopWorld, rules: ControlRules = CONTROL_RULES): LoopDecision {
  const { now, since, lost, devices, priceCap } = world
  const gone = new Set(lost.map(({ resourceId }) => resourceId))
  const members = world.members.map((one) =>
    gone.has(one.resourceId) ? { ...one, toldW: 0, shownFrom: null } : one,
  )
  const able = devices.filter(({ resourceId }) => !gone.has(resourceId))
  const headroomW = able
    .filter(({ responds }) => responds)
    .reduce((sum, one) => sum + roomAtPoint(one), 0)
  const readings = loopReadings(members, world.wanted, world.meteringIntervalSeconds)
  const error = loopError(readings, since, headroomW, rules, world.span)
  const { errorW, makeUpW, correctionW, reserveMostW } = error
  const figures = { at: now, errorW: Math.round(errorW), makeUpW: Math.round(makeUpW) }
  const letGo = lost.map(({ resourceId, toldW }): Correction => {
    return { ...figures, resourceId, reason: 'not-responding', fromW: toldW, toW: 0 }
  })
  if (correctionW === 0) return { corrections: letGo, openW: 0, passedOver: [] }
  const { stepW } = rules
  const { toW, leftW, passedOver } =
    correctionW > 0
      ? raise(able, correctionW, { now, stepW, priceCap, reserveMostW })
      : lower(able, -correctionW, { now, stepW })
  const told = able.flatMap((device): Correction[] => {
    const { resourceId, toldW } = device
    const to = toW.get(resourceId)
    if (to === undefined) return []
    return [{ ...figures, resourceId, reason: reasonOf(device, to), fromW: toldW, toW: to }]
  })
  // A start costs something: the reserve stands in for power, never for energy of the past.
  const openW = correctionW > 0 ? Math.max(0, Math.round(leftW - makeUpW)) : 0
  return { corrections: [...letGo, ...told], openW, passedOver }
}

function reasonOf({ responds, toldW }: Adjustable, toW: number): CorrectionReason {
  if (toW < toldW) return 'too-much'
  return responds ? 'headroom' : 'reserve'
}
