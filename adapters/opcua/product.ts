/** What stands on the wire for one value of a battery. */
export type PointType =
  | 'Boolean'
  | 'Int16'
  | 'UInt16'
  | 'Int32'
  | 'UInt32'
  | 'Int64'
  | 'UInt64'
  | 'Float'
  | 'Double'
  | 'DateTime'

/** What the driver knows of a battery, in the words of our NodeSet (see gridcall-bess.xml). */
export const pointNames = [
  'EnergyRating',
  'MaxChargeRating',
  'MaxDischargeRating',
  'MaxChargePower',
  'MaxDischargePower',
  'StateOfCharge',
  'SoCMin',
  'SoCMax',
  'ActivePower',
  'EnergyImported',
  'EnergyExported',
  'OperatingState',
  'ControlMode',
  'ActivePowerSetpoint',
  'SetpointEnable',
  'SetpointMode',
  'SetpointValidUntil',
  'RevertPower',
  'RevertEnable',
  'RevertSeconds',
  'RevertRemaining',
  'RampRate',
  'DeviceHeartbeat',
  'ControllerHeartbeat',
  'MeteringInterval',
  'MeterRecord',
  'VarMaxRating',
  'VoltageCurvePointsMax',
  'VoltVarEnable',
  'VoltVarCurve',
  'VoltWattEnable',
  'VoltWattCurve',
  'VoltageCurvesValidUntil',
] as const

/** What stands there only while something is armed: read when curves are read back. */
export const armedPoints = [
  'VoltVarEnable',
  'VoltVarCurve',
  'VoltWattEnable',
  'VoltWattCurve',
  'VoltageCurvesValidUntil',
] as const satisfies readonly PointName[]

export type PointName = (typeof pointNames)[number]

export type Point = {
  /** Browse names below the product's object, in its namespace. */
  readonly path: readonly string[]
  readonly type: PointType
  /** W, Wh, % or s in one unit on the wire; 1 where nothing is said. */
  readonly scale?: number
  /** The device may be without it. */
  readonly optional?: true
}

/** One call carries the power, its end and its number: the battery lets go by itself. */
export type MethodControl = {
  readonly kind: 'methods'
  readonly setActivePower: string
  readonly releaseSetpoint: string
}

/**
 * Variables are written one service call after the other, because the order of the operations
 * within one call is not defined (Part 4, 5.10.4): first what makes the setpoint end, then the
 * setpoint, then what puts it in force. An order on the wire has no end, so the driver keeps it.
 */
export type WriteControl = {
  readonly kind: 'writes'
  /** Written before the setpoint. */
  readonly before: readonly { readonly point: PointName; readonly value: number | boolean }[]
}

/** What a battery is called by that answers something by itself. */
export type CurveMethods = {
  readonly arm: string
  readonly disarm: string
  readonly recording: string
}

/** A make of battery as data: where its values stand, in which unit and with which sign. */
export type Product = {
  readonly name: string
  readonly title: string
  readonly namespaceUri: string
  /** Browse names from the Objects folder to the battery, in its namespace. */
  readonly object: readonly string[]
  /** Which way power flows that it counts as +. */
  readonly plus: 'discharge' | 'charge'
  readonly points: Partial<Record<PointName, Point>>
  /** The value of ControlMode in which no instruction applies; null: it has no such mode. */
  readonly localMode: number | boolean | null
  readonly control: MethodControl | WriteControl
  /**
   * Methods of a battery that answers the frequency or the voltage by itself; an older one may be
   * without them.
   */
  readonly frequency?: CurveMethods
  readonly voltage?: CurveMethods
  /** How often our own sign of life is written; each second where nothing is said. */
  readonly heartbeatSeconds?: number
}

/** The same product under another name in the same folder, where a server holds several. */
export function objectNamed(product: Product, name: string): Product {
  return { ...product, object: [...product.object.slice(0, -1), name] }
}

/** The points of a product, in the order of `pointNames`. */
export function pointsOf(product: Product): readonly PointName[] {
  return pointNames.filter((name) => product.points[name] !== undefined)
}

/** What SetActivePower and ReleaseSetpoint answer. */
export const methodResults = {
  accepted: 0,
  local: 1,
  sequenceNotNewer: 2,
  expired: 3,
  outOfRange: 4,
} as const
