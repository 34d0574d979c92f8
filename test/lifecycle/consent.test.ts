import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decisionsOf } from '#domain/decision.ts'
import { organisationId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import {
  askChargeNow,
  changeConsent,
  chargeNow,
  limitsOf,
  saveLimits,
  type WhoLimits,
} from '#lifecycle/change-limits.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
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
} from '../support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const charger = aResource('charger', 'charger', 120_000n)
const battery = aResource('battery', 'battery', 200_000n)
const aggregator: WhoLimits = { organisationId: organisationId('agg-1'), ownerId: null }
const owner: WhoLimits = { ...aggregator, ownerId: charger.ownerId }
const neighbour: WhoLimits = { ...aggregator, ownerId: battery.ownerId }

let world: World
beforeEach(async () => {
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [charger, battery], aProgram())
  await plugCharger(world, charger, 7000)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
})
afterEach(() => world.stop())

async function requested(powersW: readonly number[]) {
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(powersW))
  await world.passTo(at(-240))
  return {
    whole: () => world.store.transaction((tx) => tx.calls.lock(call.id)),
    accept: () => acceptAsDso(world.ports(), call.id),
  }
}

const effective = () => world.driver.device(charger.id).effective(world.clock.now()).kind
const told = async () =>
  (await world.store.transaction((tx) => tx.setpoints.ofResource(charger.id, 50))).filter(
    ({ powerW }) => powerW !== null,
  )

describe('a consent', () => {
  it('is nobody else’s to withdraw, and only the owner’s to give again', async () => {
    const ports = world.ports()
    const refused = { code: 'not-found' }
    await expect(changeConsent(ports, neighbour, charger.id, false)).rejects.toMatchObject(refused)
    await expect(limitsOf(ports, neighbour, charger.id)).rejects.toMatchObject(refused)
    await changeConsent(ports, owner, charger.id, false)
    const again = changeConsent(ports, aggregator, charger.id, true)
    await expect(again).rejects.toMatchObject({ code: 'forbidden' })
    const { limits } = await changeConsent(ports, owner, charger.id, true)
    expect(limits.consent).toEqual({ givenAt: at(-600), withdrawnAt: null })
  })

  it('that is withdrawn keeps a device out of calls, and says so', async () => {
    await changeConsent(world.ports(), aggregator, charger.id, false)
    const { whole } = await requested([4000])
    const call = await whole()
    expect(call.candidates.map(({ resourceId }) => resourceId)).toEqual([battery.id])
    expect(call.skipped).toContainEqual({
      resourceId: charger.id,
      reason: 'no-consent',
      detail: 'its aggregator withdrew the consent at 2026-01-14T15:50:00Z',
    })
  })

  it('withdrawn between order and window means that nothing is told', async () => {
    const { whole, accept } = await requested([4000])
    await accept()
    await changeConsent(world.ports(), owner, charger.id, false)
    await world.passTo(at(120))
    expect(await told()).toEqual([])
    expect((await whole()).repairs).toMatchObject([
      { resourceId: charger.id, reason: 'owner-limit', replacedBy: [battery.id] },
    ])
  })

  it('withdrawn inside the window lets go at once; what ended before is paid', async () => {
    const { whole, accept } = await requested([5600, 5600])
    await accept()
    await world.passTo(at(960))
    expect(effective()).toBe('limited')
    const before = await told()
    const { lease } = await changeConsent(world.ports(), owner, charger.id, false)
    expect(lease).toMatchObject({ holder: 'owner', priority: 2, since: at(960) })
    await world.settleDown()
    expect(effective()).toBe('default')
    await world.passTo(at(3600), () => runVerifiers(world))
    expect(await told()).toEqual(before)
    const { settlement, repairs } = await whole()
    expect(repairs).toMatchObject([{ reason: 'owner-limit', replacedBy: [battery.id] }])
    const line = settlement?.lines.find(({ resourceId }) => resourceId === charger.id)
    expect(line).toMatchObject({ reason: 'owner-limit', eligibleWh: 1400 })
  })
})

