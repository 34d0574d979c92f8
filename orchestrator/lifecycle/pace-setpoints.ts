import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { inSteps, type Move } from '#domain/step-limit.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { KnownDevice } from './device-facts.ts'

/** W that a device changes by when it is told something, as far as anybody can say. */
export function changeOf({ facts, drawsW }: KnownDevice, powerW: number | null, now: Instant) {
  const { row, resource, reading } = facts
  const isLed = row !== null && row.powerW !== null && row.validUntil > now
  const freeW = resource.kind === 'charger' ? drawsW : (reading?.powerW ?? 0)
  const fromW = isLed ? (row.powerW as number) : freeW
  // At its default a battery does what nobody knows: most often nothing.
  const defaultW = resource.kind === 'charger' ? drawsW : 0
  return Math.abs((powerW ?? defaultW) - fromW)
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
