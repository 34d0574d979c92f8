import { expect, test } from 'vitest'
import { ownPace } from '#adapters/opcua/pace.ts'

test('batteries do not go in step: each has a pace of its own, at most a tenth quicker', () => {
  const paces = Array.from({ length: 1000 }, (_, i) => ownPace(`battery-${i}`, 1000))
  expect(Math.min(...paces)).toBeGreaterThan(900)
  expect(Math.max(...paces)).toBeLessThanOrEqual(1000)
  expect(new Set(paces).size).toBeGreaterThan(80)
  const most = Math.max(...[...Map.groupBy(paces, (pace) => pace).values()].map((g) => g.length))
  expect(most).toBeLessThan(40)
})

test('the pace of a battery is the same at every start', () => {
  expect(ownPace('battery-7', 1000)).toBe(ownPace('battery-7', 1000))
})
