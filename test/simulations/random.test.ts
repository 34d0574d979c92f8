import { expect, test } from 'vitest'
import { seededRandom } from '#simulations/random.ts'

test('the same seed and labels give the same numbers, any other gives others', () => {
  const take = (random: ReturnType<typeof seededRandom>) => Array.from({ length: 5 }, random.next)
  const first = take(seededRandom(7, 'a'))
  expect(take(seededRandom(7, 'a'))).toEqual(first)
  expect(take(seededRandom(8, 'a'))).not.toEqual(first)
  expect(take(seededRandom(7, 'b'))).not.toEqual(first)
})

test('numbers lie evenly between 0 and 1', () => {
  const random = seededRandom(1, 'even')
  const bins = Array.from({ length: 10 }, () => 0)
  for (let draw = 0; draw < 20_000; draw += 1) {
    const bin = Math.floor(random.next() * 10)
    bins[bin] = (bins[bin] ?? 0) + 1
  }
  for (const count of bins) expect(Math.abs(count - 2000)).toBeLessThan(200)
})

test('whole numbers reach both ends, normal ones have mean 0 and deviation 1', () => {
  const random = seededRandom(3, 'ends')
  const dice = new Set(Array.from({ length: 300 }, () => random.integer(1, 6)))
  expect(dice).toEqual(new Set([1, 2, 3, 4, 5, 6]))
  const normal = Array.from({ length: 20_000 }, random.normal)
  const mean = normal.reduce((sum, value) => sum + value, 0) / normal.length
  const variance = normal.reduce((sum, value) => sum + value ** 2, 0) / normal.length
  expect(Math.abs(mean)).toBeLessThan(0.03)
  expect(Math.abs(variance - 1)).toBeLessThan(0.05)
})

test('picking from nothing is refused, shuffling keeps every item', () => {
  const random = seededRandom(5, 'shuffle')
  expect(() => random.pick([])).toThrow('nothing to pick from')
  const items = Array.from({ length: 30 }, (_, index) => index)
  const shuffled = random.shuffle(items)
  expect(shuffled).not.toEqual(items)
  expect([...shuffled].sort((a, b) => a - b)).toEqual(items)
})
