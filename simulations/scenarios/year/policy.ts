import { type Beta, betaMean } from '#domain/reliability/beta.ts'
import { afterCall, type Calibration, uncalibrated } from '#domain/reliability/calibration.ts'
import { type Margin, marginFor, type UncertainUnit } from '#domain/reliability/margin.ts'
import {
  classMean,
  type DeviceRecord,
  type Evidence,
  NO_RECORD,
  score,
  withOutcome,
  withShare,
} from '#domain/reliability/score.ts'
import { seededRandom } from '../../random.ts'
import type { YearDevice } from './fleet.ts'
import type { Truth } from './law.ts'

export const PROMISED_RISK = 0.05
/** Assumed of a class, and of what its group leaves on a day, until calls have taught better. */
const DEVICE_MEAN = 0.93
const GROUP_MEAN = 0.97
/** Of fewer members a day says nothing about what they have in common. */
const MEMBERS_MIN = 5

/** What the product uses, then what it is compared with. */
export const POLICY_NAMES = ['calibrated', 'common-mode', 'independent'] as const
export type PolicyName = (typeof POLICY_NAMES)[number]

/** One way of setting margins, with all that it has learnt. */
export type Policy = {
  readonly name: PolicyName
  readonly devices: Map<string, DeviceRecord>
  readonly groups: Map<string, Evidence>
  calibration: Calibration
}

export function newPolicy(name: PolicyName): Policy {
  return { name, devices: new Map(), groups: new Map(), calibration: uncalibrated(PROMISED_RISK) }
}

/** How many of these to hold; the dice are the call's own. */
export function askMargin(
  policy: Policy,
  devices: readonly YearDevice[],
  needW: number,
  dice: { readonly seed: number; readonly call: number },
): Margin & { readonly units: readonly UncertainUnit[] } {
  const units = unitsOf(policy, devices)
  const { next: uniform } = seededRandom(dice.seed, 'year', 'margin', dice.call)
  const { risk } = policy.calibration
  return { units, ...marginFor({ units, groups: groupBeliefs(policy), needW, risk, uniform }) }
}

function unitsOf(policy: Policy, devices: readonly YearDevice[]): UncertainUnit[] {
  const means = classMeans(policy, devices)
  return devices.map((device) => {
    const record = policy.devices.get(device.ref) ?? NO_RECORD
    const mean = means.get(device.kind) ?? { reached: DEVICE_MEAN, delivered: DEVICE_MEAN }
    return {
      powerW: device.powerW,
      reached: score(record.reached, mean.reached),
      delivered: score(record.delivered, mean.delivered),
      groups: groupsOf(device),
    }
  })
}

function classMeans({ devices: known }: Policy, devices: readonly YearDevice[]) {
  const kinds = new Map<string, DeviceRecord[]>()
  for (const { ref, kind } of devices) {
    kinds.set(kind, [...(kinds.get(kind) ?? []), known.get(ref) ?? NO_RECORD])
  }
  const meanOf = (records: readonly DeviceRecord[]) => ({
    reached: classMean(
      records.map(({ reached }) => reached),
      DEVICE_MEAN,
    ),
    delivered: classMean(
      records.map(({ delivered }) => delivered),
      DEVICE_MEAN,
    ),
  })
  return new Map([...kinds].map(([kind, records]) => [kind, meanOf(records)] as const))
}

/** None where each is taken to fail by itself. */
function groupBeliefs({ name, groups }: Policy): ReadonlyMap<string, Beta> {
  if (name === 'independent') return new Map()
  const mean = classMean([...groups.values()], GROUP_MEAN)
  return new Map([...groups].map(([group, evidence]) => [group, score(evidence, mean)] as const))
}

function groupsOf({ make, kind }: YearDevice): string[] {
  return [`make ${make}`, `class ${kind}`]
}

/** What a call taught: of each device called, and of what they had in common that day. */
export function learn(
  policy: Policy,
  called: readonly {
    readonly device: YearDevice
    readonly unit: UncertainUnit
    readonly truth: Truth
  }[],
  wasShort: boolean,
): void {
  const sums = new Map<string, { members: number; expectedW: number; gotW: number }>()
  for (const { device, unit, truth } of called) {
    const expectedW = unit.powerW * betaMean(unit.reached) * betaMean(unit.delivered)
    const gotW = truth.isReached ? unit.powerW * truth.share : 0
    for (const group of groupsOf(device)) {
      const sum = sums.get(group) ?? { members: 0, expectedW: 0, gotW: 0 }
      sums.set(group, {
        members: sum.members + 1,
        expectedW: sum.expectedW + expectedW,
        gotW: sum.gotW + gotW,
      })
    }
    const before = policy.devices.get(device.ref) ?? NO_RECORD
    const outcome = truth.isReached
      ? ({ reached: true, deliveredShare: truth.share } as const)
      : ({ reached: false } as const)
    policy.devices.set(device.ref, withOutcome(before, outcome))
  }
  for (const [group, { members, expectedW, gotW }] of sums) {
    if (members < MEMBERS_MIN || expectedW <= 0) continue
    const before = policy.groups.get(group) ?? { good: 0, bad: 0 }
    policy.groups.set(group, withShare(before, gotW / expectedW))
  }
  if (policy.name === 'calibrated') policy.calibration = afterCall(policy.calibration, wasShort)
}
