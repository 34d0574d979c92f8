import { afterEach, describe, expect, it } from 'vitest'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import type { DeviceDriver } from '#ports.ts'
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
import { plugBattery, plugCharger } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)

type Manner = {
  /** The forms that the driver knows, in order; the device follows the last one only. */
  readonly forms: readonly string[]
  /** Says by itself that what it does not follow is not in force. */
  readonly isHonest?: boolean
  readonly refuses?: string
}

/** A driver whose one charger takes a setpoint in each form, and follows one of them. */
function mannered(driver: DeviceDriver, id: string, { forms, isHonest, refuses }: Manner) {
  let form = 0
  const asked: string[] = []
  const wrapped: DeviceDriver = {
    ...driver,
    async apply(resourceId, setpoint, deadlineMs) {
      if (resourceId !== id) return driver.apply(resourceId, setpoint, deadlineMs)
      const strategy = forms[form] as string
      if (setpoint.powerW !== null) asked.push(strategy)
      if (refuses !== undefined) throw new DomainError('device-refused', refuses)
      if (setpoint.powerW === null || form === forms.length - 1) {
        await driver.apply(resourceId, setpoint, deadlineMs)
      }
      return { strategy }
    },
    nextStrategy(resourceId) {
      if (resourceId !== id || form === forms.length - 1) return null
      form += 1
      return forms[form] as string
    },
    async readBack(resourceId, deadlineMs) {
      if (resourceId !== id || isHonest) return driver.readBack(resourceId, deadlineMs)
      return { kind: 'unknown' }
    },
  }
  return { driver: wrapped, asked }
}

describe('the chain of a setpoint from the order to the meter', () => {
  let world: World
  afterEach(() => world.stop())

  /** One charger is ordered to 1400 W, a battery stands in reserve. */
  async function dispatched(manner: Manner | null, disobeys = false) {
    let asked: string[] = []
    world = createWorld({
      start: at(-1200),
      ...aProgram(),
      interpose: (ports, driver) => {
        if (manner === null) return { ports, driver }
        const made = mannered(driver, 'charger', manner)
        asked = made.asked
        return { ports, driver: made.driver }
      },
    })
    await world.boot()
    const charger = aResource('charger', 'charger', 120_000n)
    const battery = aResource('battery', 'battery', 200_000n)
    await enrolAll(world, [charger, battery], aProgram())
    await plugCharger(world, charger, 7000, { disobeys })
    plugBattery(world, battery)
    await world.ports().wakeUps.notify('resources')
    await world.passTo(at(-600))
    const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([5600]))
    await world.passTo(at(-240))
    await acceptAsDso(world.ports(), call.id)
    await world.passTo(at(0))
    const rows = async () => {
      const all = await world.store.transaction((tx) => tx.setpoints.ofCall(call.id))
      return all.filter(({ resourceId }) => resourceId === charger.id)
    }
    const first = async () => (await rows())[0] as SetpointRow
    const repairs = () =>
      world.store.transaction(async (tx) => (await tx.calls.find(call.id))?.repairs)
    return { rows, first, repairs, asked: () => asked }
  }

  it('ends at a refusal, with nothing that was never there', async () => {
    const { first, repairs } = await dispatched({ forms: ['one'], refuses: 'no, says the device' })
    await world.passTo(at(120))
    expect(await first()).toMatchObject({
      refusal: 'no, says the device',
      acknowledgedAt: null,
      effectiveAt: null,
      observedAt: null,
      strategy: null,
    })
    expect(await repairs()).toMatchObject([{ reason: 'refused', replacedBy: ['battery'] }])
  })

  it('has each link with its time, the meter’s among them', async () => {
    const { rows, first } = await dispatched(null)
    expect(await first()).toMatchObject({ acknowledgedAt: at(0), effectiveW: 1400 })
    expect((await first()).observedAt).toBeNull()
    await world.passTo(at(30))
    expect(await first()).toMatchObject({ observedAt: at(30), observedW: 1400 })
    await world.passTo(at(1000))
    expect((await rows()).at(-1)).toMatchObject({ powerW: null, observedW: 7000 })
  })

  it('tries the next form when the device says that the setpoint is not in force', async () => {
    const { first, asked, repairs } = await dispatched({
      forms: ['W on 1', 'A on 1', 'A on 0'],
      isHonest: true,
    })
    await world.settleDown()
    await world.passTo(at(90))
    expect(asked()).toEqual(['W on 1', 'A on 1', 'A on 0'])
    expect(await first()).toMatchObject({ acknowledgedAt: at(0), strategy: 'A on 0' })
    expect(await first()).toMatchObject({ effectiveW: 1400, observedW: 1400 })
    expect(await repairs()).toEqual([])
  })

  it('tries the next form when the meter shows that it is not followed', async () => {
    const { first, asked, repairs } = await dispatched({ forms: ['W on 1', 'A on 0'] })
    await world.passTo(at(30)) // the first whole reading: 7000 W
    expect(asked()).toEqual(['W on 1', 'A on 0'])
    expect(await first()).toMatchObject({ strategy: 'A on 0', observedAt: null })
    await world.passTo(at(90))
    expect(await first()).toMatchObject({
      acknowledgedAt: at(0), // the first yes stays
      strategy: 'A on 0',
      observedAt: at(60),
      observedW: 1400,
    })
    expect(await repairs()).toEqual([])
  })

  it('is broken when no form is left: found by the second reading, and replaced', async () => {
    const { first, asked, repairs } = await dispatched({ forms: ['W on 1', 'A on 1'] }, true)
    await world.passTo(at(120))
    expect(asked()).toEqual(['W on 1', 'A on 1'])
    expect(await first()).toMatchObject({ observedAt: null, strategy: 'A on 1' })
    expect(await repairs()).toMatchObject([
      { reason: 'not-obeying', detectedAt: at(60), replacedBy: ['battery'] },
    ])
  })

  it('is taken up by a gateway that comes after: what is stored already counts', async () => {
    const { first } = await dispatched(null)
    await world.stop()
    await world.passTo(at(30))
    await world.boot()
    await world.settleDown()
    await world.settleDown()
    expect(await first()).toMatchObject({ acknowledgedAt: at(0), observedAt: at(30) })
  })
})
