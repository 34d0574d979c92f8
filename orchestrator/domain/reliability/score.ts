import { type Beta, betaOf } from './beta.ts'

/** After so many calls of a device an outcome counts half. */
export const HALF_LIFE_CALLS = 20
/** How many calls' worth the class's mean counts for a device that nothing is known of. */
export const PRIOR_STRENGTH = 5

/** What was seen, forgotten exponentially: weights of what went well and of what did not. */
export type Evidence = { readonly good: number; readonly bad: number }

/**
 * The record of a device in one service. Whether it was reached stands apart from what it gave once it
 * was: a router that is off and a battery that is empty are two things, and only one is the owner's.
 */
export type DeviceRecord = { readonly reached: Evidence; readonly delivered: Evidence }

export type CallOutcome =
  | { readonly reached: false }
  /** Delivered over instructed; below 0 counts as 0, beyond 1 as 1. */
  | { readonly reached: true; readonly deliveredShare: number }

const NOTHING: Evidence = { good: 0, bad: 0 }
export const NO_RECORD: DeviceRecord = { reached: NOTHING, delivered: NOTHING }

/** Adds one outcome, from 0 (nothing) to 1 (all); what was seen before fades by one call. */
export function withShare(
  { good, bad }: Evidence,
  share: number,
  halfLifeCalls = HALF_LIFE_CALLS,
): Evidence {
  if (Number.isNaN(share)) throw new RangeError('a share must be a number, got NaN')
  const kept = 0.5 ** (1 / halfLifeCalls)
  const seen = Math.min(1, Math.max(0, share))
  return { good: good * kept + seen, bad: bad * kept + 1 - seen }
}

/** What a call taught of a device; of one that was not reached nothing is known of its delivery. */
export function withOutcome(record: DeviceRecord, outcome: CallOutcome): DeviceRecord {
  const reached = withShare(record.reached, outcome.reached ? 1 : 0)
  if (!outcome.reached) return { ...record, reached }
  return { reached, delivered: withShare(record.delivered, outcome.deliveredShare) }
}

/**
 * The mean of a class out of the evidence of all its devices; `otherwise` stands in with the strength
 * of a prior, so that a class with one call is not taken at its word.
 */
export function classMean(evidence: readonly Evidence[], otherwise: number): number {
  const good = evidence.reduce((sum, one) => sum + one.good, otherwise * PRIOR_STRENGTH)
  const all = evidence.reduce((sum, one) => sum + one.good + one.bad, PRIOR_STRENGTH)
  return good / all
}

/** What is believed of a device: its class's mean, and what was seen of it. */
export function score({ good, bad }: Evidence, mean: number, strength = PRIOR_STRENGTH): Beta {
  const prior = betaOf(mean, strength)
  return { alpha: prior.alpha + good, beta: prior.beta + bad }
}
