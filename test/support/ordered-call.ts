import type { FlexibilityRequest } from '#domain/flexibility-request.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { World } from '#simulations/world.ts'
import { acceptAsDso, dso, WINDOW_START } from './builders.ts'

/** The DSO asks ten minutes before the window, and accepts four minutes before it what is offered. */
export async function orderedCall(world: World, request: FlexibilityRequest): Promise<CallId> {
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', request)
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), call.id)
  return call.id
}
