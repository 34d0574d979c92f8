import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { inSteps, type Move, stepToward } from '#domain/step-limit.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { KnownDevice } from './device-facts.ts'

/** W that a device changes by when it is told something, as far as anybody can say. */
export function changeOf(device: KnownDevice, powerW: number | null, now: Instant): number {
  // At its default a battery does what nobody knows: most often nothing.
  const defaultW = device.facts.resource.kind === 'charger' ? device.drawsW : 0
  return Math.abs((powerW ?? defaultW) - powerNow(device, now))
}

/**
 * Where a device goes first that would change by more than a step: as far as one step brings it,
 * and on from there in the control cycles that follow.
 */
export function firstStep(
  device: KnownDevice,
  powerW: number,
  { stepLimit }: FlexibilityCall['program'],
  now: Instant,
): number {
  if (stepLimit === undefined) return powerW
  const { kind, rating } = device.facts.resource
  const leastW = kind === 'charger' ? rating.importMinW : 0
  return stepToward(powerNow(device, now), powerW, stepLimit.stepMaxW, leastW)
}

function powerNow({ facts, drawsW }: KnownDevice, now: Instant): number {
  const { row, resource, reading } = facts
  // As a setpoint ends, the device still stands where it brought it.
  if (row !== null && row.powerW !== null && row.validUntil >= now) return row.powerW
  return resource.kind === 'charger' ? drawsW : (reading?.powerW ?? 0)
}

/**
 * Lets through what the step limit of the program leaves at a congestion point, over all of its
 * calls; under the lock of its control. A program without one lets all through.
 */
export async function paceSetpoints<M extends Move>(
  tx: StoreTransaction,
  { program, request }: FlexibilityCall,
  moves: readonly M[],
  now: Instant,
): Promise<readonly M[]> {
  const { stepLimit } = program
  if (stepLimit === undefined || moves.length === 0) return moves
  const { congestionPointId } = request
  const found = inSteps(moves, await tx.control.level(congestionPointId), stepLimit, now)
  await tx.control.saveLevel({ congestionPointId, levelW: found.levelW, at: now })
  return found.now
}
