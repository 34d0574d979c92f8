import { expect, it } from 'vitest'
import { hashOf } from '#domain/canonical.ts'
import { uniformFrom } from '#domain/reliability/seeded.ts'

it('numbers from a seed are the same again, others for another seed, and spread evenly', () => {
  const draw = (text: string, count: number) => {
    const uniform = uniformFrom(hashOf({ text }))
    return Array.from({ length: count }, () => uniform())
  }
  expect(draw('a', 5)).toEqual(draw('a', 5))
  expect(draw('a', 5)).not.toEqual(draw('b', 5))
  const many = draw('a', 10_000)
  expect(many.every((one) => one >= 0 && one < 1)).toBe(true)
  expect(many.reduce((sum, one) => sum + one, 0) / many.length).toBeCloseTo(0.5, 1)
  expect(() => uniformFrom('0x1234')).toThrow(/32 digits/)
})
