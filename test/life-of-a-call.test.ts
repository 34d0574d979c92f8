import { afterEach, describe, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from './support/simulated-call.ts'

/**
 * The whole story once, in a world without wall time. Two chargers and a battery stand at a
 * congestion point; one charger says that it obeys and does not.
 */
describe('the life of a flexibility call', () => {
  let world: World
  afterEach(() => world.stop())

  it('goes from the request to the owners’ money, and repairs what does not obey', async () => {
    const program = aProgram()
    world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
    await world.boot()

    // Three devices are enrolled, cheapest first, and one in reserve.
    const honest = aResource('charger-honest', 'charger', 120_000n)
    const liar = aResource('charger-liar', 'charger', 130_000n)
    const battery = aResource('battery', 'battery', 200_000n)
    await enrolAll(world, [honest, liar, battery], program)
    await plugCharger(world, honest, 7000)
    await plugCharger(world, liar, 7000, { disobeys: true })
    plugBattery(world, battery)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(addSeconds(WINDOW_START, -600))

    // The DSO asks for 9 kW less over half an hour; the post twice is one call.
    const request = aRequest([9000, 9000])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    const again = await requestFlexibility(world.ports(), dso, 'key-1', request)
    expect(again).toMatchObject({ repeated: true, call: { id: call.id } })
    const state = async () =>
      world.store.transaction(async (tx) => (await tx.calls.lock(call.id)).state)
    const whole = async () => world.store.transaction((tx) => tx.calls.lock(call.id))

    // At gate closure the standing offers become an offer, in merit order.
    await world.passTo(addSeconds(WINDOW_START, -300))
    expect(await state()).toBe('offered')
    expect((await whole()).orderedW).toEqual([9000, 9000])
    expect((await whole()).allocations.map((a) => a.resourceId)).toEqual([honest.id, liar.id])

    // The DSO signs, the escrow is locked, and only then is anything ordered.
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(addSeconds(WINDOW_START, -30))
    expect(await state()).toBe('ordered')
    expect(world.driver.device(honest.id).received).toHaveLength(0)

    // In the window one charger accepts and ignores; it is found by its meter and replaced.
    await world.passTo(addSeconds(WINDOW_START, 300))
    expect(await state()).toBe('dispatched')
    const [repair] = (await whole()).repairs
    expect(repair).toMatchObject({
      resourceId: liar.id,
      replacedBy: [battery.id],
      observedW: 7000,
      reason: 'not-obeying',
      detectedAt: addSeconds(WINDOW_START, 60), // its second reading wholly after the answer
    })
    expect(repair?.restoredAt).not.toBeNull()

    // After the window every device is back at its default, read back.
    await world.passTo(addSeconds(WINDOW_START, 1830))
    const setpoints = await world.store.transaction((tx) => tx.setpoints.current())
    expect(setpoints.map((row) => row.powerW)).toEqual([null, null, null])
    expect(setpoints.every((row) => row.effectiveAt !== null)).toBe(true)

    // Measured from registers, verified by two of three, settled, and paid in an epoch.
    await world.passTo(addSeconds(WINDOW_START, 1920))
    expect(await state()).toBe('measured')
    await runVerifiers(world, [0])
    await world.settleDown()
    expect(await state()).toBe('measured')
    await runVerifiers(world, [2])
    await world.settleDown()
    await world.settleDown()
    expect(await state()).toBe('verified')
    await world.passTo(addSeconds(WINDOW_START, 3600), () => runVerifiers(world))
    expect(await state()).toBe('paid')

    // Who did not obey is paid nothing; the split is exact; all books agree.
    const { settlement, escrow } = await whole()
    if (!settlement || !escrow) throw new Error('a paid call has a settlement and an escrow')
    const line = (id: string) => settlement.lines.find((l) => l.resourceId === id)
    expect(line(liar.id)).toMatchObject({ gross: 0n, reason: 'not-obeying' })
    expect(line(honest.id)).toMatchObject({ reason: 'paid', orderedWh: 3500, deliveredWh: 3500 })
    expect(line(battery.id)?.gross).toBeGreaterThan(0n)
    const { payout, fee, refund } = settlement
    expect(payout + fee + refund).toBe(escrow.terms.amount)
    const receipts = await world.store.transaction((tx) => tx.payouts.receipts({}))
    expect(receipts.map((r) => r.ownerId)).toEqual([battery.ownerId, honest.ownerId])
    expect(await reconcileChain(world.ports())).toEqual({ reconciled: true, differences: [] })
  })
})
