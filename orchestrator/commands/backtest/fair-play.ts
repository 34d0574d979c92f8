import type { BaselineMethod } from '#domain/baseline/method.ts'
import { seededRandom } from '#simulations/random.ts'
import { totalWh } from './accuracy.ts'
import { attackBefore, attackBlindly, gamingRatio } from './gaming.ts'
import { inputFor, type PlaceboWindow, type Trial } from './placebo.ts'
import { checkBeforeWindows, type PreWindowCheck } from './pre-window.ts'
import { isStateBased, type WindowStudy } from './study.ts'

/** At most this much phantom delivery per kWh burnt. */
const RATIO_ASKED = 0.05
const NOTICES = [
  { name: '30 min', seconds: 1_800 },
  { name: '3 h', seconds: 10_800 },
  { name: '24 h', seconds: 86_400 },
] as const
/** Guessed: what three hours bring, as long as rule books look back, and the last half-hour. */
const GUESSES = [
  { name: '3 h', seconds: 10_800 },
  { name: '30 min', seconds: 1_800 },
] as const
const SPANS = [
  { name: 'the day', fromMinute: 0, untilMinute: 1_440 },
  { name: '08:00-18:00', fromMinute: 480, untilMinute: 1_080 },
] as const
/** Every so-many-th window: an attack costs as much to compute as a hundred windows. */
const STRIDE = 5

export type FairPlay = {
  readonly ratioAsked: number
  /** Told beforehand: methods that are allowed then. */
  readonly told: readonly { method: string; notice: string; ratio: number }[]
  /** Told beforehand: methods that refuse every window then. */
  readonly refused: readonly { method: string; notice: string }[]
  /** Nobody is told and one attacker knows all the same: what silence and caps are worth. */
  readonly guessed: readonly { method: string; burnt: string; ratio: number }[]
  /** Nobody is told, and half-hours are burnt at random. */
  readonly blind: readonly { method: string; halfHours: string; ratio: number }[]
  /** Whether load laid on the half-hour before a window is seen. */
  readonly checks: readonly PreWindowCheck[]
}

/** Plays the attacks on every built-in method; what is burnt doubles the load of a mean window. */
export function playFair(
  trial: Trial,
  { placebos, methods }: WindowStudy,
  builtIn: ReadonlySet<BaselineMethod>,
  seed: number,
): FairPlay {
  const some = placebos.windows.filter((_, index) => index % STRIDE === 0)
  const inputOf = (placebo: PlaceboWindow) => inputFor(trial, placebo, placebos.history)
  const powerW = meanPowerW(placebos.windows, trial.series.intervalSeconds)
  const played = methods.filter(({ method, accuracy }) => builtIn.has(method) && accuracy !== null)
  const told: { method: string; notice: string; ratio: number }[] = []
  const refused: { method: string; notice: string }[] = []
  for (const { method } of played) {
    for (const { name: notice, seconds: noticeSeconds } of NOTICES) {
      const attack = attackBefore(method, some, inputOf, { noticeSeconds, powerW })
      if (attack.windows === 0) refused.push({ method: method.name, notice })
      else told.push({ method: method.name, notice, ratio: gamingRatio(attack) })
    }
  }
  const guessed = played.flatMap(({ method }) =>
    GUESSES.map(({ name, seconds }) => {
      const how = { noticeSeconds: seconds, powerW, guessed: true }
      const ratio = gamingRatio(attackBefore(method, some, inputOf, how))
      return { method: method.name, burnt: name, ratio }
    }),
  )
  const blind = played.filter(isStateBased).flatMap(({ method }) =>
    SPANS.map(({ name, ...span }) => {
      const { shuffle } = seededRandom(seed, 'half-hours', name)
      const attack = attackBlindly(method, placebos.windows, inputOf, { powerW, ...span, shuffle })
      return { method: method.name, halfHours: name, ratio: gamingRatio(attack) }
    }),
  )
  const checks = checkBeforeWindows(placebos, trial.series, powerW)
  return { ratioAsked: RATIO_ASKED, told, refused, guessed, blind, checks }
}

function meanPowerW(placebos: readonly PlaceboWindow[], intervalSeconds: number): number {
  const load = totalWh(placebos.map(({ meteredWh }) => totalWh(meteredWh)))
  const periods = totalWh(placebos.map(({ meteredWh }) => meteredWh.length))
  return Math.round((Math.abs(load) * 3600) / (periods * intervalSeconds))
}
