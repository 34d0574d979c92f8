import type { Answered, CurveOrder, OwnRecording } from '#domain/armed-curve.ts'
import { type ArmedDroop, droopW, type FrequencySample } from '#domain/frequency-response.ts'
import { type Instant, instant, type TimeWindow } from '#domain/time.ts'
import {
  type ArmedVoltage,
  type VoltageSample,
  type VoltageTarget,
  voltageTarget,
} from '#domain/voltage-response.ts'

export type OwnAnswersOptions = {
  /** What it measures of its grid, by which it answers an armed droop; absent: it cannot. */
  readonly frequencyMilliHz?: (at: Instant) => number
  /** What it measures where it stands, basis points of nominal; absent: it answers no voltage. */
  readonly voltageBp?: (at: Instant) => number
  /** Takes curves and answers nothing; what it writes down is the truth all the same. */
  readonly disobeys?: boolean
}

/** What a machine does by itself while curves are armed on it, looking once a second. */
export function createOwnAnswers(options: OwnAnswersOptions) {
  const { frequencyMilliHz, voltageBp, disobeys } = options
  const frequencies: FrequencySample[] = []
  const voltages: VoltageSample[] = []
  let droop: ArmedDroop | null = null
  let voltage: ArmedVoltage | null = null

  const standing = <T extends { readonly validUntil: Instant }>(one: T | null, at: Instant) =>
    one !== null && !disobeys && at < one.validUntil ? one : null
  const target = (at: Instant): VoltageTarget | null => {
    const armed = standing(voltage, at)
    return armed === null ? null : voltageTarget(armed, voltageBp?.(at) ?? 0)
  }

  return {
    /** The text is a refusal. */
    arm(order: CurveOrder): string | null {
      const sees = order.answers === 'frequency' ? frequencyMilliHz : voltageBp
      if (sees === undefined) return `it answers no ${order.answers}`
      if (order.answers === 'frequency') droop = order.armed
      else voltage = order.armed
      return null
    },
    /** What becomes of a power by what it answers now, W, + is import. */
    power(restW: number, at: Instant): number {
      const armed = standing(droop, at)
      const answerW = armed ? droopW(armed.droop, armed.reservedW, frequencyMilliHz?.(at) ?? 0) : 0
      return Math.max(restW + answerW, 0 - (target(at)?.exportMaxW ?? Infinity))
    },
    /** Writes down what it sees and does; null: nothing is armed, else when to look again. */
    look(at: Instant, powerW: number): Instant | null {
      if (droop !== null && at >= droop.validUntil) droop = null
      if (voltage !== null && at >= voltage.validUntil) voltage = null
      if (droop !== null) {
        frequencies.push({ at, frequencyMilliHz: frequencyMilliHz?.(at) ?? 0, powerW })
      }
      if (voltage !== null) {
        const reactiveVar = target(at)?.reactiveVar ?? 0
        voltages.push({ at, voltageBp: voltageBp?.(at) ?? 0, powerW, reactiveVar })
      }
      const ends = [droop, voltage].flatMap((one) => (one === null ? [] : [one.validUntil]))
      return ends.length === 0 ? null : instant(Math.min(at + 1000, ...ends))
    },
    recordedIn(answers: Answered, { start, end }: TimeWindow): OwnRecording {
      const within = ({ at }: { readonly at: Instant }) => at >= start && at <= end
      return answers === 'frequency'
        ? { answers, samples: frequencies.filter(within) }
        : { answers, samples: voltages.filter(within) }
    },
  }
}
