import { describe, expect, test } from 'vitest'
import { roomBetween } from '#domain/rebound/room.ts'
import { parseInstant } from '#domain/time.ts'

describe('the room of a congestion point', () => {
  const room = { limitW: 100_000, baseLoadW: [30_000, 90_000] }
  // Half of the local day: until and from noon, which is 11:00 UTC in winter.
  const between = (from: string, until: string, taken: Parameters<typeof roomBetween>[2] = []) => {
    const [start, end] = [from, until].map((clock) => parseInstant(`2026-01-14T${clock}Z`))
    if (start === undefined || end === undefined) throw new Error('two instants are given')
    return roomBetween(room, 'Europe/Amsterdam', taken, { start, end })
  }

  test('is what the load of the local hour leaves, at its highest', () => {
    expect(between('10:00:00', '11:00:00')).toBe(70_000)
    expect(between('11:00:00', '12:00:00')).toBe(10_000)
    expect(between('10:50:00', '11:01:00')).toBe(10_000)
  })

  test('is less by what other plans take at once in it', () => {
    const plan = (from: string, until: string, powerW: number) => ({
      start: parseInstant(`2026-01-14T${from}Z`),
      end: parseInstant(`2026-01-14T${until}Z`),
      powerW,
    })
    const taken = [plan('09:00:00', '10:10:00', 8000), plan('10:10:00', '10:30:00', 5000)]
    expect(between('10:00:00', '10:20:00', taken)).toBe(62_000)
    expect(between('10:30:00', '10:45:00', taken)).toBe(70_000)
    expect(between('10:05:00', '10:30:00', [...taken, plan('10:00:00', '10:06:00', 1000)])).toBe(
      61_000,
    )
  })
})
