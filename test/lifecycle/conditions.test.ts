import { afterEach, describe, expect, it } from 'vitest'
import type { BusinessEvent } from '#domain/business-event.ts'
import type { Capability } from '#domain/capability.ts'
import { organisationId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { recordCapability, recordCondition, recordSecurity } from '#lifecycle/record-device.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { DeviceDriver, DeviceSink } from '#ports.ts'
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
const aggregator = organisationId('agg-1')

let world: World
let sink: DeviceSink
afterEach(() => world.stop())

async function started(): Promise<void> {
  world = createWorld({
    start: at(-1200),
    ...aProgram(),
    interpose: (ports, driver) => ({ ports, driver: overheard(driver) }),
  })
  await world.boot()
  await enrolAll(world, [charger, battery], aProgram())
  await plugCharger(world, charger, 7000)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
}

/** What a driver would report is said by the test. */
function overheard(driver: DeviceDriver): DeviceDriver {
  return {
    ...driver,
    async start(receiver) {
      sink = receiver
      await driver.start(receiver)
    },
  }
}

async function requested(powersW: readonly number[]) {
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(powersW))
  return {
    whole: () => world.store.transaction((tx) => tx.calls.lock(call.id)),
    async ordered() {
      await world.passTo(at(-240))
      await acceptAsDso(world.ports(), call.id)
    },
  }
}

const events = (kinds: readonly string[]): Promise<BusinessEvent[]> =>
  world.store.transaction(async (tx) =>
    (await tx.events.after(0, 500)).filter(({ kind }) => kinds.includes(kind)),
  )
const condition = async () =>
  (await world.store.transaction((tx) => tx.resources.conditions([charger.id])))[0]

describe('a driver that wants full power', () => {
  it('is not asked for anything: its charger is skipped, and the reason is told', async () => {
    await started()
    sink.overridden(charger.id, true)
    const { whole } = await requested([4000])
    await world.passTo(at(-240))
    const call = await whole()
    expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual([battery.id])
    expect(call.skipped).toContainEqual({
      resourceId: charger.id,
      reason: 'driver-override',
      detail: 'the driver asked for full power at 2026-01-14T15:50:00Z',
    })
  })

  it('is obeyed inside the window: released, replaced, paid for whole periods before', async () => {
    await started()
    const { whole, ordered } = await requested([5600, 5600])
    await ordered()
    await world.passTo(at(960)) // the first period has ended, the second has begun
    sink.overridden(charger.id, true)
    await world.passTo(at(990))
    const call = await whole()
    expect(call.repairs).toMatchObject([
      { resourceId: charger.id, reason: 'overridden', replacedBy: [battery.id] },
    ])
    const rows = await world.store.transaction((tx) => tx.setpoints.current([charger.id]))
    expect(rows).toMatchObject([{ powerW: null }])
    const [found] = await events(['resource-not-obeying'])
    expect(found?.message).toBe('charger was to move 5600 W; the driver asked for full power')
    expect(found?.organisationIds).toEqual([dso, aggregator])

    await world.passTo(at(3600), () => runVerifiers(world))
    const { state, settlement } = await whole()
    expect(state).toBe('paid')
    const line = settlement?.lines.find(({ resourceId }) => resourceId === charger.id)
    // 5600 W for the whole first period, nothing of the second, though it gave a little there.
    expect(line).toMatchObject({ reason: 'overridden', orderedWh: 2800, eligibleWh: 1400 })
    expect(line?.deliveredWh).toBeGreaterThan(1400)
    expect(line?.gross).toBeGreaterThan(0n)
    const earner = { kind: 'owner', ownerId: charger.ownerId } as const
    const [earned] = await explainEarnings(world.ports(), earner)
    expect(earned?.sentence).toContain('the driver asked for full power')
    expect(earned?.sentence).toContain('1400 Wh count')
  })

  it('in the first period settles as not delivered', async () => {
    await started()
    const { whole, ordered } = await requested([5600])
    await ordered()
    await world.passTo(at(300))
    sink.overridden(charger.id, true)
    await world.passTo(at(3600), () => runVerifiers(world))
    const { settlement } = await whole()
    const line = settlement?.lines.find(({ resourceId }) => resourceId === charger.id)
    expect(line).toMatchObject({ reason: 'overridden', eligibleWh: 0, gross: 0n })
    const earner = { kind: 'owner', ownerId: charger.ownerId } as const
    const [earned] = await explainEarnings(world.ports(), earner)
    expect(earned?.sentence).toMatch(/nothing is paid: the driver asked for full power\.$/)
  })

  it('asks since the first time until it is taken back, each told once', async () => {
    await started()
    sink.overridden(charger.id, true)
    await world.passTo(at(-540))
    sink.overridden(charger.id, true)
    await world.settleDown()
    expect(await condition()).toMatchObject({ overrideSince: at(-600) })
    sink.overridden(charger.id, false)
    await world.settleDown()
    expect(await condition()).toMatchObject({ overrideSince: null })
    const told = await events(['driver-override', 'override-ended'])
    expect(told).toMatchObject([
      { kind: 'driver-override', callId: null, organisationIds: [aggregator] },
      { kind: 'override-ended', message: 'charger: the driver no longer asks for full power' },
    ])
  })
})

