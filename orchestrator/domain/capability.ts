import type { ResourceId } from './ids.ts'
import type { Rating, ResourceKind } from './resource.ts'
import type { Instant } from './time.ts'
import type { VoltageCurveKind } from './voltage-response.ts'

/** How a device tells what is in force: a composite schedule, what it offers, its setpoint, or not. */
export type ReadBackKind = 'composite' | 'offered' | 'setpoint' | 'none'

/** What a device does that has lost its connection while a setpoint is in force. */
export type OfflineFallback =
  /** The setpoint ends by itself, then the device's own default holds. */
  | 'expires'
  /** The default holds as soon as the device knows that it is offline (OCPP 2.1 maxOfflineDuration). */
  | 'default'
  /** Nothing stands under the setpoint: without it the device knows no limit. */
  | 'unlimited'
  | 'unknown'

/** What a device said it can do, and what was found out when it was set up. Powers in W. */
export type Capability = {
  readonly protocol: 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1' | 'opcua' | 'modbus' | 'simulated'
  /** As the device names itself; null where it does not. */
  readonly make: string | null
  readonly model: string | null
  readonly firmware: string | null
  /** The profile of known deviations that fits make and model; null: none does. */
  readonly quirks: string | null
  /** In which unit setpoints are given. */
  readonly unit: 'A' | 'W'
  readonly phases: 1 | 3 | null
  /** The least power above 0 that it can hold, and the grain of its setpoints. */
  readonly minimumW: number
  readonly stepW: number
  readonly stackLevelMax: number | null
  readonly periodsMax: number | null
  /** OCPP purposes and kinds that it takes; empty for other protocols. */
  readonly purposes: readonly string[]
  readonly kinds: readonly string[]
  /** Can it be brought to 0 W, and does it come back from there? null: not known yet. */
  readonly pauses: boolean | null
  readonly resumes: boolean | null
  readonly readBack: ReadBackKind
  readonly meterIntervalSeconds: number | null
  /** Does it sign its readings? */
  readonly signs: boolean
  /** Can it give power back? */
  readonly v2x: boolean
  /** Does it take setpoints that replace each other without a new profile (OCPP 2.1 Dynamic)? */
  readonly dynamic: boolean
  readonly offlineFallback: OfflineFallback
  /** Takes a droop curve and answers the frequency by itself; absent: it does not. */
  readonly frequency?: true
  /** Takes voltage curves and answers the voltage by itself; absent: it does not. */
  readonly voltage?: VoltageCapability
  /** Least seconds between two updates of what it keeps in flash; null: it names none. */
  readonly updateEverySeconds: number | null
  /** When what was written last into its flash; whoever speaks to it next keeps its pace. */
  readonly flashWrites?: readonly FlashWrite[]
}

export type VoltageCapability = {
  readonly curves: readonly VoltageCurveKind[]
  /** The most that it injects or takes in, var. */
  readonly ratedVar: number
  /** So many corners a curve may have. */
  readonly pointsMax: number
}

/** In the words of its protocol: what, and where in it. */
export type FlashWrite = { readonly purpose: string; readonly place: string; readonly at: Instant }

/** What all have in common that hold one setpoint in W until the next one, and tell it: no OCPP. */
export const ONE_SETPOINT = {
  unit: 'W',
  stackLevelMax: null,
  periodsMax: null,
  purposes: [],
  kinds: [],
  readBack: 'setpoint',
  dynamic: true,
  updateEverySeconds: null,
} as const satisfies Partial<Capability>

/**
 * What may be promised of a device. A charger gives power back only where its owner allows it (the
 * rating) and the station can; one that cannot be paused goes no lower than its least.
 */
export function ratingAsFound(
  kind: ResourceKind,
  rating: Rating,
  capability: Capability | null,
): Rating {
  const exportMaxW = kind === 'charger' && capability?.v2x !== true ? 0 : rating.exportMaxW
  const found = exportMaxW === rating.exportMaxW ? rating : { ...rating, exportMaxW }
  if (!rating.pausable || capability?.pauses !== false) return found
  const leastW = Math.max(rating.importMinW, Math.ceil(capability.minimumW))
  return { ...found, pausable: false, importMinW: Math.min(leastW, rating.importMaxW) }
}

/** What others did to a device behind our back; it lowers what the device can promise. */
export type DeviceCondition = {
  readonly resourceId: ResourceId
  /** A limit set by someone else (EMS, grid operator, installer), W; null: none. */
  readonly externalLimitW: number | null
  readonly externalSource: string | null
  /** Since when the driver has asked for full power (priority charging); null: not now. */
  readonly overrideSince: Instant | null
  readonly at: Instant
}

export type KnownCapability = {
  readonly resourceId: ResourceId
  readonly capability: Capability
  readonly learnedAt: Instant
}
