import { describe, expect, it } from 'vitest'
import { crashStory } from '../support/crash-story.ts'

describe('a crash at every awaited port call, and a restart', () => {
  it('gives byte-identical evidence, receipts, ledger and pool', {
    timeout: 1_200_000,
  }, async () => {
    const golden = await crashStory(null)
    expect(golden.result).toMatchObject({ state: 'paid', repairs: 1, openRequests: 1 })
    for (let target = 1; target <= golden.count; target++) {
      for (const moment of ['before', 'after'] as const) {
        const { result } = await crashStory(target, moment)
        expect(result, `crash ${moment} port call ${target}`).toEqual(golden.result)
      }
    }
  })
})
