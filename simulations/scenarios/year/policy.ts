import { resourceId } from '#domain/ids.ts'
import {
  afterCall,
  type Calibration,
  carefulStart,
  uncalibrated,
} from '#domain/reliability/calibration.ts'
import { type Margin, marginFor } from '#domain/reliability/margin.ts'
import {
  afterCallOf,
  believedGroups,
  believedUnits,
  type KnownResource,
  NO_TRACK_RECORD,
  type TrackRecord,
} from '#domain/reliability/track-record.ts'
import { seededRandom } from '../../random.ts'
import type { YearDevice } from './fleet.ts'
import type { Truth } from './law.ts'

export const PROMISED_RISK = 0.05

/** What the product uses, then what it is compared with. */
export const POLICY_NAMES = ['calibrated', 'common-mode', 'independent'] as const
export type PolicyName = (typeof POLICY_NAMES)[number]

/** One way of setting margins, with all that it has learnt. */
export type Policy = { readonly name: PolicyName; record: TrackRecord; calibration: Calibration }

export function newPolicy(name: PolicyName): Policy {
  const start = name === 'calibrated' ? carefulStart : uncalibrated
  return { name, record: NO_TRACK_RECORD, calibration: start(PROMISED_RISK) }
}

/** How many of these to hold; the dice are the call's own. */
export function askMargin(
  { name, record, calibration }: Policy,
  devices: readonly YearDevice[],
  needW: number,
  dice: { readonly seed: number; readonly call: number },
): Margin {
  const { next: uniform } = seededRandom(dice.seed, 'year', 'margin', dice.call)
  return marginFor({
    units: believedUnits(
      record,
      devices.map((one) => ({ ...known(one), powerW: one.powerW })),
    ),
    groups: name === 'independent' ? new Map() : believedGroups(record),
    needW,
    risk: calibration.risk,
    uniform,
  })
}

/** What a call taught: of each device called, of what they have in common, and of the margin. */
export function learn(
  policy: Policy,
  called: readonly { readonly device: YearDevice; readonly truth: Truth }[],
  wasShort: boolean,
): void {
  policy.record = afterCallOf(
    policy.record,
    called.map(({ device, truth: { isReached, share } }) => ({
      ...known(device),
      ordered: device.powerW,
      outcome: isReached ? { reached: true, deliveredShare: share } : { reached: false },
    })),
  )
  if (policy.name === 'calibrated') policy.calibration = afterCall(policy.calibration, wasShort)
}

function known({ ref, kind, make }: YearDevice): KnownResource {
  return { resourceId: resourceId(ref), kind, groups: [`make ${make}`, `class ${kind}`] }
}
