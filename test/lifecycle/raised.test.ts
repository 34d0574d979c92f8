import { afterEach, describe, expect, it } from 'vitest'
import { verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import { decisionsOf } from '#domain/decision.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { aProgram, aRequest, aResource, enrolAll, WINDOW_START } from '../support/builders.ts'
import { orderedCall } from '../support/ordered-call.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const { rating } = aResource('any', 'battery', 1n)
const liar = aResource('liar', 'battery', 100_000n, { rating: { ...rating, exportMaxW: 2000 } })
const battery = aResource('second', 'battery', 120_000n)
const charger = aResource('second', 'charger', 120_000n)
const reserve = aResource('reserve', 'battery', 300_000n)

let world: World
afterEach(() => world.stop())

type Asked = {
  readonly powerW: number
  readonly second: Resource
  readonly does?: Partial<SimulatedDeviceOptions>
  /** Absent: nobody is. */
  readonly inReserve?: Resource
  readonly lies?: Resource
  /** What is netted and paid together; absent: the whole window. */
  readonly over?: 'period'
}

/** The liar is ordered 2 kW and gives nothing; the second what is left of the request. */
async function called({ powerW, second, does = {}, inReserve, lies = liar, over }: Asked) {
  const { paymentPolicy: usual } = aProgram()
  const paymentPolicy = { ...usual, over: over ?? usual.over }
  const program = aProgram({ paymentPolicy })
  world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  const reserves = inReserve === undefined ? [] : [inReserve]
  await enrolAll(world, [lies, second, ...reserves], program)
  plugBattery(world, lies, { disobeys: true })
  if (second.kind === 'battery') plugBattery(world, second, does)
  else await plugCharger(world, second, 7000, does)
  for (const one of reserves) plugBattery(world, one)
  const id = await orderedCall(world, aRequest([powerW, powerW]))
  const found = () => world.store.transaction((tx) => tx.calls.lock(id))
  const told = async () => {
    const { corrections = [] } = await found()
    return corrections.map(({ at: then, resourceId, reason, fromW, toW }) => {
      return [(then - WINDOW_START) / 1000, resourceId, reason, fromW, toW]
    })
  }
  const setpoints = async () => {
    const part = (await found()).allocations.find(({ resourceId }) => resourceId === second.id)
    return (part?.periods ?? []).map(({ setpointW }) => setpointW)
  }
  return { found, told, setpoints }
}

describe('a device that was ordered at the gate and obeys', () => {
  it('is not raised before it was seen to do what it was told', async () => {
    const does = { disobeys: true }
    const { told } = await called({ powerW: 3000, second: battery, does, inReserve: reserve })
    await world.passTo(at(600))
    const raised = (await told()).filter(
      ([, id, reason]) => id === 'second' || reason === 'headroom',
    )
    expect(raised.map(([, id, reason]) => [id, reason])).toEqual([
      ['second', 'not-responding'],
      ['reserve', 'headroom'],
    ])
  })

  it('gives more before a reserve starts, and keeps what the gate ordered', async () => {
    const { found, told } = await called({ powerW: 3000, second: battery, inReserve: reserve })
    await world.passTo(at(600))
    expect(await told()).toEqual([
      [60, 'liar', 'not-responding', 2000, 0],
      [60, 'second', 'headroom', 1000, 3000],
      [120, 'second', 'headroom', 3000, 3200], // what was missed until then
    ])
    const { allocations, repairs } = await found()
    expect(allocations.map(({ resourceId }) => resourceId)).toEqual(['liar', 'second'])
    const periods = allocations[1]?.periods ?? []
    expect(periods.map(({ powerW, atGate }) => [powerW, (atGate ?? { powerW }).powerW])).toEqual([
      [1000, 1000],
      [3000, 1000],
      [3200, 1000],
      [3200, 1000],
    ])
    const [repair] = repairs
    expect(repair).toMatchObject({ resourceId: 'liar', replacedBy: ['second'] })
    // Restored by what it was told then, not by what it obeyed before.
    expect(repair?.restoredAt).toBeGreaterThan(repair?.detectedAt ?? Number.POSITIVE_INFINITY)
  })

  it('is paid for what it gave of that, and verifiers follow it from the log', async () => {
    const { found } = await called({ powerW: 3000, second: battery, inReserve: reserve })
    await world.passTo(at(2400))
    await runVerifiers(world)
    await world.passTo(at(2460))
    const { id, state, settlement } = await found()
    expect(state).toBe('verified')
    // All that was missed came later, and no more is paid than was ordered of the whole.
    expect(settlement).toMatchObject({ orderedWh: 1500, payableWh: 1500, deficientWh: 0 })
    const line = settlement?.lines.find(({ resourceId }) => resourceId === 'second')
    expect(line?.orderedWh).toBeGreaterThan(1500)
    expect(line).toMatchObject({ eligibleWh: line?.orderedWh, gross: 180_000n })
    const text = await world.store.transaction((tx) => tx.evidence.load(id, 1))
    const bundle = parseBundle(text ?? '')
    const differing = (changes: Partial<EvidenceBundle>) => {
      const checks = { gateway: verifySimulatedSignature, meter: world.ports().checkMeterSignature }
      const found = verifyBundle(bundleText({ ...bundle, ...changes }), checks)
      return found.map((one) => one.line)
    }
    const log = bundle.corrections ?? []
    expect(differing({})).toEqual([])
    expect(
      differing({ corrections: log.filter(({ resourceId }) => resourceId === 'liar') }),
    ).toEqual(['correction second'])
    const late = log.map((one) => ({ ...one, at: addSeconds(one.at, 300) }))
    expect(differing({ corrections: late })).toContain('correction second')
    // 3 kW from 90 s on, until the next line at 150 s: neither wider there nor after it.
    const wider = (isChanged: (start: number) => boolean, cutAt?: number) =>
      bundle.allocations.map((part) => {
        if (part.resourceId !== 'second') return part
        const periods = part.periods.flatMap((period) => {
          if (!isChanged(period.start - WINDOW_START)) return [period]
          const changed = { ...period, powerW: 3900 }
          if (cutAt === undefined) return [changed]
          return [
            { ...period, end: at(cutAt) },
            { ...changed, start: at(cutAt) },
          ]
        })
        return { ...part, periods }
      })
    expect(differing({ allocations: wider((start) => start === 90_000) })).toContain(
      'correction second',
    )
    expect(differing({ allocations: wider((start) => start === 150_000, 450) })).toContain(
      'correction second',
    )
    // Where a settlement period begins no line is told anew: what is told there follows all the same.
    expect(differing({ allocations: wider((start) => start === 900_000) })).toContain(
      'correction second',
    )
    const unsaid = bundle.allocations.map((part) => {
      return { ...part, periods: part.periods.map(({ atGate: _none, ...period }) => period) }
    })
    expect(differing({ allocations: unsaid })).toContain('order second')
  })

  it('is told so in its decisions: as ordered, then as raised', async () => {
    const { found } = await called({ powerW: 3000, second: battery, inReserve: reserve })
    await world.passTo(at(300))
    const mine = decisionsOf(await found()).find(({ resourceId }) => resourceId === 'second')
    expect(mine?.earlier[0]).toMatchObject({ code: 'cut', detail: '1000 / 1000 W ordered' })
    expect(mine?.final).toMatchObject({ code: 'raised', detail: '3000 W, then 3200 W' })
  })

  it('gives nothing of what its owner keeps: the reserve gives the rest', async () => {
    // 900 Wh above the owner's reserve: 500 are ordered, and 2 kW more would take 970.
    const storedWh = rating.reserveWh + Math.ceil(900 / 0.95)
    const does = { storedWh }
    const { told } = await called({ powerW: 3000, second: battery, does, inReserve: reserve })
    await world.passTo(at(1860))
    const first = (await told()).slice(0, 3)
    expect(first.map(([, id, reason]) => [id, reason])).toEqual([
      ['liar', 'not-responding'],
      ['second', 'headroom'],
      ['reserve', 'reserve'],
    ])
    const more = first.map(([, , , fromW, toW]) => Number(toW) - Number(fromW)).slice(1)
    expect(more[0]).toBeLessThan(1000)
    expect(Number(more[0]) + Number(more[1])).toBe(2000)
    const [last] = await world.store.transaction((tx) =>
      tx.readings.lastBefore([battery.id], at(1860)),
    )
    const leftWh = ((last?.socBp ?? 0) / 10_000) * rating.energyWh
    expect(leftWh).toBeGreaterThanOrEqual(rating.reserveWh)
  })

  it('is a charger: not before its dwell time is over', async () => {
    const { told, setpoints } = await called({ powerW: 4000, second: charger })
    await world.passTo(at(900))
    const [let_go, raised] = await told()
    expect(let_go).toEqual([60, 'liar', 'not-responding', 2000, 0])
    expect(raised).toEqual([150, 'second', 'headroom', 2000, 4200])
    expect((await setpoints()).slice(0, 2)).toEqual([5000, 2800])
  })

  it('is a charger: it stops, and does not go on between 0 and its least power', async () => {
    const { told, setpoints } = await called({ powerW: 8000, second: charger })
    await world.passTo(at(1800))
    expect((await told()).length).toBeGreaterThan(1)
    for (const setpointW of await setpoints()) {
      expect(setpointW === 0 || setpointW >= charger.rating.importMinW).toBe(true)
    }
    expect((await setpoints()).at(-1)).toBe(0)
  })
})

describe('energy that was missed in the first settlement period', () => {
  const strong = (id: string, price: bigint) =>
    aResource(id, 'battery', price, { rating: { ...rating, exportMaxW: 8000 } })
  const lies = strong('liar', 100_000n)
  const rest = { second: strong('second', 120_000n), inReserve: strong('reserve', 300_000n) }

  it('is made up until the window ends, where the window is paid as a whole', async () => {
    const { found, told } = await called({ powerW: 9000, lies, ...rest })
    await world.passTo(at(2400))
    // 8 kW are missing for a minute and a half: all of it comes, at 5 % of the order at most.
    expect((await found()).settlement).toMatchObject({ orderedWh: 4500, deficientWh: 0 })
    const raised = (await told()).filter(([, id]) => id === 'reserve')
    expect(raised.slice(0, 2)).toEqual([
      [60, 'reserve', 'reserve', 0, 1000],
      [120, 'reserve', 'headroom', 1000, 1500],
    ])
    expect(raised.slice(2).every(([, , reason]) => reason === 'too-much')).toBe(true)
  })

  it('is not carried into the next period, where each is paid for itself', async () => {
    const { found, told } = await called({ powerW: 9000, lies, ...rest, over: 'period' })
    await world.passTo(at(2400))
    const { settlement } = await found()
    expect(settlement?.deficientWh).toBeGreaterThan(0)
    expect((await told()).filter(([second]) => Number(second) > 960)).toEqual([])
  })
})
