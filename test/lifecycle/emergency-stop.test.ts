import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decisionsOf } from '#domain/decision.ts'
import { callId, congestionPointId, organisationId } from '#domain/ids.ts'
import type { EmergencyStop } from '#domain/emergency-stop.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import {
  emergencyStop,
  liftStop,
  type Stopper,
  stopOf,
  stopsOf,
} from '#lifecycle/emergency-stop.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import type { StoreTransaction } from '#store-ports.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  north,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const operator: Stopper = { organisationId: organisationId('operator'), role: 'operator' }
const gridOperator: Stopper = { organisationId: dso, role: 'dso' }
const stranger: Stopper = { organisationId: organisationId('dso-2'), role: 'dso' }
const charger = aResource('charger', 'charger', 100_000n)
const batteries = ['b1', 'b2', 'b3'].map((id) => aResource(id, 'battery', 200_000n))
const north1 = { congestionPointId: north, reason: 'a line is down' }

let world: World
beforeEach(async () => {
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [charger, ...batteries], aProgram())
  await plugCharger(world, charger, 7000)
  for (const battery of batteries) plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
})
afterEach(() => world.stop())

async function ordered(powersW: readonly number[], key = 'key') {
  const { call } = await requestFlexibility(world.ports(), dso, key, aRequest(powersW))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  return { whole: () => world.store.transaction((tx) => tx.calls.lock(call.id)) }
}

/** The service dies when all devices have been let go, before it comes to their calls. */
async function diesAfterTelling(): Promise<EmergencyStop> {
  const ports = world.ports()
  let isThrough = false
  const store = {
    ...ports.store,
    transaction: async <T>(work: (tx: StoreTransaction) => Promise<T>) => {
      if (isThrough) throw new Error('the service is dead')
      isThrough = true
      return ports.store.transaction(work)
    },
  }
  const stopping = emergencyStop({ ...ports, store }, gridOperator, north1)
  await world.stop()
  await expect(stopping).rejects.toThrow('the service is dead')
  const [stop] = await world.store.transaction((tx) => tx.control.stops())
  return stop as EmergencyStop
}

const effective = ({ id }: Resource) => world.driver.device(id).effective(world.clock.now()).kind
const orders = async () =>
  (await world.store.transaction((tx) => tx.setpoints.current())).filter((r) => r.powerW !== null)

