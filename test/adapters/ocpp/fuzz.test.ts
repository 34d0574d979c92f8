import { expect, test } from 'vitest'
import { fuzz } from './fuzzing.ts'

test('2,000 mutated frames: answered or cut off, no fault of ours, and no other station notices', async () => {
  const result = await fuzz(2_000, 1)
  expect(result.faults).toEqual([])
  expect(result.cases).toBeGreaterThanOrEqual(2_000)
  expect(result.answered).toBeGreaterThan(1_000)
  expect(result.bystander).toMatchObject({ disconnected: false })
  expect(result.bystander.measured).toBe(result.bystander.sent)
  expect(result.bystander.limits).toBe(result.bystander.sent)
  expect(result.bystander.slowestMs).toBeLessThan(5_000)
}, 30_000)
