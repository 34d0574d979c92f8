import { describe, expect, it } from 'vitest'
import { crashStory } from './support/crash-story.ts'

/** Every crash is tried by test/faults/crash-everywhere.test.ts; here a spread of them. */
const SPREAD = 101

describe('a crash at an awaited port call, and a restart', () => {
  it('gives byte-identical evidence, receipts, ledger and pool', { timeout: 90_000 }, async () => {
    const golden = await crashStory(null)
    expect(golden.result).toMatchObject({ state: 'paid', repairs: 1, openRequests: 1 })
    expect(golden.count).toBeGreaterThan(500)
    for (let target = 7; target <= golden.count; target += SPREAD) {
      for (const moment of ['before', 'after'] as const) {
        const { result } = await crashStory(target, moment)
        expect(result, `crash ${moment} port call ${target}`).toEqual(golden.result)
      }
    }
  })
})
