import { expect, test } from 'vitest'
import { type ChargingProfile, ProfileStack } from '#simulations/devices/profile-stack.ts'

const NOW = Date.parse('2027-01-19T16:00:00Z')
const SESSION = NOW - 3_600_000

function profile(
  over: Partial<ChargingProfile> & { limit?: number; phases?: number },
): ChargingProfile {
  const { limit = 10, phases, ...rest } = over
  return {
    id: 1,
    purpose: 'tx',
    stackLevel: 1,
    kind: 'Absolute',
    everySeconds: null,
    validFrom: null,
    validTo: null,
    start: NOW - 60_000,
    durationSeconds: null,
    unit: 'A',
    periods: [{ startSeconds: 0, limit, phases: phases ?? null }],
    ...rest,
  }
}

const single = () => new ProfileStack({ maxW: 7360, phases: 1 })

test('without a profile a station gives what it is rated for', () => {
  expect(single().limitW(NOW, SESSION)).toBe(7360)
})

test('below 6 A per phase there is nothing; 6 A and 0 A are kept', () => {
  const stack = single()
  for (const [limit, expected] of [
    [5.9, 0],
    [6, 1380],
    [0, 0],
    [6.1, 1403],
  ] as const) {
    stack.install(profile({ limit }))
    expect(stack.limitW(NOW, SESSION)).toBeCloseTo(expected, 6)
  }
})

test('a W limit without numberPhases is spread over three phases: one phase gets a third', () => {
  const stack = single()
  stack.install(profile({ unit: 'W', limit: 6000 }))
  expect(stack.limitW(NOW, SESSION)).toBeCloseTo(2000, 6)
  stack.install(profile({ unit: 'W', limit: 6000, phases: 1 }))
  expect(stack.limitW(NOW, SESSION)).toBeCloseTo(6000, 6)
})

test('the highest stack level that is valid wins, whatever the order of installation', () => {
  const stack = single()
  stack.install(profile({ id: 2, stackLevel: 2, limit: 8 }))
  stack.install(profile({ id: 1, stackLevel: 1, limit: 20 }))
  expect(stack.limitW(NOW, SESSION)).toBe(8 * 230)
})

test('after its duration a profile no longer counts and the next lower one applies', () => {
  const stack = single()
  stack.install(profile({ id: 1, purpose: 'tx-default', stackLevel: 0, limit: 16 }))
  stack.install(profile({ id: 2, durationSeconds: 960, limit: 6 }))
  expect(stack.limitW(NOW + 899_999, SESSION)).toBe(6 * 230)
  expect(stack.limitW(NOW + 900_000, SESSION)).toBe(16 * 230)
  expect(stack.transactionProfile(NOW + 900_000, SESSION)).toBeNull()
})

test('the maximum of the station cuts what the transaction may have', () => {
  const stack = single()
  stack.install(profile({ id: 1, purpose: 'station-max', limit: 10 }))
  stack.install(profile({ id: 2, limit: 20 }))
  expect(stack.limitW(NOW, SESSION)).toBe(2300)
})

test('the same id, or the same purpose and level, is replaced', () => {
  const stack = single()
  stack.install(profile({ id: 1, limit: 20 }))
  stack.install(profile({ id: 2, limit: 8 }))
  expect(stack.installed.map(({ id }) => id)).toEqual([2])
  stack.install(profile({ id: 2, stackLevel: 3, limit: 9 }))
  expect(stack.installed).toHaveLength(1)
})

test('relative profiles count from the start of the transaction, recurring ones come again', () => {
  const stack = single()
  stack.install(
    profile({
      kind: 'Relative',
      start: null,
      periods: [
        { startSeconds: 0, limit: 20, phases: null },
        { startSeconds: 3600, limit: 8, phases: null },
      ],
    }),
  )
  expect(stack.limitW(NOW - 1000, SESSION)).toBe(20 * 230)
  expect(stack.limitW(NOW, SESSION)).toBe(8 * 230)
  stack.install(
    profile({
      kind: 'Recurring',
      everySeconds: 86_400,
      durationSeconds: 3600,
      start: NOW - 7 * 86_400_000,
    }),
  )
  expect(stack.limitW(NOW + 3_599_000, SESSION)).toBe(2300)
  expect(stack.limitW(NOW + 3_600_000, SESSION)).toBe(7360)
})

test('the schedule ahead has one entry per change', () => {
  const stack = single()
  stack.install(profile({ id: 1, purpose: 'tx-default', stackLevel: 0, limit: 32 }))
  stack.install(profile({ id: 2, durationSeconds: 360, limit: 6 }))
  expect(stack.schedule(NOW, 900, SESSION)).toEqual([
    { startSeconds: 0, limitW: 1380 },
    { startSeconds: 300, limitW: 7360 },
  ])
})
