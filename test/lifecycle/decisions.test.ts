import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Allocation } from '#domain/allocation.ts'
import { decisionsOf } from '#domain/decision.ts'
import { DECISION_CODES, DECISION_WORDS, type Outcome } from '#domain/decision-words.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { congestionPointId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { cancelCall } from '#lifecycle/cancel-call.ts'
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
import { importHabit, plugBattery, plugCar, plugCharger } from '../support/simulated-call.ts'

const at = (seconds: number): Instant => addSeconds(WINDOW_START, seconds)
const charger = (id: string, price: bigint, changes: Partial<Resource> = {}) =>
  aResource(id, 'charger', price, changes)

describe('what was decided about each resource of a call', () => {
  let world: World
  afterEach(() => world?.stop())

  async function start(resources: readonly Resource[], program = aProgram()) {
    world = createWorld({ start: at(-1200), ...program })
    await world.boot()
    await enrolAll(world, resources, program)
  }

  async function play(askedW: number, until: number, meanwhile?: () => Promise<void>) {
    await world.ports().wakeUps.notify('resources')
    await world.passTo(at(-600))
    const request = aRequest([askedW, askedW])
    const { call } = await requestFlexibility(world.ports(), dso, 'key-1', request)
    expect(decisionsOf(call)).toEqual([])
    await world.passTo(at(-240))
    if ((await find(call.id)).state === 'offered') await acceptAsDso(world.ports(), call.id)
    await world.passTo(at(until), meanwhile)
    return find(call.id)
  }
  const find = (id: FlexibilityCall['id']) => world.store.transaction((tx) => tx.calls.lock(id))
  const told = (call: FlexibilityCall) =>
    Object.fromEntries(
      decisionsOf(call).map(({ resourceId, final, earlier }) => [
        resourceId,
        [...earlier, final].map(({ code }) => code).join(' > '),
      ]),
    )

  it('names why each was left out, taken, cut, let go or called in', async () => {
    const resources = [
      charger('a-honest', 120_000n),
      charger('b-liar', 130_000n),
      charger('c-refuses', 140_000n),
      charger('d-half', 150_000n),
      aResource('e-reserve', 'battery', 200_000n),
      aResource('f-reserve', 'battery', 210_000n),
      charger('g-dear', 450_001n),
      charger('h-evening', 100_000n, { offer: fromEight() }),
      charger('i-away', 100_000n),
      charger('j-new', 100_000n),
      charger('k-hurried', 100_000n),
      charger('l-no-car', 100_000n),
      charger('m-elsewhere', 100_000n, { congestionPointId: congestionPointId('cp-south') }),
    ]
    await start(resources)
    const one = (index: number) => resources[index] as Resource
    await plugCharger(world, one(0), 7000)
    await plugCharger(world, one(1), 7000, { disobeys: true })
    await plugCharger(world, one(2), 7000, { refuses: 'no' })
    await plugCharger(world, one(3), 7000)
    for (const index of [4, 5]) plugBattery(world, one(index))
    for (const index of [6, 7]) await plugCharger(world, one(index), 7000)
    plugCar(world, one(9), 7000)
    await plugCharger(world, one(10), 7000, { session: inAHurry() })
    await importHabit(world, one(11), 7000)
    world.driver.plug(one(11).id, { kind: 'charger', naturalW: 0 })
    await plugCharger(world, one(12), 7000)
    const call = await play(12_300, 600)
    expect(told(call)).toEqual({
      'a-honest': 'selected',
      'b-liar': 'cut > released-not-obeying',
      'c-refuses': 'not-needed > taken-from-reserve > released-refused',
      'd-half': 'not-needed > taken-from-reserve > stood-in',
      'e-reserve': 'not-needed',
      'f-reserve': 'not-needed',
      'g-dear': 'price-above-cap',
      'h-evening': 'not-offered',
      'i-away': 'not-connected',
      'j-new': 'no-baseline',
      'k-hurried': 'departure',
      'l-no-car': 'no-capability',
    })
    const [first] = decisionsOf(call)
    expect(first?.final).toMatchObject({ at: at(-300), detail: '7000 / 7000 W ordered' })
  })

  it('says of whoever is held out, and to whom the call was cut short', async () => {
    const chargers = Array.from({ length: 5 }, (_, i) => charger(`charger-${i}`, 100_000n))
    await start(chargers, aProgram({ controlGroupBp: basisPoints(2000) }))
    for (const resource of chargers) await plugCharger(world, resource, 7000)
    const call = await play(14_000, 300)
    const codes = () => decisionsOf(call).map(({ final }) => final.code)
    expect(codes().sort()).toEqual([
      'control-group',
      'not-needed',
      'not-needed',
      'selected',
      'selected',
    ])
    await cancelCall(world.ports(), dso, call.id, null)
    const cut = decisionsOf(await find(call.id)).filter(({ final }) => final.code === 'ended-early')
    expect(cut.map(({ earlier }) => earlier.map(({ code }) => code))).toEqual([
      ['selected'],
      ['selected'],
    ])
  })

  it('is there for a call that nothing could be offered for, too', async () => {
    const resources = [charger('dear', 450_001n), charger('away', 100_000n)]
    await start(resources)
    const call = await play(5000, 30)
    expect(call.state).toBe('declined')
    expect(told(call)).toEqual({ away: 'not-connected', dear: 'price-above-cap' })
  })

  it('is one and only one for every enrolled resource, whatever the fleet does', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someDevice, { minLength: 2, maxLength: 6 }), async (drawn) => {
        const resources = drawn.map(({ kind, price }, i) => aResource(`res-${i}`, kind, price))
        await start(resources)
        for (const [i, { kind, does }] of drawn.entries()) {
          const resource = resources[i] as Resource
          if (does === 'stays away') continue
          const machine = MACHINES[does]
          if (kind === 'battery') plugBattery(world, resource, machine)
          else await plugCharger(world, resource, 7000, machine)
        }
        const call = await play(9000, 1200)
        await world.stop()
        const decided = decisionsOf(call)
        expect(decided.map(({ resourceId }) => resourceId)).toEqual(resources.map(({ id }) => id))
        for (const { resourceId, final } of decided) {
          expect(DECISION_CODES).toContain(final.code)
          const part = call.allocations.find((one) => one.resourceId === resourceId)
          const { outcome } = DECISION_WORDS[final.code]
          expect(outcomesOf(part), `${resourceId}: ${final.code}`).toContain(outcome)
        }
      }),
      { numRuns: 6 },
    )
  })
})

function outcomesOf(part: Allocation | undefined): Outcome[] {
  if (part === undefined) return ['skipped']
  return part.releasedAt === null ? ['selected', 'cut', 'stands-in'] : ['released']
}

/** What a machine can do wrong. */
const MACHINES = {
  obeys: {},
  disobeys: { disobeys: true },
  refuses: { refuses: 'no, says the device' },
  'falls silent': { silentFrom: at(120) },
} as const

const someDevice = fc.record({
  kind: fc.constantFrom('charger', 'battery'),
  price: fc.constantFrom(100_000n, 200_000n, 300_000n, 450_001n),
  does: fc.constantFrom('obeys', 'obeys', 'disobeys', 'refuses', 'falls silent', 'stays away'),
} as const)

function fromEight(): Resource['offer'] {
  return { ...charger('any', 100_000n).offer, fromMinute: 1200 }
}

/** A car that leaves as the window ends and needs every minute until then. */
function inAHurry() {
  return {
    startedAt: at(-1200),
    endedAt: null,
    energyNeededWh: 7000,
    departureAt: at(1800),
    startRegisterWh: 100_000,
  }
}
