import { afterEach, describe, expect, it } from 'vitest'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { explainEarnings } from '#lifecycle/explain-earnings.ts'
import { invoiceDso } from '#lifecycle/invoice-dso.ts'
import { setCongestionRoom } from '#lifecycle/set-congestion-room.ts'
import type { World } from '#simulations/world.ts'
import { dso, north } from '../support/builders.ts'
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

/** Steps of a metering interval until the last device is back. */
async function untilBack({ world, call }: ReboundWorld): Promise<FlexibilityCall> {
  for (let seconds = END; seconds <= END + 600; seconds += 30) {
    await world.passTo(at(seconds))
    const now = await call()
    if (now.rebound?.doneAt) return now
  }
  throw new Error('somebody is held for longer than ten minutes')
}

async function toldOf({ world }: ReboundWorld) {
  const owners = chargers.map(({ ownerId }) => ({ kind: 'owner', ownerId }) as const)
  const lines = await Promise.all(owners.map((owner) => explainEarnings(world.ports(), owner)))
  const invoice = await invoiceDso(world.ports(), dso, '2026-01', '')
  const calls = invoice.tables.find(({ record }) => record === 'call')
  const column = calls?.columns.findIndex(({ key }) => key === 'after_window') ?? -1
  return {
    owners: lines.flat().map(({ afterWindow }) => afterWindow),
    dso: String(calls?.rows[0]?.[column]),
  }
}

describe('what devices did after the window', () => {
  it('is not said before the last of them has been back for two metering intervals', async () => {
    const begun = await begin()
    const back = await untilBack(begun)
    expect(back.rebound?.measured).toBeUndefined()
    expect((await toldOf(begun)).dso).toContain('Not measured yet.')
    const { doneAt } = back.rebound ?? {}
    await begun.world.passTo(at((Number(doneAt) - at(0)) / 1000 + 30))
    expect((await begun.call()).rebound?.measured).toBeUndefined()
    await begun.world.passTo(at((Number(doneAt) - at(0)) / 1000 + 60))
    expect((await begun.call()).rebound?.measured).toMatchObject({ unheard: 0 })
  })

  it('is what the meters say, against the room, and is told once', async () => {
    const begun = await begin()
    const { world, call } = begun
    // Three cars of 7 kW; the battery stands idle by itself.
    await setCongestionRoom(world.ports(), dso, north, { limitW: 62_000, baseLoadW: [30_000] })
    await untilBack(begun)
    const before = await Promise.all(chargers.map(({ id }) => registerAt(world, id, END)))
    await world.passTo(at(END + 1200))
    const { id, rebound } = await call()
    const { measured } = rebound ?? {}
    if (rebound === undefined || measured === undefined) throw new Error('it is measured')
    expect(measured).toMatchObject({ peakW: 21_000, overshootW: 0, unheard: 0 })
    expect(Math.max(...rebound.periods.map(({ powerW }) => powerW))).toBeGreaterThan(21_000)
    const seconds = (measured.until - at(0)) / 1000
    const after = await Promise.all(chargers.map((one) => registerAt(world, one.id, seconds)))
    const drawn = after.map((value, i) => value - (before[i] as number))
    expect(measured.drawnWh).toBe(drawn.reduce((sum, value) => sum + value, 0))
    expect(measured.drawnWh).toBeLessThan(measured.baselineWh ?? 0)
    for (const { backAt } of measured.devices) expect(backAt).toBeGreaterThanOrEqual(at(END))
    const events = await world.store.transaction((tx) => tx.events.ofCall(id))
    const told = events.filter(({ kind }) => kind === 'rebound-measured')
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ notice: false, data: { peakW: 21_000, overshootW: 0 } })
    const words = await toldOf(begun)
    expect(words.dso).toContain('Measured: at most 21000 W at once; ')
    for (const sentence of words.owners) expect(sentence).toMatch(/By its meter it took \d+ Wh/)
  })

  it('waits for readings as long as the grace, and then says who was not heard', async () => {
    const begun = await begin({ silentFrom: at(END + 30) })
    const { doneAt } = (await untilBack(begun)).rebound ?? {}
    const grace = (await begun.call()).program.graceSeconds
    const until = (Number(doneAt) - at(0)) / 1000 + 60
    await begun.world.passTo(at(until + grace - 30))
    expect((await begun.call()).rebound?.measured).toBeUndefined()
    await begun.world.passTo(at(until + grace))
    const { rebound } = await begun.call()
    expect(rebound?.measured).toMatchObject({ unheard: 3, peakW: 0, drawnWh: 0 })
    const words = await toldOf(begun)
    expect(words.dso).toContain('Without 3 whose readings are missing.')
    for (const sentence of words.owners) expect(sentence).toContain('readings are missing')
  })
})

async function registerAt(world: World, id: (typeof chargers)[number]['id'], seconds: number) {
  const found = await world.store.transaction((tx) => tx.readings.registersAt([id], [at(seconds)]))
  const [reading] = found
  if (reading === undefined) throw new Error(`${id} was not read`)
  return reading.registerWh
}