describe('full power on the owner’s word', () => {
  it('costs nothing that anybody tells of before the window begins', async () => {
    const { accept } = await requested([5600, 5600])
    await accept()
    expect(await askChargeNow(world.ports(), owner, charger.id)).toBeNull()
    const { lease } = await limitsOf(world.ports(), owner, charger.id)
    expect(lease.holder).toBe('nobody')
  })

  it('is refused at a cost that the owner has not seen, and had at the one that was told', async () => {
    const { whole, accept } = await requested([5600, 5600])
    await accept()
    await world.passTo(at(960))
    const cost = await askChargeNow(world.ports(), owner, charger.id)
    // 5600 W for the quarter of an hour that runs, at 0.12 EUR/kWh, less the aggregator's 15 %.
    expect(cost).toMatchObject({ wh: 1400, amount: 142_800n })
    const cheap = chargeNow(world.ports(), owner, charger.id, { minutes: 30, costMinor: 142_799n })
    await expect(cheap).rejects.toMatchObject({ code: 'wrong-state' })
    const { lease } = await chargeNow(world.ports(), owner, charger.id, {
      minutes: 30,
      costMinor: 142_800n,
    })
    expect(lease).toMatchObject({ holder: 'owner', limit: 'charge-now', until: at(960 + 1800) })
    await world.settleDown()
    expect(effective()).toBe('default')
    await world.passTo(at(3600), () => runVerifiers(world))
    const { settlement, repairs } = await whole()
    expect(repairs).toMatchObject([{ reason: 'overridden', replacedBy: [battery.id] }])
    const line = settlement?.lines.find(({ resourceId }) => resourceId === charger.id)
    expect(line).toMatchObject({ reason: 'overridden', eligibleWh: 1400 })
  })

  it('is for a battery too, which is left alone: at a cost that is told before', async () => {
    const mine = { ...aggregator, ownerId: battery.ownerId }
    await changeConsent(world.ports(), owner, charger.id, false)
    const { whole, accept } = await requested([2000, 2000])
    await accept()
    await world.passTo(at(960))
    const cost = await askChargeNow(world.ports(), mine, battery.id)
    expect(cost?.wh).toBe(500)
    expect(cost?.amount).toBeGreaterThan(0n)
    const keep = (costMinor: bigint) =>
      chargeNow(world.ports(), mine, battery.id, { minutes: 30, costMinor })
    await expect(keep(0n)).rejects.toMatchObject({ code: 'wrong-state' })
    const { lease } = await keep(cost?.amount ?? 0n)
    expect(lease).toMatchObject({
      holder: 'owner',
      detail: 'its owner keeps it out of calls until 2026-01-14T16:46:00Z',
    })
    await world.settleDown()
    expect(world.driver.device(battery.id).effective(world.clock.now()).kind).toBe('default')
    expect((await told()).filter(({ resourceId }) => resourceId === battery.id)).toEqual([])
    const events = await world.store.transaction((tx) => tx.events.after(0, 1000))
    const messages = events.map(({ message }) => message)
    expect(messages).toContain('battery was to move 2000 W; its owner took it out of calls')
    const [decision] = decisionsOf(await whole()).filter(
      ({ resourceId }) => resourceId === battery.id,
    )
    expect(decision?.final.code).toBe('taken-back')
    await world.passTo(at(3600), () => runVerifiers(world))
    const earned = await explainEarnings(world.ports(), {
      kind: 'owner',
      ownerId: battery.ownerId,
    })
    expect(earned[0]?.sentence).toContain('its owner took it out of calls')
  })

  it('keeps a battery out of what is offered while it stands', async () => {
    const mine = { ...aggregator, ownerId: battery.ownerId }
    await chargeNow(world.ports(), mine, battery.id, { minutes: 60, costMinor: 0n })
    const { whole } = await requested([4000])
    expect((await whole()).skipped).toContainEqual({
      resourceId: battery.id,
      reason: 'kept-by-owner',
      detail: 'its owner took it out of calls at 2026-01-14T15:50:00Z',
    })
  })

  it('keeps a charger out of what is offered while it stands', async () => {
    await chargeNow(world.ports(), owner, charger.id, { minutes: 60, costMinor: 0n })
    const { whole } = await requested([4000])
    expect((await whole()).skipped).toContainEqual({
      resourceId: charger.id,
      reason: 'driver-override',
      detail: 'its owner asked for full power at 2026-01-14T15:50:00Z',
    })
    const { limits } = await chargeNow(world.ports(), owner, charger.id, {
      minutes: 0,
      costMinor: 0n,
    })
    expect(limits.chargeNow).toBeNull()
  })
})

