import { type Capability, ONE_SETPOINT } from '#domain/capability.ts'
import type { BatterySession, Nameplate } from './battery-session.ts'
import type { PointName, Product } from './product.ts'
import { isLocal } from './wire.ts'
import { isWritten } from './written-orders.ts'

type Values = ReadonlyMap<PointName, unknown>

/** What a battery can do, from its product and what it says of itself. */
export function capabilityOf(
  product: Product,
  session: BatterySession,
  nameplate: Nameplate,
  values: Values,
  meterIntervalSeconds: number,
): Capability {
  const { type, scale = 1 } = product.points.ActivePowerSetpoint ?? { type: 'Double' }
  const grain = type === 'Double' || type === 'Float' ? 1 : Math.max(1, scale)
  return {
    protocol: 'opcua',
    ...ONE_SETPOINT,
    ...nameplate,
    quirks: isWritten(product) ? product.name : null,
    phases: null,
    minimumW: grain,
    stepW: grain,
    pauses: true,
    resumes: true,
    meterIntervalSeconds,
    signs: false,
    v2x: Number(values.get('MaxDischargeRating')) > 0,
    // A setpoint that was written and has no timer stands for ever once we are gone.
    offlineFallback: isWritten(product) && !session.has('RevertSeconds') ? 'unknown' : 'expires',
    ...(product.frequency && session.hasMethod(product.frequency.arm)
      ? { frequency: true as const }
      : {}),
    ...voltageOf(product, session, values),
  }
}

/** The voltage curves that it holds; a battery without reactive power holds none. */
function voltageOf(
  { voltage }: Product,
  session: BatterySession,
  values: Values,
): Pick<Capability, 'voltage'> {
  const ratedVar = Math.floor(Number(values.get('VarMaxRating') ?? 0))
  const pointsMax = Number(values.get('VoltageCurvePointsMax') ?? 0)
  const isThere = voltage !== undefined && session.hasMethod(voltage.arm)
  if (!isThere || !(ratedVar > 0) || pointsMax < 2) return {}
  return { voltage: { curves: ['volt-var', 'volt-watt'], ratedVar, pointsMax } }
}

export type Limit = { readonly limitW: number | null; readonly source: string }

/** What somebody else has taken from a battery: all of it in LOCAL, or part of its power. */
export function limitOf(product: Product, values: Values): Limit {
  if (isLocal(product, values.get('ControlMode')) === true) {
    return { limitW: 0, source: 'LOCAL control' }
  }
  const reduced = [
    reduction(values, 'MaxChargePower', 'MaxChargeRating'),
    reduction(values, 'MaxDischargePower', 'MaxDischargeRating'),
  ].filter((one) => one !== null)
  const [least] = reduced.toSorted((a, b) => a.limitW - b.limitW)
  return least ?? { limitW: null, source: 'none' }
}

function reduction(values: Values, now: PointName, rated: PointName) {
  const power = Number(values.get(now) ?? Number.NaN)
  const rating = Number(values.get(rated) ?? Number.NaN)
  if (!(power >= 0 && power < rating)) return null // also: below 0 means as rated, NaN not told
  const limitW = Math.floor(power)
  return { limitW, source: `${now} ${limitW} of ${Math.round(rating)} W` }
}
