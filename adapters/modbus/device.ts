import { type Capability, ONE_SETPOINT } from '#domain/capability.ts'
import { discover, MapRefused } from './discovery.ts'
import type { Line } from './line.ts'
import { models, points, type PointName } from './point-map.ts'
import { type ModelMap, type PointValue, readPoints, scaled } from './registers.ts'

/** An inverter-battery as one connection found it: where its points lie and how they count. */
export type Device = {
  readonly line: Line
  readonly map: ModelMap
  readonly factors: {
    readonly power: PointValue
    readonly energy: PointValue
    readonly setpoint: PointValue
  }
  /** It takes setpoints in percent of so many W only; null: it takes W. */
  readonly percentOfW: number | null
  /** What it takes and gives at most, W; null: it does not say. */
  readonly chargeMaxW: number | null
  readonly dischargeMaxW: number | null
  /** How it names itself. */
  readonly make: string | null
  readonly model: string | null
  readonly firmware: string | null
  readonly phases: 1 | 3 | null
}

const static_ = [
  'Mn',
  'Md',
  'Vr',
  'ACType',
  'W_SF',
  'TotWh_SF',
  'WChaRteMaxRtg',
  'WDisChaRteMaxRtg',
  'WChaRteMax',
  'WDisChaRteMax',
  'capacityW_SF',
  'WMaxRtg',
  'WMax',
  'WSet',
  'WSet_SF',
  'WSetPct',
  'WSetPct_SF',
  'TotWhInj',
  'TotWhAbs',
] as const

/** Reads what stays as it is for as long as a connection lasts. @throws MapRefused */
export async function readDevice(line: Line): Promise<Device> {
  const map = await discover((address, count) => line.read(address, count))
  const read = await readPoints((address, count) => line.read(address, count), map, static_)
  const mostW = scaled(read.WMax ?? read.WMaxRtg, read.capacityW_SF)
  const percentOfW = read.WSet === null && read.WSetPct !== null ? mostW : null
  if (read.WSet === null && !percentOfW) {
    const lacks = 'no setpoint in W (WSet), nor in percent of a maximum (WSetPct, 702 WMax)'
    throw new MapRefused(`its model 704 takes ${lacks}`)
  }
  if (read.TotWhInj === null || read.TotWhAbs === null) {
    throw new MapRefused('its meter counts no energy (701 TotWhInj, TotWhAbs)')
  }
  const limit = (setting: PointValue, rating: PointValue) =>
    scaled(setting ?? rating, read.capacityW_SF)
  return {
    line,
    map,
    factors: {
      power: read.W_SF,
      energy: read.TotWh_SF,
      setpoint: percentOfW ? read.WSetPct_SF : read.WSet_SF,
    },
    percentOfW,
    chargeMaxW: limit(read.WChaRteMax, read.WChaRteMaxRtg),
    dischargeMaxW: limit(read.WDisChaRteMax, read.WDisChaRteMaxRtg),
    make: textOf(read.Mn),
    model: textOf(read.Md),
    firmware: textOf(read.Vr),
    phases: read.ACType === 1 ? 1 : read.ACType === 3 ? 3 : null,
  }
}

export function capabilityOf(device: Device, meterIntervalSeconds: number): Capability {
  const { make, model, firmware, phases, factors, dischargeMaxW } = device
  const grain = typeof factors.setpoint === 'number' ? 10 ** factors.setpoint : 1
  const step = device.percentOfW === null ? grain : (grain * device.percentOfW) / 100
  return {
    protocol: 'modbus',
    ...ONE_SETPOINT,
    make,
    model,
    firmware,
    quirks: null,
    phases,
    minimumW: 0,
    stepW: Math.max(1, step),
    pauses: true,
    resumes: true,
    meterIntervalSeconds,
    signs: false,
    v2x: (dischargeMaxW ?? 0) > 0,
    offlineFallback: 'expires',
  }
}

/** Reads points of a device now. */
export function look<Name extends PointName>(
  { line, map }: Device,
  names: readonly Name[],
): Promise<Record<Name, PointValue>> {
  return readPoints((address, count) => line.read(address, count), map, names)
}

/** Writes neighbouring points from one on, in one request. */
export async function put(
  { line, map }: Device,
  from: PointName,
  words: readonly number[],
): Promise<void> {
  const { model, at } = points[from]
  const known = map.get(model)
  if (known === undefined) throw new Error(`the inverter has no model ${model} with ${from}`)
  await line.write(known.address + at, words)
}

export function has({ map }: Device, model: keyof typeof models): boolean {
  return map.has(models[model])
}

function textOf(value: PointValue): string | null {
  return typeof value === 'string' ? value : null
}
