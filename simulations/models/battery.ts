/**
 * A stationary battery with its inverter, seen from its grid connection. Inside the simulation +
 * is import (charging); the OPC UA side turns the sign.
 */
export type BatterySpec = {
  readonly capacityWh: number
  readonly chargeMaxW: number
  readonly dischargeMaxW: number
  /** Stored per imported, exported per stored energy. */
  readonly chargeEfficiency: number
  readonly dischargeEfficiency: number
  /** The window of the state of charge that the inverter never leaves; shares of 1. */
  readonly socMin: number
  readonly socMax: number
  /** Share of the rated power per second. */
  readonly rampPerSecond: number
  /** What it does when nobody tells it anything, W, + is import. */
  readonly revertW: number
  /** What it loses by itself, share of the capacity per day; absent: nothing. */
  readonly selfDischargePerDay?: number
}

export type BatteryState = {
  readonly soc: number
  readonly powerW: number
  readonly importedWh: number
  readonly exportedWh: number
}

/** Within this share of a limit of the window the power falls linearly to 0. */
const TAPER_SOC = 0.1

/**
 * The state one step later.
 * @param targetW what it is told, + is import; ramp, taper and the window have the last word
 */
export function stepBattery(
  spec: BatterySpec,
  state: BatteryState,
  targetW: number,
  seconds: number,
): BatteryState {
  const limits = powerLimits(spec, state.soc)
  const wanted = Math.min(limits.chargeW, Math.max(-limits.dischargeW, targetW))
  const ramped = approach(state.powerW, wanted, rampWatts(spec, state.powerW, wanted) * seconds)
  // A ramp may not hold the power where the window no longer allows it.
  const allowed = Math.min(limits.chargeW, Math.max(-limits.dischargeW, ramped))
  return store(spec, { ...state, soc: leaked(spec, state.soc, seconds) }, allowed, seconds)
}

/** Below its window nothing is lost: the inverter sleeps then. */
function leaked({ selfDischargePerDay = 0, socMin }: BatterySpec, soc: number, seconds: number) {
  return soc <= socMin ? soc : Math.max(socMin, soc - (selfDischargePerDay * seconds) / 86_400)
}

/** What it can take and give now, both positive. */
export function powerLimits(
  spec: BatterySpec,
  soc: number,
): { chargeW: number; dischargeW: number } {
  const share = (room: number) => Math.min(1, Math.max(0, room / TAPER_SOC))
  return {
    chargeW: spec.chargeMaxW * share(spec.socMax - soc),
    dischargeW: spec.dischargeMaxW * share(soc - spec.socMin),
  }
}

function rampWatts(spec: BatterySpec, fromW: number, toW: number): number {
  const rated = Math.min(fromW, toW) < 0 ? spec.dischargeMaxW : spec.chargeMaxW
  return rated * spec.rampPerSecond
}

function approach(from: number, to: number, by: number): number {
  return to > from ? Math.min(to, from + by) : Math.max(to, from - by)
}

function store(
  spec: BatterySpec,
  state: BatteryState,
  powerW: number,
  seconds: number,
): BatteryState {
  const wh = (Math.abs(powerW) * seconds) / 3600
  if (powerW >= 0) {
    const room = Math.max(0, spec.socMax - state.soc) * spec.capacityWh
    const stored = Math.min(room, wh * spec.chargeEfficiency)
    const imported = stored / spec.chargeEfficiency
    return {
      soc: state.soc + stored / spec.capacityWh,
      powerW: (imported * 3600) / seconds,
      importedWh: state.importedWh + imported,
      exportedWh: state.exportedWh,
    }
  }
  const left = Math.max(0, state.soc - spec.socMin) * spec.capacityWh
  const taken = Math.min(left, wh / spec.dischargeEfficiency)
  const exported = taken * spec.dischargeEfficiency
  return {
    soc: state.soc - taken / spec.capacityWh,
    powerW: (-exported * 3600) / seconds,
    importedWh: state.importedWh,
    exportedWh: state.exportedWh + exported,
  }
}
