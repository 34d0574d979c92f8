import { checkName, idFromBytes } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import { type CongestionPointId, congestionPointId, type OrganisationId } from '#domain/ids.ts'
import type { CongestionPoint, CongestionRoom } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'
import { checkRoom } from './set-congestion-room.ts'

/** Registers a place in a DSO's grid where power can be short. @throws DomainError */
export async function registerCongestionPoint(
  ports: Ports,
  input: {
    readonly id?: CongestionPointId | undefined
    readonly dsoId: OrganisationId
    readonly name: string
    readonly room?: CongestionRoom | undefined
  },
): Promise<CongestionPoint> {
  if (input.room !== undefined) checkRoom(input.room)
  const point: CongestionPoint = {
    id: input.id ?? congestionPointId(idFromBytes('point', ports.random.bytes(8))),
    dsoId: input.dsoId,
    name: checkName(input.name),
    ...(input.room === undefined ? {} : { room: input.room }),
  }
  await ports.store.transaction(async (tx) => {
    const dso = await tx.organisations.find(point.dsoId)
    if (dso?.kind !== 'dso') {
      throw fieldError('not-found', 'dsoId', 'the id of a registered DSO', point.dsoId)
    }
    if ((await tx.organisations.congestionPoint(point.id)) !== null) {
      throw fieldError('duplicate', 'id', 'an id that is not taken', point.id)
    }
    await tx.organisations.saveCongestionPoint(point)
  })
  return point
}
