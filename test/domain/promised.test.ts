import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { mayStandBeside, type Promised, sayPromised, shareAnInstant } from '#domain/promised.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'

const battery = resourceId('battery')
const stretch = (from: number, until: number, id = battery) => ({
  resourceId: id,
  periodStart: addSeconds(WINDOW_START, from),
  periodEnd: addSeconds(WINDOW_START, until),
})

describe('what a resource is promised to', () => {
  it('is one service at a time: not two that share an instant, however short', () => {
    expect(mayStandBeside(stretch(0, 900), stretch(899, 1800))).toBe(false)
    expect(mayStandBeside(stretch(0, 3600), stretch(900, 901))).toBe(false)
    expect(mayStandBeside(stretch(900, 901), stretch(0, 3600))).toBe(false)
  })

  it('may follow at once, and be beside what another resource does', () => {
    expect(mayStandBeside(stretch(0, 900), stretch(900, 1800))).toBe(true)
    expect(mayStandBeside(stretch(900, 1800), stretch(0, 900))).toBe(true)
    expect(mayStandBeside(stretch(0, 900), stretch(0, 900, resourceId('other')))).toBe(true)
  })

  it('is told by call, ordered or in reserve, from when to when', () => {
    const promised = (id: string, role: Promised['role'], from: number): Promised => ({
      ...stretch(from, from + 900),
      callId: callId(id),
      role,
    })
    const said = sayPromised([
      promised('call-2', 'reserve', 1800),
      promised('call-1', 'order', 0),
      promised('call-1', 'order', 900),
    ])
    expect(said).toBe(
      'in the warm reserve of call call-2 from 2026-01-14T16:30:00Z to 2026-01-14T16:45:00Z; ' +
        'ordered by call call-1 from 2026-01-14T16:00:00Z to 2026-01-14T16:30:00Z',
    )
  })

  it('never is two things in one instant, whoever asks for what in which order', async () => {
    const wish = fc.record({
      call: fc.constantFrom('call-1', 'call-2', 'call-3'),
      role: fc.constantFrom('order' as const, 'reserve' as const),
      id: fc.constantFrom('a', 'b'),
      from: fc.integer({ min: 0, max: 12 }),
      lasts: fc.integer({ min: 1, max: 6 }),
      isReleased: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(wish, { maxLength: 25 }), async (wishes) => {
        const store = createMemoryStore()
        const all = await store.transaction(async (tx) => {
          for (const { call, role, id, from, lasts, isReleased } of wishes) {
            const period = stretch(from, from + lasts, resourceId(id))
            if (isReleased) await tx.promises.release(callId(call), period.periodStart)
            else await tx.promises.take(callId(call), [period], role)
          }
          const ids = [resourceId('a'), resourceId('b')]
          return tx.promises.taken(ids, WINDOW_START, addSeconds(WINDOW_START, 100))
        })
        for (const [i, one] of all.entries()) {
          for (const other of all.slice(i + 1)) {
            const isSame = one.resourceId === other.resourceId
            expect(isSame && shareAnInstant(one, other)).toBe(false)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
