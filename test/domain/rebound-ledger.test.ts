import { describe, expect, it } from 'vitest'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { resourceId } from '#domain/ids.ts'
import { takenBy } from '#domain/rebound/ledger.ts'
import type { ReboundPlan } from '#domain/rebound.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import {
  aBaseline,
  aDispatchedCall,
  aProgram,
  aRequest,
  aResource,
  WINDOW_START,
} from '../support/builders.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const END = 1800
const everybody = () => true

/** A charger that was brought from 7 kW to 4 kW for the whole window, and a battery that gave 3 kW. */
function aCall(changes: Partial<FlexibilityCall> = {}): FlexibilityCall {
  const devices = [aResource('charger', 'charger', 1n), aResource('battery', 'battery', 1n)]
  const fromW = { charger: 7000, battery: 0 }
  return aDispatchedCall({
    request: aRequest([3000, 3000]),
    candidates: devices.map(({ id, ownerId, aggregatorId, kind, rating, offer }) => {
      const who = { resourceId: id, ownerId, aggregatorId, aggregatorShareBp: basisPoints(0) }
      return { ...who, kind, rating, price: offer.price, ...aBaseline() }
    }),
    allocations: devices.map(({ id, kind }) => {
      const part = { powerW: 3000, setpointW: fromW[kind] - 3000 }
      const periods = [0, 900].map((start) => ({ start: at(start), end: at(start + 900), ...part }))
      return { resourceId: id, role: 'order', periods, releasedAt: null }
    }),
    orderedW: [6000, 6000],
    ...changes,
  })
}

const restart = (name: string, powerW: number) => ({
  resourceId: resourceId(name),
  parts: [],
  restartsAt: at(END),
  takes: [{ start: at(END), end: at(END + 900), powerW }],
})
const plan: ReboundPlan = {
  restarts: [restart('charger', 7000), restart('battery', 5000)],
  periods: [{ start: at(END), end: at(END + 900), roomW: null, powerW: 12_000 }],
  overshootW: 0,
  unreadyWh: 0,
  leftWh: 0,
}

describe('what devices of a call take back at its congestion point', () => {
  it('is nothing while its window runs, and after one that asked for more', () => {
    expect(takenBy(aCall(), everybody, at(900))).toEqual([])
    const request = aRequest([3000, 3000], { direction: 'increase-import' })
    expect(takenBy(aCall({ request, releasedAt: at(END) }), everybody, at(END))).toEqual([])
  })

  it('is what its plan says, after the last is back, too, but for devices others lead by now', () => {
    const done = aCall({ releasedAt: at(END), rebound: { ...plan, doneAt: at(END) } })
    const powers = (counts: Parameters<typeof takenBy>[1]) =>
      takenBy(done, counts, at(END + 60)).map(({ powerW }) => powerW)
    expect(powers(everybody)).toEqual([7000, 5000])
    expect(powers((id) => id !== 'battery')).toEqual([7000])
  })

  it('is the whole of a plan that was made before it named devices, until all are back', () => {
    const restarts = plan.restarts.map(({ takes: _none, ...one }) => one)
    const old = (doneAt: number | null) =>
      aCall({
        releasedAt: at(END),
        rebound: { ...plan, restarts, doneAt: doneAt === null ? null : at(doneAt) },
      })
    expect(takenBy(old(null), everybody, at(END))).toEqual(plan.periods)
    expect(takenBy(old(END), everybody, at(END))).toEqual([])
  })

  it('is what they gave, at the power by which they gave it, where they came back at once', () => {
    const [charger, battery] = takenBy(aCall({ releasedAt: at(END) }), everybody, at(END))
    expect(charger).toEqual({ start: at(END), end: at(2 * END), powerW: 3000 })
    // 1,500 Wh and what is lost of it there and back, at the 5 kW by which it recharges.
    expect(battery).toEqual({ start: at(END), end: at(END + 1197), powerW: 5000 })
    const planless = aCall({ program: aProgram() })
    expect(takenBy(planless, everybody, at(END))).toHaveLength(2)
    const planning = aCall({ program: aProgram({ restartSeconds: 240 }) })
    expect(takenBy(planning, everybody, at(END))).toEqual([])
  })

  it('is that of a part that ended inside the window', () => {
    const { allocations } = aCall()
    const early = allocations.map((one) => ({ ...one, periods: one.periods.slice(0, 1) }))
    const [charger] = takenBy(aCall({ allocations: early }), everybody, at(1200))
    expect(charger).toEqual({ start: at(900), end: at(1800), powerW: 3000 })
  })

  it('is that of the last activation that is over, while its window runs', () => {
    const activations = [{ start: at(300), end: at(600), orderedAt: at(0) }]
    const call = aCall({ activations })
    expect(takenBy(call, everybody, at(500))).toEqual([])
    expect(takenBy(call, everybody, at(600))[0]).toEqual({
      start: at(600),
      end: at(900),
      powerW: 3000,
    })
    const again = [...activations, { start: at(660), end: at(960), orderedAt: at(0) }]
    expect(takenBy(aCall({ activations: again }), everybody, at(700))).toEqual([])
  })
})
