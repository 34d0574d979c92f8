import { afterAll, beforeAll, describe } from 'vitest'
import { contradictionTests, pauseTests, returnTests, setTests } from './acts-conformance.ts'
import { challengeTests } from './challenges-conformance.ts'
import { LIMIT_DEPOSIT, limitTests } from './limits-conformance.ts'
import type { RailWorld, WorldOptions } from './rail-world.ts'

/** In this order: a set that was added stays the newest. */
const topics: Record<string, (open: () => RailWorld) => void> = {
  'a pause': pauseTests,
  'a challenge': challengeTests,
  'a verifier who contradicts himself': contradictionTests,
  'a payout that no epoch counts': returnTests,
  'another set of verifiers': setTests,
}

type Open = (options?: WorldOptions) => Promise<RailWorld>

/**
 * What others than the service do at a pool, and the most that it counts. Every rail passes the
 * same: the one in memory in the unit tests, the slower ones where time is.
 */
export function actTopics(rails: Readonly<Record<string, Open>>): void {
  describe.each(Object.keys(rails))('what others do, on %s', (name) => {
    let world: RailWorld
    beforeAll(async () => {
      world = await rails[name]!()
    }, 60_000)
    afterAll(() => world.close())
    for (const [topic, tests] of Object.entries(topics)) describe(topic, () => tests(() => world))
  })

  describe.each(Object.keys(rails))('64 bits count all money, on %s', (name) => {
    let world: RailWorld
    beforeAll(async () => {
      world = await rails[name]!({ deposit: LIMIT_DEPOSIT })
    }, 60_000)
    afterAll(() => world.close())
    limitTests(() => world)
  })
}
