import { expect, test } from 'vitest'
import { fuzz } from '../adapters/ocpp/fuzzing.ts'

const CASES = 100_000
const SEED = 20_261_126
/**
 * What is kept per station is bounded (64 answers, 64 transactions, 100 kinds of deviation: well
 * below a megabyte for each of the six); 200 bytes lost per frame would already be this much.
 */
const GROWTH_BYTES_MAX = 16_000_000

test('100,000 mutated frames: no crash, no leak, and no other station notices', async () => {
  const { cases, faults, heapBefore, heapAfter, bystander } = await fuzz(CASES, SEED)
  expect(cases).toBeGreaterThanOrEqual(CASES)
  // What the driver could not handle and answered with InternalError: its own fault.
  expect(faults).toEqual([])
  expect(heapAfter - heapBefore).toBeLessThan(GROWTH_BYTES_MAX)
  expect(bystander).toMatchObject({ disconnected: false, measured: bystander.sent })
  expect(bystander.limits).toBe(bystander.sent)
  expect(bystander.sent).toBeGreaterThan(50)
  expect(bystander.slowestMs).toBeLessThan(5_000)
}, 120_000)
