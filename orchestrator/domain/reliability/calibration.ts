/**
 * How far the margin believes itself: the risk that it works with, moved after each call by whether it
 * came out short. A model of failures is never the law of failures; this holds the share of short calls
 * at the promised one whatever that law is (adaptive conformal inference, I. Gibbs and E. Candès 2021).
 */
export type Calibration = {
  /** What the program promises at most: 0.05 of the calls come out short. */
  readonly promisedRisk: number
  /** What the margin is asked for now. */
  readonly risk: number
}

/** How far one call moves the risk: a short one by about this, one that held by its 19th part. */
const STEP = 0.015
/** The rarest that 2,000 draws can tell, and no more than an even chance. */
const RISK_MIN = 0.0005
const RISK_MAX = 0.5

/**
 * A margin that takes its model of failures at its word.
 * @throws RangeError for a risk that is not above 0 and below 1
 */
export function uncalibrated(promisedRisk: number): Calibration {
  if (!(promisedRisk > 0 && promisedRisk < 1)) {
    throw new RangeError(`a risk must be above 0 and below 1, got ${promisedRisk}`)
  }
  return { promisedRisk, risk: promisedRisk }
}

/**
 * Where a program begins: with half of what it allows, as models of failures that nobody has seen yet
 * are too sure of themselves. Whatever it begins with moves the share of short calls by what is left
 * of the difference, over a step for each call (in the long run not at all).
 * @throws RangeError for a risk that is not above 0 and below 1
 */
export function carefulStart(promisedRisk: number): Calibration {
  const { risk } = uncalibrated(promisedRisk)
  return { promisedRisk, risk: Math.max(RISK_MIN, risk / 2) }
}

export function afterCall({ promisedRisk, risk }: Calibration, wasShort: boolean): Calibration {
  const moved = risk + STEP * (promisedRisk - (wasShort ? 1 : 0))
  return { promisedRisk, risk: Math.min(RISK_MAX, Math.max(RISK_MIN, moved)) }
}
