import { LEAST_AMPERES, PHASE_VOLTS } from '../devices/profile-stack.ts'
import type { ScenarioBattery, ScenarioCharger } from './scenario.ts'

/** What a charger's rating calls its minimum: 6 A per phase. */
export function importMinW(phases: 1 | 3): number {
  return LEAST_AMPERES * PHASE_VOLTS * phases
}

/**
 * By how much a charger can come down from what it draws, W: to nothing where it may be stopped,
 * else to its minimum.
 */
export function chargerTurnDownW({ rating }: ScenarioCharger, drawsW: number): number {
  return Math.max(0, drawsW - (rating.pausable ? 0 : rating.importMinW))
}

/** What an idle battery can hold over a window without touching its reserve, W. */
export function batteryTurnDownW(device: ScenarioBattery, windowSeconds: number): number {
  const { rating, battery } = device
  const floorWh = Math.max(rating.reserveWh, battery.socMin * rating.energyWh)
  const usableWh = Math.max(0, battery.soc * rating.energyWh - floorWh)
  return Math.min(rating.exportMaxW, (usableWh * 0.95 * 3600) / windowSeconds)
}

/** Whole hundreds of W, towards zero: what capability is rounded to when a call is ordered. */
export function wholeHundreds(powerW: number): number {
  return Math.trunc(powerW / 100) * 100
}
