import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createModbusDriver } from '#adapters/modbus/driver.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { addSeconds } from '#domain/time.ts'
import { InverterModbus } from '#simulations/devices/inverter-modbus.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '#test/support/builders.ts'
import { runVerifiers } from '#test/support/simulated-call.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { batteryOf, quietHooks } from '../conformance/machines.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Business time stands still until all that an instant brings has gone over the wire. */
test('an inverter-battery alone delivers a call over its socket, and its owner is paid', async () => {
  const program = aProgram()
  const world = createWorld({
    start: addSeconds(WINDOW_START, -1200),
    ...program,
    interpose: (ports) => ({
      ports,
      driver: createModbusDriver({ ...ports, ...program, timer: wallTimer, pollMs: 5 }),
    }),
  })
  const inverter = new InverterModbus(
    batteryOf('inverter'),
    world.clock.now(),
    quietHooks(world.clock),
  )
  const port = await inverter.start()
  ends.push(() => inverter.stop())
  const connection = { protocol: 'modbus', host: '127.0.0.1', port, unitId: 1 } as const
  const resource = aResource('inverter', 'battery', 200_000n, { connection })
  await enrolAll(world, [resource], program)
  await world.boot()
  ends.push(() => world.stop())
  await met('it is connected', async () => {
    const [health] = await world.store.transaction((tx) => tx.resources.health([resource.id]))
    return health?.connected === true
  })
  const passTo = (seconds: number, meanwhile?: () => Promise<void>) =>
    world.passTo(addSeconds(WINDOW_START, seconds), async () => {
      await allOverTheWire(world)
      await meanwhile?.()
    })

  await passTo(-600)
  const request = aRequest([4000, 3000])
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
  const whole = () => world.store.transaction((tx) => tx.calls.lock(call.id))
  await passTo(-300)
  expect(await whole()).toMatchObject({ state: 'offered', orderedW: [4000, 3000] })
  await acceptAsDso(world.ports(), call.id)

  await passTo(300)
  expect(await whole()).toMatchObject({ state: 'dispatched', repairs: [] })
  expect(inverter.unit.state.powerW).toBe(-4000)
  await passTo(1830)
  expect(inverter.unit.setpoint).toBeNull()
  const [row] = await world.store.transaction((tx) => tx.setpoints.current())
  expect(row).toMatchObject({ powerW: null, refusal: null })
  expect(row?.effectiveAt).not.toBeNull()

  await passTo(3600, () => runVerifiers(world))
  const { state, settlement, escrow } = await whole()
  expect(state).toBe('paid')
  expect(settlement?.lines).toHaveLength(1)
  const [line] = settlement?.lines ?? []
  expect(line).toMatchObject({ resourceId: resource.id, reason: 'paid', orderedWh: 1750 })
  // The ramp of a second at each change, and whole Wh at both ends.
  expect(line?.deliveredWh).toBeGreaterThan(1740)
  expect(line?.deliveredWh).toBeLessThanOrEqual(1755)
  expect(settlement && settlement.payout + settlement.fee + settlement.refund).toBe(
    escrow?.terms.amount,
  )
  const receipts = await world.store.transaction((tx) => tx.payouts.receipts({}))
  expect(receipts.map(({ ownerId }) => ownerId)).toEqual([resource.ownerId])
  expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
})

/** The reading of this instant is stored, and every order is read back. */
async function allOverTheWire(world: World): Promise<void> {
  const now = world.clock.now()
  await met(`the reading of ${now} and the orders until then`, async () => {
    await world.settleDown()
    return world.store.transaction(async (tx) => {
      const resources = (await tx.resources.list()).map(({ id }) => id)
      const readings = await tx.readings.lastBefore(resources, now)
      const orders = await tx.setpoints.current()
      return (
        readings.every(({ at }) => at === now) &&
        readings.length === resources.length &&
        orders.every(({ effectiveAt }) => effectiveAt !== null)
      )
    })
  })
}

async function met(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 5_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await delay(2)
  }
}
