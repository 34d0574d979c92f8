import type { VoltageCurve } from '#domain/network/voltage-support.ts'
import type { TimeWindow } from '#domain/time.ts'
import type { ArmedVoltage, VoltageCurveKind, VoltageSample } from '#domain/voltage-response.ts'
import type { Argument, BatterySession } from './battery-session.ts'
import { armedPoints, type CurveMethods, type PointName, type Product } from './product.ts'
import { methodsThere, readRows } from './recording.ts'
import { powerFromProduct, refusalOf } from './wire.ts'

/**
 * Arms voltage curves on a battery until their end, or takes them back (null), and reads back what
 * stands there now. Answers why the battery turned them down; null: they stand as they should.
 * @throws Refused where the battery answers no voltage
 */
export async function callVoltage(
  session: BatterySession,
  product: Product,
  armed: ArmedVoltage | null,
  sequence: number,
): Promise<string | null> {
  const methods = methodsOf(session, product)
  const number: Argument = { type: 'UInt32', value: sequence }
  const answer =
    armed === null
      ? await session.call(methods.disarm, [number])
      : await session.call(methods.arm, [...argumentsOf(armed), number])
  return refusalOf(answer) ?? (await differenceOf(session, armed))
}

function argumentsOf({ curves, responseMs, reservedW, ratedW, validUntil }: ArmedVoltage) {
  const double = (value: number | Float64Array): Argument => ({ type: 'Double', value })
  const corners = (kind: VoltageCurveKind) => double(Float64Array.from(percents(curves, kind)))
  return [
    corners('volt-var'),
    corners('volt-watt'),
    double(responseMs / 1000),
    double(reservedW),
    double(ratedW),
    { type: 'DateTime', value: new Date(validUntil) } as const,
  ]
}

/** Voltage and output of each corner in %, one after the other; nothing where there is no curve. */
function percents(curves: readonly VoltageCurve[], kind: VoltageCurveKind): number[] {
  const points = curves.find((one) => one.kind === kind)?.points ?? []
  return points.flatMap(({ voltageBp, outputBp }) => [voltageBp / 100, outputBp / 100])
}

const STANDS = {
  'volt-var': ['VoltVarEnable', 'VoltVarCurve'],
  'volt-watt': ['VoltWattEnable', 'VoltWattCurve'],
} as const satisfies Record<VoltageCurveKind, readonly PointName[]>
const KINDS = ['volt-var', 'volt-watt'] as const

/** "Accepted" is not "armed": what the battery says that it holds; null: what it should. */
async function differenceOf(
  session: BatterySession,
  armed: ArmedVoltage | null,
): Promise<string | null> {
  const values = await session.read(armedPoints)
  for (const kind of KINDS) {
    const [enable, curve] = STANDS[kind]
    const wanted = percents(armed?.curves ?? [], kind)
    const isOn = values.get(enable)
    if (isOn !== wanted.length > 0) {
      const said = isOn === true ? 'one stands' : 'none does'
      return `a ${kind} curve was ${isOn === true ? 'taken back' : 'armed'}, and ${said}`
    }
    if (isOn === true && !isSame(values.get(curve), wanted)) {
      return `expected the ${kind} curve ${wanted.join(' ')}, got ${sayNumbers(values.get(curve))}`
    }
  }
  const end = values.get('VoltageCurvesValidUntil')
  const isEnd = armed === null || (end instanceof Date && end.getTime() === armed.validUntil)
  return isEnd ? null : `expected curves until ${armed.validUntil}, got ${String(end)}`
}

/** A battery may keep its corners in hundredths of a percent. */
const HALF_BP = 0.005

function isSame(value: unknown, wanted: readonly number[]): boolean {
  const got = numbersOf(value)
  return (
    got.length === wanted.length &&
    wanted.every((one, i) => Math.abs(one - (got[i] ?? Number.NaN)) <= HALF_BP)
  )
}

function numbersOf(value: unknown): readonly number[] {
  return value instanceof Float64Array || Array.isArray(value) ? [...value].map(Number) : []
}

function sayNumbers(value: unknown): string {
  return numbersOf(value).slice(0, 32).join(' ') || 'none'
}

/** What a battery recorded itself, oldest first. @throws Refused, RangeError */
export async function readVoltages(
  session: BatterySession,
  product: Product,
  window: TimeWindow,
): Promise<VoltageSample[]> {
  const { recording } = methodsOf(session, product)
  const rows = await readRows(session, recording, window, 4)
  return rows.map(({ at, values: [percent = 0, power = 0, reactive = 0] }) => {
    const powerW = powerFromProduct(product, power)
    const reactiveVar = Math.round(reactive) + 0 // -0 becomes 0
    return { at, voltageBp: Math.round(percent * 100), powerW, reactiveVar }
  })
}

function methodsOf(session: BatterySession, { voltage, title }: Product): CurveMethods {
  return methodsThere(session, voltage, `this ${title} answers no voltage`)
}