describe('what an owner keeps', () => {
  it('is only made tighter by the aggregator, which is named', async () => {
    const readyBy = { minuteOfDay: 390, energyWh: 12_000 }
    await saveLimits(world.ports(), owner, charger.id, { leastSocBp: 3000, readyBy })
    const refused = { code: 'forbidden' }
    for (const looser of [
      { leastSocBp: null, readyBy },
      { leastSocBp: 2999, readyBy },
      { leastSocBp: 3000, readyBy: null },
      { leastSocBp: 3000, readyBy: { ...readyBy, energyWh: 11_999 } },
      { leastSocBp: 3000, readyBy: { ...readyBy, minuteOfDay: 391 } },
      { leastSocBp: 3000, readyBy: { ...readyBy, minuteOfDay: 389 } },
    ]) {
      const saved = saveLimits(world.ports(), aggregator, charger.id, looser)
      await expect(saved).rejects.toMatchObject(refused)
    }
    const tighter = { leastSocBp: 3001, readyBy: { ...readyBy, energyWh: 12_001 } }
    const { limits } = await saveLimits(world.ports(), aggregator, charger.id, tighter)
    expect(limits).toMatchObject(tighter)
    const full = chargeNow(world.ports(), aggregator, charger.id, { minutes: 30, costMinor: 0n })
    await expect(full).rejects.toMatchObject(refused)
    const events = await world.store.transaction((tx) => tx.events.after(0, 1000))
    const messages = events.map(({ message }) => message)
    expect(messages).toContain("charger: its aggregator changed its owner's limits")
  })

  it.each([
    [{ leastSocBp: 10_001, readyBy: null }, 'leastSocBp'],
    [{ leastSocBp: null, readyBy: { minuteOfDay: 1440, energyWh: 1 } }, 'readyBy.minuteOfDay'],
    [{ leastSocBp: null, readyBy: { minuteOfDay: 390, energyWh: -1 } }, 'readyBy.energyWh'],
  ])('is refused where it cannot be: %j', async (wanted, field) => {
    const saved = saveLimits(world.ports(), owner, charger.id, wanted)
    await expect(saved).rejects.toMatchObject({ code: 'malformed', problems: [{ field }] })
  })

  it('lowers what a battery is asked for', async () => {
    const mine = { ...aggregator, ownerId: battery.ownerId }
    await changeConsent(world.ports(), owner, charger.id, false)
    // 8 kWh are in it; 7.5 kWh stay: half a kWh for a quarter of an hour.
    await saveLimits(world.ports(), mine, battery.id, { leastSocBp: 7500, readyBy: null })
    const { whole } = await requested([5000])
    expect((await whole()).allocations).toMatchObject([{ periods: [{ powerW: 1900 }] }])
  })

  it('keeps a car out of a call that must be ready before it could be', async () => {
    const readyBy = { minuteOfDay: 18 * 60, energyWh: 40_000 } // of the local day, an hour later
    await saveLimits(world.ports(), owner, charger.id, { leastSocBp: null, readyBy })
    const { whole } = await requested([4000])
    const skipped = (await whole()).skipped.find(({ resourceId }) => resourceId === charger.id)
    expect(skipped).toMatchObject({ reason: 'departure' })
  })
})
