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

/** @throws RangeError for a risk that is not above 0 and below 1 */
export function uncalibrated(promisedRisk: number): Calibration {
  if (!(promisedRisk > 0 && promisedRisk < 1)) {
    throw new RangeError(`a risk must be above 0 and below 1, got ${promisedRisk}`)
  }
  return { promisedRisk, risk: promisedRisk }
}

export function afterCall({ promisedRisk, risk }: Calibration, wasShort: boolean): Calibration {
  const moved = risk + STEP * (promisedRisk - (wasShort ? 1 : 0))
  return { promisedRisk, risk: Math.min(RISK_MAX, Math.max(RISK_MIN, moved)) }
}
