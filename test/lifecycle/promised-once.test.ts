import { afterEach, describe, expect, it } from 'vitest'
import type { FlexibilityRequest } from '#domain/flexibility-request.ts'
import type { CallId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { saveProgram } from '#lifecycle/save-program.ts'
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
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

/** Batteries of 5 kW each with 7,600 Wh to give, the first one the cheapest. */
const batteriesOf = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    aResource(`battery-${String(i).padStart(2, '0')}`, 'battery', 100_000n + BigInt(i)),
  )

describe('one MW once', () => {
  let world: World
  afterEach(() => world?.stop())

  async function started(
    count: number,
    changes: Partial<Program>,
    disobeys: readonly number[] = [],
  ) {
    const program = aProgram(changes)
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    const batteries = batteriesOf(count)
    await enrolAll(world, batteries, program)
    batteries.forEach((battery, i) =>
      plugBattery(world, battery, { storedWh: 10_000, disobeys: disobeys.includes(i) }),
    )
    await world.ports().wakeUps.notify('resources')
    await world.passTo(at(-900))
    return program
  }

  async function requested(key: string, request: FlexibilityRequest): Promise<CallId> {
    return (await requestFlexibility(world.ports(), dso, key, request)).call.id
  }
  const found = (id: CallId) => world.store.transaction((tx) => tx.calls.lock(id))
  const held = (id: CallId, role: 'order' | 'reserve') =>
    world.store.transaction(async (tx) => {
      const ids = batteriesOf(20).map((battery) => battery.id)
      const taken = await tx.promises.taken(ids, at(0), at(7200))
      const mine = taken.filter((one) => one.callId === id && one.role === role)
      return [...new Set(mine.map(({ resourceId }) => resourceId))]
    })

  it('a call whose periods are cut otherwise gets nothing of what another has', async () => {
    const program = await started(1, { settlementPeriodSeconds: 1800 })
    const long = { start: at(0), end: at(3600) }
    const halves = [0, 1800].map((seconds) => ({ start: at(seconds), powerW: 2000 }))
    const first = await requested('first', aRequest([2000], { window: long, periods: halves }))
    await saveProgram(world.ports(), { ...program, version: 2, settlementPeriodSeconds: 900 })
    const window = { start: at(900), end: at(1800) }
    const second = await requested('second', aRequest([1000], { window }))
    await world.passTo(at(-240))
    expect((await found(first)).orderedW).toEqual([2000, 2000])
    await acceptAsDso(world.ports(), first)
    await world.passTo(at(660))
    const { state, skipped, reasons } = await found(second)
    expect(state).toBe('declined')
    expect(reasons).toEqual(['already-promised: 1'])
    expect(skipped[0]?.detail).toBe(
      `what it gives is sold once: it is ordered by call ${first} ` +
        'from 2026-01-14T16:00:00Z to 2026-01-14T16:30:00Z',
    )
  })

  it('a call gets none of the warm reserve that another one counts on', async () => {
    await started(12, { deliveryLevelBp: basisPoints(9500) })
    const first = await requested('first', aRequest([15_000]))
    await world.passTo(at(-870))
    const second = await requested('second', aRequest([60_000]))
    await world.passTo(at(-240))
    const reserve = await held(first, 'reserve')
    expect(reserve.length).toBeGreaterThan(0)
    const { allocations, skipped } = await found(second)
    const taken = [...(await held(second, 'order')), ...(await held(second, 'reserve'))]
    expect(allocations.length).toBeGreaterThan(0)
    for (const id of [...(await held(first, 'order')), ...reserve]) expect(taken).not.toContain(id)
    const refused = skipped.filter(({ reason }) => reason === 'already-promised')
    expect(refused.map(({ resourceId }) => resourceId)).toEqual(expect.arrayContaining(reserve))
    const inReserve = refused.filter(({ resourceId }) => reserve.includes(resourceId))
    for (const { detail } of inReserve) {
      expect(detail).toContain(`in the warm reserve of call ${first}`)
    }
  })

  it('a reserve that steps in becomes an order, and no other call has it', async () => {
    await started(8, { deliveryLevelBp: basisPoints(9500) }, [0])
    const first = await requested('first', aRequest([10_000]))
    await world.passTo(at(-240))
    const reserve = await held(first, 'reserve')
    await acceptAsDso(world.ports(), first)
    await world.passTo(at(300))
    const { repairs } = await found(first)
    const stepped = repairs.flatMap(({ replacedBy }) => replacedBy)
    expect(stepped.length).toBeGreaterThan(0)
    expect(reserve).toEqual(expect.arrayContaining(stepped))
    expect(await held(first, 'order')).toEqual(expect.arrayContaining(stepped))
    for (const id of stepped) expect(await held(first, 'reserve')).not.toContain(id)
  })

  it('what is stored is sold once too: what it owes to one call is not there for another', async () => {
    await started(1, { noticeSeconds: 3600 })
    const quarters = (from: number, count: number): FlexibilityRequest => {
      const window = { start: at(from), end: at(from + count * 900) }
      const starts = Array.from({ length: count }, (_, i) => at(from + i * 900))
      const periods = starts.map((start) => ({ start, powerW: 5000 }))
      return aRequest([5000], { window, periods })
    }
    const first = await requested('first', quarters(3600, 5))
    const second = await requested('second', quarters(5400, 5))
    await world.passTo(at(1800))
    expect((await found(first)).orderedW).toEqual([5000, 5000, 5000, 5000, 5000])
    // 7,600 Wh above its reserve, 6,250 of them owed to the first until 18:15.
    const { orderedW } = await found(second)
    expect(orderedW.slice(0, 3)).toEqual([0, 0, 0])
    const orderedWh = orderedW.reduce((sum, powerW) => sum + powerW / 4, 0)
    expect(orderedWh).toBeGreaterThan(1000)
    expect(orderedWh).toBeLessThanOrEqual(1350)
  })

  it('where no chance is agreed nobody is kept: what the first does not need the second may have', async () => {
    await started(4, {})
    const first = await requested('first', aRequest([10_000]))
    const second = await requested('second', aRequest([10_000]))
    await world.passTo(at(-240))
    expect(await held(first, 'reserve')).toEqual([])
    expect((await found(first)).orderedW).toEqual([10_000])
    expect((await found(second)).orderedW).toEqual([10_000])
  })
})
