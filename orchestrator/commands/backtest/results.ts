import { type Measurement, measurement } from '../bench/measurement.ts'
import type { FairPlay } from './fair-play.ts'
import { best, bestStandard, isStateBased, type MethodStudy, type WindowStudy } from './study.ts'
import type { ZeroResponse } from './zero-response.ts'

/** What is asked of the figures of a source; other sources are told for information. */
export type Bars = {
  /** In the first window. */
  readonly stateBased?: { readonly rrmse: number; readonly bias: number; readonly ratio: number }
  readonly bestMethod?: { readonly rrmse: number }
  readonly zeroResponse?: number
}

const LOAD = '% of the mean load'

/** One result per method and figure, then what is asked of ours and of the best. */
export function accuracyResults(studies: readonly WindowStudy[], bars: Bars): Measurement[] {
  return studies.flatMap((study, index) => [
    ...study.methods.flatMap((one) => resultsOf(one, study.window.name)),
    ...againstStandards(study, index === 0 ? bars : {}),
    ...bestOf(study, index === 0 ? bars : {}),
  ])
}

function resultsOf({ method, accuracy, run }: MethodStudy, window: string): Measurement[] {
  const named = `${method.name}, ${window}`
  const counted = measurement({
    measure: `${named}: windows counted`,
    value: run.outcomes.length,
    unit: 'windows',
    better: 'higher',
  })
  if (accuracy === null) return [counted]
  return [
    measurement({
      measure: `${named}: RRMSE`,
      value: accuracy.rrmsePercent,
      unit: LOAD,
      better: 'lower',
    }),
    measurement({
      measure: `${named}: bias`,
      value: accuracy.biasPercent,
      unit: LOAD,
      better: 'lower',
    }),
    counted,
  ]
}

/** Ours against the best of the rule books, in the same windows. */
function againstStandards(study: WindowStudy, { stateBased: asked }: Bars): Measurement[] {
  const ours = best(study.methods.filter(isStateBased))
  const standard = bestStandard(study)
  if (ours?.accuracy == null || standard?.accuracy == null) return []
  const name = `${ours.method.name}, ${study.window.name}`
  const told = { unit: LOAD, better: 'lower' } as const
  const bars =
    asked === undefined
      ? []
      : [
          measurement({
            ...told,
            measure: `${name}: RRMSE asked for`,
            value: ours.accuracy.rrmsePercent,
            bar: asked.rrmse,
          }),
          measurement({
            ...told,
            measure: `${name}: size of the bias asked for`,
            value: Math.abs(ours.accuracy.biasPercent),
            bar: asked.bias,
          }),
        ]
  return [
    ...bars,
    measurement({
      ...told,
      measure: `${name}: RRMSE against the best standard method, ${standard.method.name}`,
      value: ours.accuracy.rrmsePercent,
      reference: standard.accuracy.rrmsePercent,
      bar: asked?.ratio ?? 1, // nowhere worse than a rule book
    }),
  ]
}

function bestOf(study: WindowStudy, { bestMethod: asked }: Bars): Measurement[] {
  const found = best(study.methods)
  if (asked === undefined || found?.accuracy == null) return []
  return [
    measurement({
      measure: `best method, ${found.method.name}, ${study.window.name}: RRMSE asked for`,
      value: found.accuracy.rrmsePercent,
      unit: LOAD,
      better: 'lower',
      bar: asked.rrmse,
    }),
  ]
}

/** What a fleet that did nothing would be paid. */
export function zeroResults(
  method: string,
  window: string,
  paid: ZeroResponse,
  bar: number | undefined,
): Measurement[] {
  const told = { unit: '% of its load', better: 'lower' } as const
  const of = (what: string) => `paid for no response, ${method}, ${window}: ${what}`
  return [
    ...Object.entries(paid.paid).map(([policy, value]) =>
      measurement({
        ...told,
        measure: of(policy),
        value,
        // Paying every window alone is what the two others are there to end.
        ...(bar === undefined || policy === 'each-window-alone' ? {} : { bar }),
      }),
    ),
    measurement({ ...told, measure: of('signed sum'), value: paid.signed }),
  ]
}

/** What burning load before a window brings, and whether it is seen. */
export function fairPlayResults(fairPlay: FairPlay, window: string): Measurement[] {
  const told = { unit: 'kWh per kWh burnt', better: 'lower' } as const
  return [
    ...fairPlay.told.map(({ method, notice, ratio }) =>
      measurement({
        ...told,
        measure: `phantom delivery, ${method}, ${window}, told ${notice} before`,
        value: ratio,
        bar: fairPlay.ratioAsked,
      }),
    ),
    ...fairPlay.guessed.map(({ method, burnt, ratio }) =>
      measurement({
        ...told,
        measure: `phantom delivery, ${method}, ${window}, silent, guessed rightly, ${burnt}`,
        value: ratio,
      }),
    ),
    ...fairPlay.blind.map(({ method, halfHours, ratio }) =>
      measurement({
        ...told,
        measure: `phantom delivery, ${method}, ${window}, silent, any half-hour of ${halfHours}`,
        value: ratio,
        bar: fairPlay.ratioAsked,
      }),
    ),
    ...fairPlay.checks.map(({ name, flaggedPercent, isAsked }) =>
      measurement({
        measure: `pre-window check, ${window}, half-hour before ${name}: flagged`,
        value: flaggedPercent,
        unit: '% of the windows',
        better: name === 'honest' ? 'lower' : 'higher',
        ...(isAsked ? { bar: 100 } : {}),
      }),
    ),
  ]
}
