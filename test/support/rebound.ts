import fc from 'fast-check'
import { resourceId } from '#domain/ids.ts'
import type { ReboundCase } from '#commands/bench/rebound-optimum.ts'
import type { ReboundPeriod, Recovery } from '#domain/rebound.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { WINDOW_START } from './builders.ts'

/** Of the builders' half-hour window. */
export const WINDOW_END: Instant = addSeconds(WINDOW_START, 1800)

/** A charger that was stopped in the window and can be held at any power. */
export function aRecovery(id: string, changes: Partial<Recovery> = {}): Recovery {
  return {
    resourceId: resourceId(id),
    powerMaxW: 7000,
    floorW: 0,
    minimumW: 0,
    heldW: 0,
    energyWh: 7000,
    neededWh: 0,
    readyBy: null,
    restartFrom: WINDOW_END,
    freeBy: null,
    ...changes,
  }
}

/** Periods from the window's end on, an hour each unless their lengths are given. */
export function periodsWith(
  roomsW: readonly (number | null)[],
  hours: readonly number[] = roomsW.map(() => 1),
): ReboundPeriod[] {
  let start = WINDOW_END
  return roomsW.map((roomW, t) => {
    const end = addSeconds(start, (hours[t] ?? 1) * 3600)
    const period = { start, end, roomW }
    start = end
    return period
  })
}

/**
 * Devices that can be held at any power, some of which have to be ready, and rooms for a part of
 * them.
 */
export const aCase: fc.Arbitrary<ReboundCase> = fc
  .record({
    lengths: fc.array(fc.constantFrom(0.25, 0.5, 1), { minLength: 1, maxLength: 8 }),
    shares: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 0.9, noNaN: true })), {
      minLength: 8,
      maxLength: 8,
    }),
    tightness: fc.constantFrom(0.4, 0.7, 0.9, 1),
    devices: fc.array(
      fc.record({
        powerMaxW: fc.integer({ min: 2000, max: 11_000 }),
        heldShare: fc.constantFrom(0, 0, 0.5),
        /** Of what it could take before it leaves. */
        need: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0.6, 0.8, 1)),
        more: fc.double({ min: 0, max: 1, noNaN: true }),
        leavesIn: fc.integer({ min: 1, max: 8 }),
        hasDeparture: fc.constantFrom(true, true, true, false),
        waits: fc.constantFrom(0, 0, 300, 900),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ lengths, shares, tightness, devices }) => {
    const allW = devices.reduce((sum, { powerMaxW }) => sum + powerMaxW, 0)
    const rooms = lengths.map((_, t) => Math.floor((shares[t] ?? 0) * allW))
    const periods = periodsWith(rooms, lengths)
    const recoveries = devices.map((device, i) => {
      const { powerMaxW, need, more, waits } = device
      const there = Math.min(device.leavesIn, lengths.length)
      const hours = lengths.slice(0, there).reduce((sum, length) => sum + length, 0)
      const neededWh = device.hasDeparture ? powerMaxW * hours * need * tightness : 0
      return aRecovery(`r${i}`, {
        powerMaxW,
        heldW: Math.floor(powerMaxW * device.heldShare),
        neededWh,
        energyWh: neededWh + powerMaxW * more + 1,
        readyBy: device.hasDeparture ? (periods[there - 1] as ReboundPeriod).end : null,
        restartFrom: addSeconds(WINDOW_END, waits),
      })
    })
    return { recoveries, periods }
  })