describe('a limit that somebody else set', () => {
  it('lowers what is promised, to nothing where it leaves nothing to take', async () => {
    await started()
    sink.limitedElsewhere(charger.id, 3000, 'EMS')
    const { whole } = await requested([5600])
    await world.passTo(at(-240))
    const call = await whole()
    // Of 7000 W it would draw 3000 W at most; from there to 0 can be taken away.
    expect(call.allocations).toMatchObject([
      { resourceId: charger.id, periods: [{ powerW: 3000, setpointW: 0 }] },
      { resourceId: battery.id, periods: [{ powerW: 2600 }] },
    ])
  })

  it('of nothing at all leaves nothing to promise, and says so', async () => {
    await started()
    sink.limitedElsewhere(charger.id, 50, 'EMS')
    const { whole } = await requested([2000])
    await world.passTo(at(-240))
    const skipped = (await whole()).skipped.find(({ resourceId }) => resourceId === charger.id)
    expect(skipped).toMatchObject({ reason: 'limited-elsewhere' })
    expect(skipped?.detail).toContain('limited to 50 W by others')
  })

  it('leaves a battery that somebody steers beside it out, in either direction', async () => {
    await started()
    sink.limitedElsewhere(battery.id, 0, 'LOCAL control of the battery')
    const { whole } = await requested([9000])
    await world.passTo(at(-240))
    const call = await whole()
    expect(call.allocations.map(({ resourceId }) => resourceId)).toEqual([charger.id])
    const skipped = call.skipped.find(({ resourceId }) => resourceId === battery.id)
    expect(skipped).toMatchObject({
      reason: 'limited-elsewhere',
      detail: 'held at 0 W by LOCAL control of the battery',
    })
  })

  it('marks the call for its DSO and aggregator, and changes nothing of what is paid', async () => {
    await started()
    const { whole, ordered } = await requested([5600])
    await ordered()
    await world.passTo(at(120))
    sink.limitedElsewhere(charger.id, 1000, 'EMS')
    await world.passTo(at(240))
    sink.limitedElsewhere(charger.id, null, 'EMS')
    await world.passTo(at(3600), () => runVerifiers(world))
    const call = await whole()
    expect(await events(['limited-elsewhere', 'limit-elsewhere-ended'])).toMatchObject([
      {
        kind: 'limited-elsewhere',
        callId: call.id,
        organisationIds: [dso, aggregator],
        message: 'charger is limited to 1000 W by EMS',
        data: { limitW: 1000, source: 'EMS' },
      },
      { kind: 'limit-elsewhere-ended', callId: call.id },
    ])
    expect(call.repairs).toEqual([])
    expect(call.settlement?.lines).toMatchObject([{ reason: 'paid', eligibleWh: 1400 }])
  })

  it('that stands when the window begins marks the call from its start', async () => {
    await started()
    const { whole, ordered } = await requested([5600])
    await ordered()
    sink.limitedElsewhere(charger.id, 4000, 'grid operator')
    await world.passTo(at(0))
    const call = await whole()
    const told = await events(['limited-elsewhere'])
    expect(told.map(({ callId }) => callId)).toEqual([null, call.id])
  })
})

const CAPABILITY: Capability = {
  protocol: 'simulated',
  make: null,
  model: null,
  firmware: '1.0',
  quirks: null,
  unit: 'W',
  phases: 1,
  minimumW: 1380,
  stepW: 1,
  stackLevelMax: null,
  periodsMax: null,
  purposes: [],
  kinds: [],
  pauses: true,
  resumes: true,
  readBack: 'setpoint',
  meterIntervalSeconds: 30,
  signs: false,
  v2x: false,
  dynamic: false,
  offlineFallback: 'expires',
  updateEverySeconds: null,
}

describe('what devices tell of themselves', () => {
  it('is news only where it changed, and names what did', async () => {
    await started()
    const ports = world.ports()
    // What its driver told when it was attached was the first time: no news.
    expect(await events(['capability-changed'])).toEqual([])
    await recordCapability(ports, charger.id, CAPABILITY)
    const first = await events(['capability-changed'])
    await recordCapability(ports, charger.id, { ...CAPABILITY })
    expect(await events(['capability-changed'])).toEqual(first)
    await recordCapability(ports, charger.id, { ...CAPABILITY, firmware: '1.1', purposes: ['X'] })
    expect((await events(['capability-changed'])).slice(first.length)).toMatchObject([
      { data: { fields: 'firmware purposes' }, organisationIds: [aggregator], ownerId: null },
    ])
  })

  it('a condition of a device that nobody enrolled is kept and told to nobody', async () => {
    await started()
    const stranger = aResource('stranger', 'charger', 1n)
    await recordCondition(world.ports(), stranger.id, { externalLimitW: 1 })
    expect(await events(['limited-elsewhere'])).toEqual([])
  })

  it('who knocks wrongly is told to the operator and the aggregator, once a minute', async () => {
    await started()
    const event = {
      resourceId: charger.id,
      kind: 'wrong-credential',
      detail: 'at the door',
    } as const
    sink.security(event)
    sink.security(event)
    sink.security({ ...event, resourceId: null })
    await world.settleDown()
    expect(await events(['device-security'])).toMatchObject([
      { resourceId: charger.id, organisationIds: [aggregator], notice: true },
      { resourceId: null, organisationIds: [], message: expect.stringContaining('unknown device') },
    ])
    await recordSecurity(world.ports(), { ...event, detail: 'x'.repeat(1000) })
    const [, , cut] = await events(['device-security'])
    expect(cut?.message.length).toBeLessThan(400)
  })
})
