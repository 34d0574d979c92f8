import { DataType, Variant, VariantArrayType } from 'node-opcua'
import { DomainError } from '#domain/errors.ts'
import { checkVoltageCurve, type VoltageCurve } from '#domain/network/voltage-support.ts'
import type { Instant } from '#domain/time.ts'
import type { VoltageCurveKind } from '#domain/voltage-response.ts'
import { type BatteryUnit, OUT_OF_RANGE } from './battery-unit.ts'

/** So many corners its curves may have (705 NPt). */
const POINTS_MAX = 8
const NOMINAL_VOLTS = 230

/** What a battery's server tells of its voltage curves, by the names of its NodeSet. */
export function voltageValues(
  unit: BatteryUnit,
  now: () => number,
): Record<string, [DataType, () => unknown]> {
  const armed = () => unit.voltage.armedAt(now())
  const corners = (kind: VoltageCurveKind) => armed()?.curves.find((one) => one.kind === kind)
  const percents = (kind: VoltageCurveKind) =>
    Float64Array.from(
      (corners(kind)?.points ?? []).flatMap(({ voltageBp, outputBp }) => {
        return [voltageBp / 100, outputBp / 100]
      }),
    )
  return {
    VarMaxRating: [DataType.Double, () => unit.voltage.ratedVa],
    VoltageCurvePointsMax: [DataType.UInt32, () => POINTS_MAX],
    VoltageNominal: [DataType.Double, () => NOMINAL_VOLTS],
    Voltage: [DataType.Double, () => (unit.voltage.voltageBp(now()) / 10_000) * NOMINAL_VOLTS],
    ReactivePower: [DataType.Double, () => unit.voltage.reactiveAt(now())],
    VoltVarEnable: [DataType.Boolean, () => corners('volt-var') !== undefined],
    VoltVarCurve: [DataType.Double, () => percents('volt-var')],
    VoltWattEnable: [DataType.Boolean, () => corners('volt-watt') !== undefined],
    VoltWattCurve: [DataType.Double, () => percents('volt-watt')],
    VoltageCurvesValidUntil: [DataType.DateTime, () => new Date(armed()?.validUntil ?? 0)],
  }
}

/** ArmVoltageCurves. @returns as SetActivePower does */
export function armVoltage(unit: BatteryUnit, inputs: readonly Variant[], now: number): number {
  const [voltVar, voltWatt, seconds, varRef, wRef, until, sequence] = inputs.map(
    ({ value }) => value as unknown,
  )
  const curves = [
    ...curveOf('volt-var', voltVar as Float64Array),
    ...curveOf('volt-watt', voltWatt as Float64Array),
  ]
  if (curves.length === 0 || !curves.every(isPossible)) return OUT_OF_RANGE
  const armed = {
    curves,
    responseMs: Math.round(Number(seconds) * 1000),
    reservedW: Number(varRef),
    ratedW: Number(wRef),
    validUntil: (until instanceof Date ? until.getTime() : Number.NaN) as Instant,
  }
  return unit.armVoltage(armed, Number(sequence), now)
}

function curveOf(kind: VoltageCurveKind, corners: Float64Array): VoltageCurve[] {
  const points = Array.from({ length: corners.length / 2 }, (_, i) => {
    const [percent = Number.NaN, output = Number.NaN] = corners.slice(2 * i, 2 * i + 2)
    return { voltageBp: Math.round(percent * 100), outputBp: Math.round(output * 100) }
  })
  return points.length === 0 ? [] : [{ kind, points }]
}

function isPossible(curve: VoltageCurve): boolean {
  try {
    checkVoltageCurve('curve', curve)
    return true
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return false
  }
}

/** ReadVoltageRecording. */
export function voltageRecording(unit: BatteryUnit, from: number, until: number): Variant {
  const rows = unit.voltage.recordedBetween(from, until)
  const numbers = rows.flatMap(({ at, voltageBp, powerW, reactiveVar }) => {
    return [at, voltageBp / 100, powerW === 0 ? 0 : -powerW, reactiveVar]
  })
  const value = Float64Array.from(numbers)
  return new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value })
}
