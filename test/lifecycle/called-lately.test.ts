import { expect, it } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import type { CallState, FlexibilityCall } from '#domain/flexibility-call.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { calledLately } from '#lifecycle/called-lately.ts'
import { north, WINDOW_START } from '../support/builders.ts'

const QUARTER = 900

/** A quarter of an hour, so many before the window: two had offered 1 kW, and one gave it. */
function quarterBefore(back: number, who: string, state: CallState = 'paid'): FlexibilityCall {
  const start = addSeconds(WINDOW_START, -back * QUARTER)
  const window = { start, end: addSeconds(start, QUARTER) }
  const periods = [{ ...window, powerW: 1000, setpointW: 0 }]
  return {
    id: callId(`call-${back}`),
    state,
    request: { congestionPointId: north, window },
    requestedAt: addSeconds(start, -3600),
    windowStartCommitment: null,
    candidates: ['a', 'b'].map((id) => ({ resourceId: resourceId(id), offeredWh: 250 })),
    allocations: [{ resourceId: resourceId(who), role: 'order', periods, releasedAt: null }],
  } as unknown as FlexibilityCall
}

it('at a point that is called all day long, is who was called in the last 200 calls', async () => {
  const store = createMemoryStore()
  const lately = await store.transaction(async (tx) => {
    for (let back = 1; back <= 200; back++) await tx.calls.create(quarterBefore(back, 'b'))
    // One that moved nobody is none of them.
    await tx.calls.create(quarterBefore(202, 'a'))
    await tx.calls.create({ ...quarterBefore(201, 'a'), state: 'declined' })
    return calledLately(tx, quarterBefore(0, 'a', 'requested'))
  })
  expect([...lately.calledBp]).toEqual([['b', 10_000]])
})
