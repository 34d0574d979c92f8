import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Allocation } from '#domain/allocation.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { organisationId } from '#domain/ids.ts'
import { changeConsent } from '#lifecycle/change-limits.ts'
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
import { importHabit, plugBattery, plugCar } from '../support/simulated-call.ts'

const PERIODS = 2
const STEP = 30
/** What a car's register shows as it is plugged in. */
const START_WH = 100_000
const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const inside = fc.integer({ min: 0, max: PERIODS * 30 }).map((steps) => steps * STEP)

const aRun = fc.record({
  batteries: fc.array(
    fc.record({
      storedWh: fc.integer({ min: 2100, max: 9000 }),
      /** Its house takes so much that nobody knew of, then. */
      lostWh: fc.integer({ min: 0, max: 3000 }),
      lostAt: inside,
    }),
    { minLength: 1, maxLength: 3 },
  ),
  cars: fc.array(
    fc.record({
      neededWh: fc.integer({ min: 1000, max: 30_000 }),
      leavesAfter: fc
        .oneof(fc.integer({ min: 15, max: 31 }), fc.integer({ min: 20, max: 300 }))
        .map((minutes) => minutes * 60),
      disobeys: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  powerW: fc.integer({ min: 20, max: 200 }).map((hundreds) => hundreds * 100),
  withdrawnAt: inside,
  /** The service is away from then on, for so long. */
  awayAt: inside,
  awaySeconds: fc.constantFrom(0, 0, 300, 3600),
})
type Run = typeof aRun extends fc.Arbitrary<infer T> ? T : never

const named = (kind: Resource['kind']) => (_: unknown, i: number) =>
  aResource(`${kind}-${i}`, kind, BigInt(100_000 + i))

/** What was broken, in sentences. */
async function liveThrough(run: Run): Promise<string[]> {
  const world = createWorld({ start: at(-1200), ...aProgram() })
  const batteries = run.batteries.map(named('battery'))
  const cars = run.cars.map(named('charger'))
  const aggregator = { organisationId: organisationId('agg-1'), ownerId: null }
  const broken: string[] = []
  const [first] = [...batteries, ...cars]
  try {
    await world.boot()
    await enrolAll(world, [...batteries, ...cars], aProgram())
    run.batteries.forEach(({ storedWh }, i) => {
      plugBattery(world, batteries[i] as Resource, { storedWh })
    })
    for (const [i, { neededWh, leavesAfter, disobeys }] of run.cars.entries()) {
      const car = cars[i] as Resource
      const session = {
        startedAt: at(-1200),
        endedAt: null,
        energyNeededWh: neededWh,
        departureAt: at(leavesAfter),
        startRegisterWh: START_WH,
      }
      plugCar(world, car, 7000, { session, disobeys })
      await importHabit(world, car, 7000)
    }
    await world.ports().wakeUps.notify('resources')
    await world.passTo(at(-600))
    const powersW = Array.from({ length: PERIODS }, () => run.powerW)
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest(powersW))
    await world.passTo(at(-240))
    const { state } = await world.store.transaction((tx) => tx.calls.lock(call.id))
    if (state === 'offered') await acceptAsDso(world.ports(), call.id)
    await world.passTo(WINDOW_START)
    let isAway = false
    for (let seconds = 0; seconds <= PERIODS * 900; seconds += STEP) {
      const isAwayNow = seconds >= run.awayAt && seconds < run.awayAt + run.awaySeconds
      if (isAwayNow && !isAway) await world.stop()
      if (!isAwayNow && isAway) await world.boot()
      isAway = isAwayNow
      if (seconds === run.withdrawnAt && !isAway && first !== undefined) {
        await changeConsent(world.ports(), aggregator, first.id, false)
      }
      if (!isAway) loseAt(world, run, batteries, seconds)
      for (const [i, car] of cars.entries()) {
        if (run.cars[i]?.leavesAfter === seconds) broken.push(...leave(world, run, car, i))
      }
      await world.passTo(at(seconds + STEP))
      broken.push(...reservesBroken(world, batteries, at(seconds + STEP)))
    }
    broken.push(...(await toldWithout(world, first)))
    const { allocations } = await world.store.transaction((tx) => tx.calls.lock(call.id))
    for (const [i, car] of cars.entries()) {
      broken.push(...leftShort(world, run, car, i), ...orderedGone(allocations, run, car, i))
    }
    return broken
  } finally {
    await world.stop()
  }
}

function loseAt(world: World, run: Run, batteries: readonly Resource[], seconds: number): void {
  run.batteries.forEach(({ lostWh, lostAt }, i) => {
    const battery = batteries[i] as Resource
    if (lostAt !== seconds || lostWh === 0) return
    const reading = world.driver.device(battery.id).meter(at(seconds))
    const storedWh = Math.max(0, (reading?.socBp ?? 0) - lostWh)
    // Another machine: it knows of no setpoint, as after a fault.
    plugBattery(world, battery, { storedWh, registerWh: reading?.registerWh ?? 0 })
  })
}

/** 10 kWh each, of which 2 kWh stay: a basis point is a Wh. */
function reservesBroken(world: World, batteries: readonly Resource[], now: Instant): string[] {
  return batteries.flatMap(({ id }) => {
    const device = world.driver.device(id)
    const effective = device.effective(now)
    const socBp = device.meter(now)?.socBp ?? 0
    const isGiving = effective.kind === 'limited' && effective.powerW < 0
    return isGiving && socBp < 2000 ? [`${id} gives at ${socBp} bp`] : []
  })
}

async function toldWithout(world: World, first: Resource | undefined): Promise<string[]> {
  if (first === undefined) return []
  return world.store.transaction(async (tx) => {
    const [said] = await tx.control.limits([first.id])
    const withdrawnAt = said?.consent.withdrawnAt ?? null
    if (withdrawnAt === null) return []
    const rows = await tx.setpoints.ofResource(first.id, 500)
    const told = rows.filter((row) => row.powerW !== null && row.orderedAt > withdrawnAt)
    return told.map(() => `${first.id} was told something without consent`)
  })
}

/** The car drives away, as full as it is. */
function leave(world: World, run: Run, car: Resource, i: number): string[] {
  const { neededWh, leavesAfter } = run.cars[i] as Run['cars'][number]
  const device = world.driver.device(car.id)
  const registerWh = device.meter(at(leavesAfter))?.registerWh ?? 0
  const broken = leftWith(car, device.received, registerWh - START_WH, neededWh)
  const session = device.session && { ...device.session, endedAt: at(leavesAfter) }
  plugCar(world, car, 0, { registerWh, ...(session === null ? {} : { session }) })
  return broken
}

function leftShort(world: World, run: Run, car: Resource, i: number): string[] {
  const { neededWh, leavesAfter } = run.cars[i] as Run['cars'][number]
  const end = PERIODS * 900 + STEP
  if (leavesAfter < end) return []
  const device = world.driver.device(car.id)
  const hadWh = (device.meter(at(end))?.registerWh ?? 0) - START_WH
  const mostWh = hadWh + (7000 * (leavesAfter - end)) / 3600
  return leftWith(car, device.received, mostWh, neededWh)
}

/** Only what our own limits took from a car counts: without any it could not have been ready. */
function leftWith(
  { id }: Resource,
  received: readonly DesiredSetpoint[],
  hadWh: number,
  neededWh: number,
): string[] {
  const isLimited = received.some(({ powerW }) => powerW !== null)
  if (!isLimited || hadWh >= neededWh - 2) return []
  return [`${id} leaves with ${hadWh} of ${neededWh} Wh`]
}

/** What a car would not have drawn anyway is neither ordered nor paid. */
function orderedGone(
  allocations: readonly Allocation[],
  run: Run,
  { id }: Resource,
  i: number,
): string[] {
  const leavesAt = at(run.cars[i]?.leavesAfter ?? 0)
  const periods = allocations.filter((one) => one.resourceId === id).flatMap((one) => one.periods)
  const gone = periods.filter(({ end }) => end > leavesAt)
  return gone.map(({ powerW }) => `${id} is to give ${powerW} W after it has left`)
}

it('limits of owners hold through whole calls, with losses, absences and withdrawals', async () => {
  await fc.assert(
    fc.asyncProperty(aRun, async (run) => {
      expect(await liveThrough(run)).toEqual([])
    }),
    { numRuns: 12 },
  )
})
