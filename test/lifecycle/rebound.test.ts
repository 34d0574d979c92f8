import { afterEach, describe, expect, it } from 'vitest'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { recordCondition } from '#lifecycle/record-device.ts'
import type { World } from '#simulations/world.ts'
import { at, chargers, END, type ReboundWorld, untilTheEnd } from '../support/rebound-call.ts'

let running: World | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

async function begin(...options: Parameters<typeof untilTheEnd>): Promise<ReboundWorld> {
  const begun = await untilTheEnd(...options)
  running = begun.world
  return begun
}

/** How many chargers nothing holds back any more. */
function freeIn(world: World): number {
  const now = world.clock.now()
  const free = chargers.filter(
    ({ id }) => world.driver.device(id).effective(now).kind === 'default',
  )
  return free.length
}

describe('after the window', () => {
  it('devices come back one after the other, are read back, and the last ends the rebound', async () => {
    const { world, call, rows, heldNow } = await begin()
    await world.passTo(at(END))
    const { rebound, releasedAt } = await call()
    expect(releasedAt).toBe(at(END))
    expect(rebound?.restarts).toHaveLength(4)
    const held: number[] = []
    for (let seconds = END; seconds <= END + 240; seconds += 30) {
      await world.passTo(at(seconds))
      held.push(await heldNow())
    }
    expect(held[0]).toBeGreaterThan(0)
    expect(new Set(held).size).toBeGreaterThanOrEqual(4)
    expect(held).toEqual([...held].sort((a, b) => b - a))
    expect(held.at(-1)).toBe(0)
    expect((await rows()).every(({ effectiveAt }) => effectiveAt !== null)).toBe(true)
    const { id, rebound: over } = await call()
    expect(over?.doneAt).not.toBeNull()
    const events = await world.store.transaction((tx) => tx.events.ofCall(id))
    const kinds = events.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'rebound-planned')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'resource-released')).toHaveLength(1)
  })

  it('a service that dies brings not all of them back at once', async () => {
    const { world } = await begin()
    await world.stop()
    const free: number[] = []
    for (let seconds = END; seconds <= END + 240; seconds += 30) {
      await world.passTo(at(seconds))
      free.push(freeIn(world))
    }
    expect(free[0]).toBe(0)
    expect(free.at(-1)).toBe(3)
    expect(free.some((count) => count === 1 || count === 2)).toBe(true)
  })

  it('a service that comes back late catches nobody again who has come back alone', async () => {
    const { world, call, heldNow } = await begin()
    await world.stop()
    await world.passTo(at(END + 600))
    await world.boot()
    await world.passTo(at(END + 660))
    expect(await heldNow()).toBe(0)
    expect(freeIn(world)).toBe(3)
    expect((await call()).releasedAt).not.toBeNull()
  })

  it('a driver who asks for full power has it at once', async () => {
    const { world, call, rows } = await begin()
    await world.passTo(at(END))
    const { rebound } = await call()
    const last = rebound?.restarts.findLast(({ parts }) => parts.length > 0)
    if (last === undefined) throw new Error('somebody is held')
    const { resourceId } = last
    await recordCondition(world.ports(), resourceId, { overrideSince: world.clock.now() })
    await world.passTo(at(END + 30))
    const row = (await rows()).find((one) => one.resourceId === resourceId)
    expect(row?.powerW).toBeNull()
    expect(last.restartsAt).toBeGreaterThan(at(END + 30))
  })

  it('the call is measured and goes on while devices are still held', async () => {
    const { world, call } = await begin()
    await world.passTo(at(END + 120))
    const { state, rebound } = await call()
    expect(state).toBe('measured')
    expect(rebound?.doneAt).toBeNull()
    const told = await Promise.all(
      chargers.map(({ ownerId }) => explainEarnings(world.ports(), { kind: 'owner', ownerId })),
    )
    const sentences = told.flat().map(({ afterWindow }) => afterWindow)
    expect(sentences).toHaveLength(3)
    for (const sentence of sentences)
      expect(sentence).toMatch(/let go at once|planned to be held.* to come back at 2026/)
  })
})
