import type { ArmedDroop, FrequencySample } from './frequency-response.ts'
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
