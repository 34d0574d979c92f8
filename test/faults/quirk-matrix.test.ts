import { beforeAll, describe, expect, test } from 'vitest'
import { type Outcome, playQuirks } from '#test/support/quirk-call.ts'
import { complaintsOf, isLiar, rowsOf, tableOf } from '#test/support/quirk-rows.ts'

/*
 * Every quirk × a call, on the real OCPP driver over real sockets, side by side: each ends with the
 * ordered energy delivered by that charger, in another form where there is one, or by the battery
 * that takes its place; and nobody is owed for what was not measured.
 */
const SPEED = 60
const DEADLINE_MS = 240_000

describe.each(['1.6', '2.0.1', '2.1'] as const)('a call with each quirk on OCPP %s', (version) => {
  const rows = rowsOf(version)
  let outcomes: Outcome[] = []

  beforeAll(async () => {
    outcomes = await playQuirks(rows, SPEED)
    process.stdout.write(`${tableOf(outcomes)}\n`)
  }, DEADLINE_MS)

  test('each call is played, and paid', () => {
    expect(outcomes).toHaveLength(rows.length)
    expect(outcomes.filter(({ state }) => state !== 'paid').map(({ name }) => name)).toEqual([])
  })

  test('the energy was delivered, and what is owed was measured and is true', () => {
    expect(complaintsOf(rows, outcomes)).toEqual([])
  })

  test('a meter that lies is believed and paid: only the feeder behind it can tell', () => {
    const [liar] = outcomes.filter(isLiar)
    if (liar === undefined) throw new Error('no liar was among them')
    const { chargerToldWh, chargerTrueWh, spareTrueWh, orderedWh, chargerOwed } = liar
    expect(chargerOwed).toBeGreaterThan(0n)
    expect(chargerToldWh).toBeGreaterThan(0.9 * orderedWh)
    // What a meter at the feeder would see of this call.
    expect(chargerTrueWh + spareTrueWh).toBeLessThan(0.1 * orderedWh)
  })
})
