import { openSigner } from '#adapters/local-keys/keystore.ts'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './builders.ts'
import { plugBattery, plugCharger } from './simulated-call.ts'

/**
 * The evidence of one measured call of the simulated world, signed by a gateway with a real key.
 * @param folder keeps that key
 */
export async function measuredBundle(folder: string): Promise<string> {
  const signer = await openSigner(folder, 'gateway-1')
  const program = aProgram()
  const world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports, driver) => {
      const { id } = ports.gateway
      return { ports: { ...ports, gateway: { id, signer } }, driver }
    },
  })
  try {
    await world.boot()
    const charger = aResource('charger', 'charger', 120_001n)
    const battery = aResource('battery', 'battery', 200_003n)
    await enrolAll(world, [charger, battery], program)
    await plugCharger(world, charger, 7000)
    plugBattery(world, battery)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([9100, 9100]))
    await world.passTo(addSeconds(WINDOW_START, -240))
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(addSeconds(WINDOW_START, 1920))
    return await world.store.transaction(async (tx) => (await tx.evidence.load(call.id, 1)) ?? '')
  } finally {
    await world.stop()
  }
}
