import type { BatteryUnit } from './battery-unit.ts'

/** Models 1, 701, 702, 704, 713, 715, 802 and the end, in SunSpec's own units: + is discharge. */
export type InverterState = {
  readonly unit: BatteryUnit
  readonly serial: string
  readonly control: ControlPoints
  readonly heartbeat: number
  readonly isBatteryLocal: boolean
  readonly controllerHeartbeat: number
}

/** What is written into model 704; seconds are those of the inverter's own clock. */
export type ControlPoints = {
  isEnabled: boolean
  /** W, + is discharge. */
  setW: number
  /** In tenths of a percent of the most that it gives; null: it takes W. */
  setTenths: number | null
  isEnabledAfter: boolean
  revertSeconds: number
  remainingSeconds: number
}

/** The energy rating counts in tens of Wh, else 16 bits would end at 65 kWh; charge in 0.01 %. */
const RATING_FACTOR = 1
const CHARGE_FACTOR = -2

/** The models into which a controller may write. */
export const CONTROL_MODEL = 704
export const DER_MODEL = 715

type Model = { readonly id: number; readonly length: number; readonly words: number[] }

/** Every register of the map from its first on, as it stands now. */
export function registerImage(state: InverterState): number[] {
  const words = [0x5375, 0x6e53]
  for (const { id, length, words: body } of modelsOf(state)) {
    words.push(id, length, ...body)
  }
  return [...words, 0xffff, 0]
}

/** How many registers behind the first of the map a model's ID stands. */
export function offsetOf(state: InverterState, id: number): number {
  let offset = 2
  for (const model of modelsOf(state)) {
    if (model.id === id) return offset
    offset += 2 + model.length
  }
  throw new RangeError(`the inverter has no model ${id}`)
}

function modelsOf(state: InverterState): Model[] {
  return [
    common(state),
    measurement(state),
    capacity(state),
    control(state),
    storage(state),
    derControl(state),
    battery(state),
  ]
}

/** A model of registers that say "not implemented" but where something is set. Offsets count the ID. */
function model(id: number, length: number, set: Readonly<Record<number, number[]>>): Model {
  const words = Array.from({ length }, () => 0xffff)
  for (const [at, values] of Object.entries(set)) {
    for (const [i, value] of values.entries()) words[Number(at) - 2 + i] = value & 0xffff
  }
  return { id, length, words }
}

function common({ serial }: InverterState): Model {
  return model(1, 66, {
    2: text('Gridcall', 16),
    18: text('Simulated inverter', 16),
    34: text('', 8),
    42: text('1.0', 8),
    50: text(serial, 16),
    66: [1, 0x8000],
  })
}

function measurement({ unit }: InverterState): Model {
  const { powerW, importedWh, exportedWh } = unit.state
  return model(701, 153, {
    2: [3, 2, powerW === 0 ? 8 : 4, 2],
    10: [Math.round(0 - powerW)],
    19: uint64(exportedWh),
    23: uint64(importedWh),
    116: [0],
    120: [0],
  })
}

function capacity({ unit }: InverterState): Model {
  const { chargeMaxW, dischargeMaxW } = unit.spec
  return model(702, 50, { 2: [dischargeMaxW], 10: [chargeMaxW, dischargeMaxW], 45: [0] })
}

function control({ control: points }: InverterState): Model {
  return model(CONTROL_MODEL, 65, {
    22: [
      points.isEnabled ? 1 : 0,
      points.setTenths === null ? 1 : 0,
      ...(points.setTenths === null ? int32(points.setW) : [0x8000, 0]),
    ],
    28: [points.setTenths ?? 0x8000],
    30: [points.isEnabledAfter ? 1 : 0],
    31: int32(points.revertSeconds),
    33: int32(points.remainingSeconds),
    55: [0, -1],
  })
}

function storage({ unit }: InverterState): Model {
  const { capacityWh } = unit.spec
  const rating = Math.round(capacityWh / 10 ** RATING_FACTOR)
  const available = Math.round((capacityWh * unit.state.soc) / 10 ** RATING_FACTOR)
  const charge = Math.round(unit.state.soc * 100 * 10 ** -CHARGE_FACTOR)
  return model(713, 7, {
    2: [rating, available, charge, 100 * 10 ** -CHARGE_FACTOR, 1],
    7: [RATING_FACTOR, CHARGE_FACTOR],
  })
}

function derControl({ unit, heartbeat, controllerHeartbeat }: InverterState): Model {
  return model(DER_MODEL, 5, { 2: [unit.local ? 1 : 0, heartbeat, controllerHeartbeat] })
}

function battery({ unit, isBatteryLocal }: InverterState): Model {
  const share = (value: number) => Math.round(value * 100 * 10 ** -CHARGE_FACTOR)
  return model(802, 62, {
    7: [share(unit.spec.socMax), share(unit.spec.socMin)],
    11: [share(unit.state.soc)],
    17: [isBatteryLocal ? 1 : 0],
    56: [CHARGE_FACTOR],
  })
}

function text(value: string, length: number): number[] {
  const bytes = Buffer.alloc(length * 2)
  bytes.write(value, 'ascii')
  return Array.from({ length }, (_, i) => bytes.readUInt16BE(i * 2))
}

function int32(value: number): number[] {
  return [value >>> 16, value & 0xffff]
}

function uint64(value: number): number[] {
  const whole = BigInt(Math.floor(value))
  return [48n, 32n, 16n, 0n].map((shift) => Number((whole >> shift) & 0xffffn))
}
