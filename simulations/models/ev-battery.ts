/**
 * A car's battery at an AC charge point: the two-stage model. Constant power up to where the
 * falling power line meets the pilot, from there an exponential approach to full. The state of
 * charge is a share from 0 to 1; powers are those at the meter, so losses lie inside.
 */
export type EvBatterySpec = {
  readonly capacityWh: number
  /** What the car draws at most, at the meter. */
  readonly maxW: number
  /** Stored energy per metered energy. */
  readonly efficiency: number
  /** The car stops by itself here; 1: charges until full. */
  readonly stopAtSoc: number
  /** What it gives back at most, at the meter; 0: it cannot. */
  readonly dischargeMaxW?: number
}

export type EvBatteryState = {
  readonly soc: number
  /** Metered since plug-in, less what was given back, Wh. */
  readonly meteredWh: number
  /** Mean power of the step just made, W at the meter. */
  readonly powerW: number
}

/** From here on the car takes less than it could (acnportal's and EV2Gym's value). */
const TRANSITION_SOC = 0.8

/** A bidirectional car keeps this for the way home. */
const DISCHARGE_FLOOR_SOC = 0.2

/**
 * The state one step later, with the power that the charge point offers.
 * @param offeredW at the meter; 0 pauses, below 0 asks a bidirectional car to give back
 */
export function stepEvBattery(
  spec: EvBatterySpec,
  state: EvBatteryState,
  offeredW: number,
  seconds: number,
): EvBatteryState {
  if (offeredW < 0) return giveBack(spec, state, -offeredW, seconds)
  const pilotW = Math.min(offeredW, spec.maxW)
  const room = Math.max(0, spec.stopAtSoc - state.soc)
  const gained = Math.min(room, gainedSoc(spec, state.soc, pilotW, seconds))
  const meteredWh = (gained * spec.capacityWh) / spec.efficiency
  return {
    soc: state.soc + gained,
    meteredWh: state.meteredWh + meteredWh,
    powerW: (meteredWh * 3600) / seconds,
  }
}

function giveBack(
  spec: EvBatterySpec,
  state: EvBatteryState,
  askedW: number,
  seconds: number,
): EvBatteryState {
  const powerW = Math.min(askedW, spec.dischargeMaxW ?? 0)
  const stored = Math.max(0, state.soc - DISCHARGE_FLOOR_SOC) * spec.capacityWh
  // Losses lie between battery and meter, in this direction as in the other.
  const givenWh = Math.min(stored * spec.efficiency, (powerW * seconds) / 3600)
  return {
    soc: state.soc - givenWh / spec.efficiency / spec.capacityWh,
    meteredWh: state.meteredWh - givenWh,
    powerW: givenWh === 0 ? 0 : (-givenWh * 3600) / seconds,
  }
}

/** How much the state of charge grows; the formula of devices with linear falling power. */
function gainedSoc(spec: EvBatterySpec, soc: number, pilotW: number, seconds: number): number {
  if (pilotW <= 0 || soc >= 1) return 0
  const perWatt = (spec.efficiency * seconds) / 3600 / spec.capacityWh
  const step = pilotW * perWatt
  const largest = spec.maxW * perWatt
  // A smaller pilot meets the falling line later.
  const knee = TRANSITION_SOC + (1 - step / largest) * (1 - TRANSITION_SOC)
  if (knee >= 1) return Math.min(step, 1 - soc)
  if (soc >= knee) return 1 + (soc - 1) * Math.exp(step / (knee - 1)) - soc
  if ((knee - soc) / step >= 1) return step
  return 1 + (knee - 1) * Math.exp((step + soc - knee) / (knee - 1)) - soc
}
