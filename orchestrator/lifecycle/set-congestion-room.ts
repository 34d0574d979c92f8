import { whole } from '#domain/enrolment.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { CongestionPointId, OrganisationId } from '#domain/ids.ts'
import type { CongestionPoint, CongestionRoom } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'

const POWER_MAX_W = 10_000_000_000
const SLOTS_MAX = 96

/**
 * Says how much may flow at a congestion point and what flows there anyway; null: nobody says any
 * more. Counts for the windows that end from now on. `dsoId`: whose points they may be; null: any.
 * @throws DomainError not-found, malformed
 */
export async function setCongestionRoom(
  ports: Ports,
  dsoId: OrganisationId | null,
  id: CongestionPointId,
  room: CongestionRoom | null,
): Promise<CongestionPoint> {
  if (room !== null) checkRoom(room)
  return ports.store.transaction(async (tx) => {
    await tx.promises.lockCongestionPoint(id)
    const known = await tx.organisations.congestionPoint(id)
    if (known === null || (dsoId !== null && known.dsoId !== dsoId)) {
      // The same for one that is foreign and one that nobody has.
      throw new DomainError('not-found', 'there is no such congestion point')
    }
    const { room: _before, ...point } = known
    const saved: CongestionPoint = room === null ? point : { ...point, room }
    await tx.organisations.saveCongestionPoint(saved)
    return saved
  })
}

/** @throws DomainError malformed */
export function checkRoom({ limitW, baseLoadW }: CongestionRoom): void {
  whole('room.limitW', limitW, 0, POWER_MAX_W, 'W')
  const slots = baseLoadW.length
  if (slots < 1 || slots > SLOTS_MAX || SLOTS_MAX % slots !== 0) {
    const expected = 'one value for each of equal slots of a day: 1, 24, 48 or 96 for example'
    throw fieldError('malformed', 'room.baseLoadW', expected, slots)
  }
  // Negative: there is more generation than load.
  for (const [slot, load] of baseLoadW.entries()) {
    whole(`room.baseLoadW[${slot}]`, load, -POWER_MAX_W, POWER_MAX_W, 'W')
  }
}
