/**
 * The SunSpec points that the driver uses, as data: model, offset from the model's first register
 * (its ID) and type. Names and layout: sunspec/models (Apache-2.0), DER information model 1.2.
 */
export const models = {
  common: 1,
  measurement: 701,
  capacity: 702,
  control: 704,
  storage: 713,
  derControl: 715,
  battery: 802,
} as const

export type PointType =
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'uint64'
  | 'enum16'
  | 'sunssf'
  | 'text16'
  | 'text8'

export type Point = { readonly model: number; readonly at: number; readonly type: PointType }

const point = (model: number, at: number, type: PointType): Point => ({ model, at, type })

export const points = {
  Mn: point(models.common, 2, 'text16'),
  Md: point(models.common, 18, 'text16'),
  Vr: point(models.common, 42, 'text8'),

  ACType: point(models.measurement, 2, 'enum16'),
  W: point(models.measurement, 10, 'int16'),
  TotWhInj: point(models.measurement, 19, 'uint64'),
  TotWhAbs: point(models.measurement, 23, 'uint64'),
  W_SF: point(models.measurement, 116, 'sunssf'),
  TotWh_SF: point(models.measurement, 120, 'sunssf'),

  WMaxRtg: point(models.capacity, 2, 'uint16'),
  WChaRteMaxRtg: point(models.capacity, 10, 'uint16'),
  WDisChaRteMaxRtg: point(models.capacity, 11, 'uint16'),
  WMax: point(models.capacity, 26, 'uint16'),
  WChaRteMax: point(models.capacity, 34, 'uint16'),
  WDisChaRteMax: point(models.capacity, 35, 'uint16'),
  capacityW_SF: point(models.capacity, 45, 'sunssf'),

  WSetEna: point(models.control, 22, 'enum16'),
  WSetMod: point(models.control, 23, 'enum16'),
  WSet: point(models.control, 24, 'int32'),
  WSetPct: point(models.control, 28, 'int16'),
  WSetEnaRvrt: point(models.control, 30, 'enum16'),
  WSetRvrtTms: point(models.control, 31, 'uint32'),
  WSetRvrtRem: point(models.control, 33, 'uint32'),
  WSet_SF: point(models.control, 55, 'sunssf'),
  WSetPct_SF: point(models.control, 56, 'sunssf'),

  SoC: point(models.storage, 4, 'uint16'),
  Pct_SF: point(models.storage, 8, 'sunssf'),

  LocRemCtl: point(models.derControl, 2, 'enum16'),
  DERHb: point(models.derControl, 3, 'uint16'),
  ControllerHb: point(models.derControl, 4, 'uint16'),

  batterySoC: point(models.battery, 11, 'uint16'),
  batteryLocRemCtl: point(models.battery, 17, 'enum16'),
  SoC_SF: point(models.battery, 56, 'sunssf'),
} as const

export type PointName = keyof typeof points

/** 704 WSetMod: the setpoint counts in W, or in percent of the most that it can. */
export const setpointInWatts = 1
export const setpointInPercent = 0
/** 715 and 802 LocRemCtl: while somebody stands at the device, no order applies. */
export const localControl = 1

export const widths: Record<PointType, number> = {
  uint16: 1,
  int16: 1,
  enum16: 1,
  sunssf: 1,
  uint32: 2,
  int32: 2,
  uint64: 4,
  text16: 16,
  text8: 8,
}
