import { describe, expect, test } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import { planRebound } from '#domain/rebound.ts'
import { afterWindowSentence } from '#domain/rebound/words.ts'
import { aRecovery, periodsWith } from '../support/rebound.ts'

describe('what an owner is told of it', () => {
  test('is nothing where the device was not in the plan', () => {
    expect(afterWindowSentence(undefined, resourceId('a'))).toBeNull()
    expect(afterWindowSentence({ restarts: [] }, resourceId('a'))).toBeNull()
  })

  test('is how high it was held, and when it came back', () => {
    const devices = [aRecovery('a'), aRecovery('b', { heldW: 2000 })]
    const plan = planRebound(devices, periodsWith([3000, 9000, 9000]))
    const told = afterWindowSentence(plan, resourceId('b'))
    expect(told).toMatch(/^It was held at 2000 W.* and came back at 2026-01-14T1\d:30:00Z/)
  })
})
