import type { Capability } from './capability.ts'
import type { ArmedDroop, FrequencySample } from './frequency-response.ts'
import type { Program } from './program.ts'
import type { Direction, Rating } from './resource.ts'
import type { ArmedVoltage, VoltageSample } from './voltage-response.ts'

/** What devices answer by themselves once a curve is armed on them. */
export type Answered = 'frequency' | 'voltage'

/** What is to stand on a device from now on; null: nothing of its kind. */
export type CurveOrder =
  | { readonly answers: 'frequency'; readonly armed: ArmedDroop | null }
  | { readonly answers: 'voltage'; readonly armed: ArmedVoltage | null }

/** What a device recorded itself while something was armed on it. */
export type OwnRecording =
  | { readonly answers: 'frequency'; readonly samples: readonly FrequencySample[] }
  | { readonly answers: 'voltage'; readonly samples: readonly VoltageSample[] }

/** Does the program buy what devices answer by themselves? */
export function hasCurves({ frequency, voltage }: Pick<Program, 'frequency' | 'voltage'>): boolean {
  return frequency !== undefined || voltage !== undefined
}

/** Why a device cannot answer what the program buys; null: it can, or there is nothing to answer. */
export function cannotAnswer(
  { frequency, voltage }: Pick<Program, 'frequency' | 'voltage'>,
  capability: Pick<Capability, 'frequency' | 'voltage'> | null,
): string | null {
  if (frequency && capability?.frequency !== true)
    return 'it does not answer the frequency by itself'
  if (voltage === undefined) return null
  const able = capability?.voltage
  if (able === undefined) return 'it does not answer the voltage by itself'
  const other = voltage.curves.find(({ kind }) => !able.curves.includes(kind))
  if (other) return `it holds no ${other.kind} curve`
  const most = Math.max(...voltage.curves.map(({ points }) => points.length))
  return most > able.pointsMax ? `its curves have ${able.pointsMax} corners at most` : null
}

type CurvesOrdered = {
  readonly program: Pick<Program, 'voltage'>
  readonly request: { readonly direction: Direction }
}

/**
 * The most that may be offered of a device by the curves that are to be armed, W: all of a Q(V)
 * curve is as many var as W are reserved, and it has no more of them than its own. null: no bound.
 * What it may export stays: a P(V) curve is a share of that.
 */
export function mostByCurves(
  { voltage }: Pick<Program, 'voltage'>,
  capability: Pick<Capability, 'voltage'> | null,
): number | null {
  const isReactive = voltage?.curves.some(({ kind }) => kind === 'volt-var') === true
  return isReactive ? (capability?.voltage?.ratedVar ?? null) : null
}

/** A rating by which no more is foreseen of a device than may be offered by its curves. */
export function ratingForCurves(
  rating: Rating,
  { program, request: { direction } }: CurvesOrdered,
  capability: Pick<Capability, 'voltage'> | null,
): Rating {
  const mostW = mostByCurves(program, capability)
  if (mostW === null) return rating
  return direction === 'increase-import'
    ? { ...rating, importMaxW: Math.min(rating.importMaxW, mostW) }
    : { ...rating, exportMaxW: Math.min(rating.exportMaxW, mostW) }
}
