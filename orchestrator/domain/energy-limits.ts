/**
 * Until when a setpoint may hold without breaking what an owner keeps for himself. A device lets go
 * by itself when its setpoint ends, so that the limit holds although nobody may be there to see it.
 */
import { givenOf } from './battery-losses.ts'
import type { ChargingSession, Rating } from './resource.ts'
import type { DeviceReading } from './telemetry.ts'
import { addSeconds, type Instant, instant, secondsBetween } from './time.ts'

/** Chargers taper, and cars leave early: so much of full power is reckoned with. */
const TAPER = 0.9
/** A state of charge is told rounded. */
const HALF_BP = 0.5
/** What is far away enough to be no limit of any window. */
const FAR_SECONDS = 400 * 86_400

/** The setpoint that a device has when it is to have another one. */
export type RowInForce = {
  readonly powerW: number | null
  readonly acknowledgedAt: Instant | null
  readonly validUntil: Instant
}

export type EnergyFacts = {
  readonly rating: Rating
  /** What stays in it, Wh. */
  readonly reserveWh: number
  readonly reading: DeviceReading | null
  /** null: it has none. */
  readonly row: RowInForce | null
  readonly now: Instant
  /** So long it may take until it has another setpoint. */
  readonly settleSeconds: number
}

/**
 * When what lies above the reserve is used up at a power that gives energy back (W, below 0). null:
 * its state of charge is not known. What happened since its last reading is reckoned at the worst.
 */
export function reserveLastsUntil(facts: EnergyFacts, powerW: number): Instant | null {
  const { rating, reserveWh, reading, now, settleSeconds } = facts
  if (reading === null || reading.socBp === null) return null
  const storedWh = ((reading.socBp - HALF_BP) / 10_000) * rating.energyWh
  const givesW = -powerW
  const spentWh = givenSinceWh(facts, reading)
  const settlingWh = (Math.max(0, givesMeanwhileW(facts) - givesW) * settleSeconds) / 3600
  const spareWh = givenOf(storedWh - reserveWh) - spentWh - settlingWh
  return later(now, (spareWh / givesW) * 3600)
}

/**
 * Until when a car may go without: from then on it needs full power (`drawsW`, what it drew when
 * nobody limited it) to be ready. Under a limit it is reckoned to get nothing. null: nothing is
 * known that it must be ready for.
 */
export function mayWaitUntil(
  facts: EnergyFacts,
  session: ChargingSession,
  drawsW: number,
  powerW: number,
): Instant | null {
  const { energyNeededWh, departureAt, startRegisterWh } = session
  if (energyNeededWh === null || departureAt === null) return null
  const { rating, reading, now } = facts
  const hadWh =
    reading === null || startRegisterWh === null ? 0 : reading.registerWh - startRegisterWh
  const backWh = reading === null ? 0 : givenSinceWh(facts, reading)
  // The register is told in whole Wh.
  const needsWh = energyNeededWh + 1 - hadWh + backWh
  const fullW = Math.min(rating.importMaxW, drawsW) * TAPER
  const givesW = Math.max(-powerW, givesMeanwhileW(facts))
  if (needsWh <= 0 && givesW === 0) return later(now, FAR_SECONDS)
  const spareWh = (fullW * secondsBetween(now, departureAt)) / 3600 - needsWh
  if (fullW + givesW <= 0) return now
  return later(now, (spareWh / (fullW + givesW)) * 3600)
}

/** Wh that it gave since a reading at most: by its setpoint, or all it can where it had none. */
function givenSinceWh({ rating, row, now }: EnergyFacts, { at }: DeviceReading): number {
  const isKnown = isHeld(row, at, now)
  const givesW = isKnown ? Math.max(0, -row.powerW) : rating.exportMaxW
  return (givesW * Math.max(0, secondsBetween(at, now))) / 3600
}

/** W that it gives at most until it has its new setpoint. */
function givesMeanwhileW({ rating, row, now, settleSeconds }: EnergyFacts): number {
  const isKnown = isHeld(row, now, addSeconds(now, settleSeconds))
  return isKnown ? Math.max(0, -row.powerW) : rating.exportMaxW
}

/** Did the setpoint hold all the time from one instant to another? */
function isHeld(
  row: RowInForce | null,
  from: Instant,
  until: Instant,
): row is RowInForce & { powerW: number } {
  if (row === null || row.powerW === null || row.acknowledgedAt === null) return false
  return row.acknowledgedAt <= from && row.validUntil >= until
}

/** Never later than it is, to the millisecond. */
function later(now: Instant, seconds: number): Instant {
  const bounded = Math.max(-FAR_SECONDS, Math.min(FAR_SECONDS, seconds))
  return instant(Math.floor(now + bounded * 1000))
}