describe('an emergency stop', () => {
  it('is refused to a DSO elsewhere than at its own congestion points', async () => {
    const refused = { code: 'unknown-congestion-point' }
    await expect(emergencyStop(world.ports(), stranger, north1)).rejects.toMatchObject(refused)
    const everywhere = { ...north1, congestionPointId: null }
    const everyone = emergencyStop(world.ports(), gridOperator, everywhere)
    await expect(everyone).rejects.toMatchObject(refused)
    const nowhere = { ...north1, congestionPointId: congestionPointId('cp-nowhere') }
    await expect(emergencyStop(world.ports(), operator, nowhere)).rejects.toMatchObject(refused)
  })

  it.each(['', ' ', 'x'.repeat(201), 'a\u0000b'])('gives a reason, not %j', async (reason) => {
    const stopped = emergencyStop(world.ports(), operator, { ...north1, reason })
    await expect(stopped).rejects.toMatchObject({ code: 'malformed' })
  })

  it('lets every device go without the passing of time, and ends the call', async () => {
    const { whole } = await ordered([12_000, 12_000])
    await world.passTo(at(960))
    const all = [charger, ...batteries]
    const led = all.filter((one) => effective(one) === 'limited')
    expect(led.length).toBeGreaterThan(1)
    const { id } = await emergencyStop(world.ports(), gridOperator, north1)
    expect(await whole()).toMatchObject({ cancelledAt: at(960), endedBy: 'emergency-stop' })
    const decisions = decisionsOf(await whole()).map(({ final }) => final.code)
    expect(decisions.filter((code) => code === 'ended-by-stop')).toHaveLength(led.length)
    expect(decisions).not.toContain('ended-early')
    const events = await world.store.transaction((tx) => tx.events.after(0, 1000))
    expect(events.map(({ kind }) => kind)).not.toContain('call-cancelled')
    expect(events.filter(({ kind }) => kind === 'call-stopped')).toHaveLength(1)
    const told = events.filter(({ kind }) => kind === 'emergency-stop')
    expect(told).toMatchObject([
      { organisationIds: [dso], data: { told: led.length } },
      { organisationIds: [charger.aggregatorId], data: {} },
    ])
    await world.settleDown()
    expect(all.map(effective)).toEqual(all.map(() => 'default'))
    const [stop] = await stopsOf(world.ports(), gridOperator)
    expect(stop).toMatchObject({ id, told: led.length, letGo: led.length })
    expect(await stopsOf(world.ports(), stranger)).toEqual([])

    await world.passTo(at(3600), () => runVerifiers(world))
    const { state, settlement } = await whole()
    expect(state).toBe('paid')
    const line = settlement?.lines.find(({ resourceId }) => resourceId === charger.id)
    expect(line?.reason).toBe('paid')
    expect(line?.gross).toBeGreaterThan(0n)
  })

  it('keeps every setpoint away until it is lifted, of calls that begin meanwhile too', async () => {
    const { whole } = await ordered([5000])
    const { id } = await emergencyStop(world.ports(), operator, {
      congestionPointId: null,
      reason: 'unknown behaviour',
    })
    await world.passTo(at(300))
    expect(await orders()).toEqual([])
    expect(await whole()).toMatchObject({ cancelledAt: WINDOW_START })
    const foreign = liftStop(world.ports(), gridOperator, id)
    await expect(foreign).rejects.toMatchObject({ code: 'not-found' })
    const { liftedAt } = await liftStop(world.ports(), operator, id)
    expect(liftedAt).toBe(at(300))
    expect(await liftStop(world.ports(), operator, id)).toMatchObject({ liftedAt })
    await world.passTo(at(3600), () => runVerifiers(world))
    // Nothing was delivered, so nothing is paid, and nothing waits for ever.
    expect((await whole()).state).toMatch(/paid|refunded|settled/)
  })

  it('of the operator stands where the DSO stopped before, and the DSO cannot lift it', async () => {
    const theirs = await emergencyStop(world.ports(), gridOperator, north1)
    const ours = await emergencyStop(world.ports(), operator, { ...north1, reason: 'smoke' })
    expect(ours).toMatchObject({ by: operator.organisationId, reason: 'smoke' })
    expect(ours.id).not.toBe(theirs.id)
    const lifted = liftStop(world.ports(), gridOperator, ours.id)
    await expect(lifted).rejects.toMatchObject({ code: 'not-found' })
    await liftStop(world.ports(), gridOperator, theirs.id)
    await ordered([5000])
    await world.passTo(at(60))
    expect(await orders()).toEqual([])
    await liftStop(world.ports(), operator, ours.id)
  })

  it('everywhere tells a DSO of its own devices only, and stays as it was when it is lifted', async () => {
    await ordered([12_000, 12_000])
    await world.passTo(at(960))
    const everywhere = { congestionPointId: null, reason: 'smoke' }
    const { id } = await emergencyStop(world.ports(), operator, everywhere)
    await world.settleDown()
    const [whole] = await stopsOf(world.ports(), operator)
    expect(whole?.told).toBeGreaterThan(1)
    expect(await stopsOf(world.ports(), stranger)).toMatchObject([{ id, told: 0, letGo: 0 }])
    expect(await stopOf(world.ports(), gridOperator, id)).toEqual(whole)
    await liftStop(world.ports(), operator, id)
    const row = { resourceId: charger.id, callId: callId('next'), powerW: 3000 }
    const when = { validFrom: at(960), validUntil: at(1800), orderedAt: at(960) }
    await world.store.transaction((tx) => tx.setpoints.order([{ ...row, ...when }]))
    const after = await stopOf(world.ports(), operator, id)
    expect(after).toMatchObject({ told: whole?.told, letGo: whole?.told })
  })

  it('whose service dies right after it is finished by the next one, as of the stop', async () => {
    const { whole } = await ordered([12_000, 12_000])
    await world.passTo(at(960))
    await diesAfterTelling()
    expect(await whole()).toMatchObject({ state: 'dispatched', cancelledAt: null })
    await world.passTo(at(1100))
    await world.boot()
    await world.settleDown()
    const ended = { cancelledAt: at(960), endedBy: 'emergency-stop', releasedAt: at(1100) }
    expect(await whole()).toMatchObject(ended)
    const events = await world.store.transaction((tx) => tx.events.after(0, 1000))
    expect(events.filter(({ kind }) => kind === 'call-stopped')).toHaveLength(1)
    await world.passTo(at(3600), () => runVerifiers(world))
    const { settlement } = await whole()
    const line = settlement?.lines.find(({ resourceId }) => resourceId === charger.id)
    // What was not delivered after the stop is nobody's shortfall.
    expect(line).toMatchObject({ reason: 'paid' })
  })

  it('is finished when the next service comes only after the window, or it is lifted', async () => {
    const { whole } = await ordered([12_000, 12_000])
    await world.passTo(at(960))
    const another = world.ports()
    const stopped = await diesAfterTelling()
    await world.passTo(at(1900))
    await liftStop(another, gridOperator, stopped.id)
    const ended = { cancelledAt: at(960), endedBy: 'emergency-stop' }
    expect(await whole()).toMatchObject(ended)
    await world.boot()
    await world.settleDown()
    expect(await whole()).toMatchObject({ ...ended, releasedAt: at(1900) })
  })

  it('does not cut a call whose window had ended before it', async () => {
    const { whole } = await ordered([12_000, 12_000])
    await world.passTo(at(1795))
    const another = world.ports()
    await world.stop()
    await world.passTo(at(1805))
    await emergencyStop(another, gridOperator, north1)
    expect(await whole()).toMatchObject({ state: 'dispatched', cancelledAt: null })
    await world.boot()
    await world.settleDown()
    expect(await whole()).toMatchObject({ cancelledAt: null, releasedAt: at(1805) })
  })

  it('said again while it stands is the same stop; another call is dispatched after it', async () => {
    const first = await emergencyStop(world.ports(), gridOperator, north1)
    const again = await emergencyStop(world.ports(), gridOperator, north1)
    expect(again).toEqual(first)
    await liftStop(world.ports(), gridOperator, first.id)
    await ordered([5000])
    await world.passTo(at(60))
    expect(effective(charger)).toBe('limited')
  })
})
