import { afterEach, describe, expect, it } from 'vitest'
import { askChargeNow, changeConsent, chargeNow, limitsOf } from '#lifecycle/change-limits.ts'
import { emergencyStop, liftStop, stopsOf } from '#lifecycle/emergency-stop.ts'
import { dso } from '../support/builders.ts'
import {
  AVAILABILITY,
  FREQUENCY,
  standbyBatteries,
  standbyWorld,
} from '../support/standby-world.ts'

type Reserved = Awaited<ReturnType<typeof standbyWorld>>
const [battery, dearer] = standbyBatteries
const owner = { organisationId: battery.aggregatorId, ownerId: battery.ownerId }
const by = { organisationId: dso, role: 'dso' } as const
const everything = { congestionPointId: battery.congestionPointId, reason: 'smoke' }

let made: Reserved
afterEach(() => made?.world.stop())

const wholeCall = () => made.world.store.transaction((tx) => tx.calls.lock(made.callId))
const armings = () => made.world.store.transaction((tx) => tx.armings.ofCall(made.callId))

/** Between two control cycles, ten seconds after one. */
async function reserved(changes: Parameters<typeof standbyWorld>[0]) {
  made = await standbyWorld(changes)
  const now = made.at(310)
  await made.world.passTo(now)
  return { ...made, ports: made.world.ports(), now }
}

describe('a droop curve that is armed', () => {
  it('is counted and taken back by an emergency stop without the passing of time', async () => {
    const { world, ports, now } = await reserved(FREQUENCY)
    const { id } = await emergencyStop(ports, by, everything)
    await world.settleDown()
    expect(await stopsOf(ports, by)).toMatchObject([{ id, told: 1, letGo: 1 }])
    expect(await armings()).toMatchObject([{ validUntil: now, disarmedAt: now }])
    await liftStop(ports, by, id)
    expect(await stopsOf(ports, by)).toMatchObject([{ id, told: 1, letGo: 1 }])
  })

  it('is not called let go while its device does not answer', async () => {
    const { world, ports } = await reserved(FREQUENCY)
    world.driver.hush(battery.id)
    await emergencyStop(ports, by, everything)
    await world.settleDown()
    expect(await stopsOf(ports, by)).toMatchObject([{ told: 1, letGo: 0 }])
    world.driver.mend(battery.id)
    await ports.wakeUps.notify('setpoints')
    await world.settleDown()
    expect(await stopsOf(ports, by)).toMatchObject([{ told: 1, letGo: 1 }])
  })

  it('leads its device; a withdrawn consent ends it, and its call replaces it at once', async () => {
    const { world, ports, callId, now } = await reserved(FREQUENCY)
    const { lease } = await limitsOf(ports, owner, battery.id)
    expect(lease).toMatchObject({ holder: 'call', callId })
    await changeConsent(ports, owner, battery.id, false)
    await world.settleDown()
    expect((await armings())[0]).toMatchObject({ validUntil: now, disarmedAt: now })
    expect((await wholeCall()).repairs).toMatchObject([
      { resourceId: battery.id, reason: 'owner-limit', replacedBy: [dearer.id] },
    ])
  })

  it('is ended by full power, at once, at a cost that is told before', async () => {
    const { world, ports, now } = await reserved(FREQUENCY)
    const cost = await askChargeNow(ports, owner, battery.id)
    const costMinor = cost?.amount ?? 0n
    // The 1,500 Wh of both quarters of an hour at 0.02 EUR/kWh, less the aggregator's 15 %.
    expect(cost).toMatchObject({ wh: 1500, amount: 25_500n })
    await chargeNow(ports, owner, battery.id, { minutes: 30, costMinor })
    await world.settleDown()
    expect((await armings())[0]).toMatchObject({ validUntil: now, disarmedAt: now })
    expect((await wholeCall()).repairs).toMatchObject([{ reason: 'overridden' }])
  })
})

describe('a device that stands by', () => {
  it('is told nothing by an emergency stop, which ends its call', async () => {
    const { world, ports } = await reserved(AVAILABILITY)
    await emergencyStop(ports, by, everything)
    await world.settleDown()
    expect(await stopsOf(ports, by)).toMatchObject([{ told: 0, letGo: 0 }])
    expect((await wholeCall()).cancelledAt).not.toBeNull()
  })

  it('is replaced at once when its consent is withdrawn', async () => {
    const { world, ports } = await reserved(AVAILABILITY)
    await changeConsent(ports, owner, battery.id, false)
    await world.settleDown()
    expect((await wholeCall()).repairs).toMatchObject([
      { resourceId: battery.id, reason: 'owner-limit', replacedBy: [dearer.id] },
    ])
  })

  it('gets full power at a cost that is told before, not at none', async () => {
    const { world, ports } = await reserved(AVAILABILITY)
    const none = chargeNow(ports, owner, battery.id, { minutes: 30, costMinor: 0n })
    await expect(none).rejects.toMatchObject({ code: 'wrong-state' })
    const costMinor = (await askChargeNow(ports, owner, battery.id))?.amount ?? 0n
    expect(costMinor).toBe(25_500n)
    await chargeNow(ports, owner, battery.id, { minutes: 30, costMinor })
    await world.settleDown()
    expect((await wholeCall()).repairs).toMatchObject([{ reason: 'overridden' }])
  })
})
