import { expect, test } from 'vitest'
import { type Outcome, playQuirks } from '#test/support/quirk-call.ts'
import type { Played } from '#test/support/quirk-world.ts'

/*
 * Cars that may give power back, on real 2.1 stations over real sockets: from the order below 0 to
 * what is owed for the export that their meters told.
 */
const SPEED = 200
/** Half of it comes from not charging 7 kW, the rest from the car. */
const ORDERED_W = 12_000
const CAR = { exportMaxW: 7000, energyWh: 90_000, reserveWh: 20_000 }

function row(name: string, changes: Partial<Played> = {}): Played {
  const one: Played = { name, quirks: [], version: '2.1', orderedW: [ORDERED_W], givesBack: CAR }
  return { ...one, ...changes }
}

test('what a car gives back is ordered, measured and owed, as far as station and owner let it', async () => {
  const rows = [
    row('old', { version: '2.0.1' }),
    row('reserved', { givesBack: { ...CAR, reserveWh: 90_000 } }),
    row('free'),
  ]
  const outcomes = await playQuirks(rows, SPEED, 'measured')
  const [old, reserved, free] = outcomes as [Outcome, Outcome, Outcome]
  expect(outcomes.map(({ state }) => state)).toEqual(['measured', 'measured', 'measured'])
  // A station without setpoints, and a car whose owner keeps all of it: they stop charging.
  for (const one of [old, reserved]) {
    expect(one.chargerToldWh).toBeGreaterThan(1600)
    expect(one.chargerToldWh).toBeLessThan(1760)
    expect(one.spareTrueWh).toBeGreaterThan(1000)
  }
  expect(free).toMatchObject({
    kind: 'by itself',
    detail: 'TxProfile Dynamic A level 1',
  })
  expect(free.spareTrueWh).toBe(0)
  expect(free.chargerToldWh).toBeGreaterThan(0.95 * free.orderedWh)
  expect(free.chargerToldWh).toBeLessThanOrEqual(free.chargerTrueWh + 3)
  expect(free.chargerOwed).toBeGreaterThan(0n)
})
