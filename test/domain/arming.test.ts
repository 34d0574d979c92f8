import { describe, expect, it } from 'vitest'
import type { Allocation } from '#domain/allocation.ts'
import { frequencyStandby } from '#domain/armed-standby.ts'
import { type DroopArming, type FrequencyRecording, oneSided, packSamples } from '#domain/arming.ts'
import { droopW, type FrequencyTerms } from '#domain/frequency-response.ts'
import { callId, resourceId } from '#domain/ids.ts'
import type { Direction } from '#domain/resource.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'

const terms: FrequencyTerms = {
  droop: {
    nominalMilliHz: 50_000,
    deadBandOverMilliHz: 20,
    deadBandUnderMilliHz: 20,
    droopOverBp: 40,
    droopUnderBp: 40,
    responseMs: 2_000,
  },
  toleranceBp: 500,
  longestGapMs: 5_000,
}
const SECONDS = 900
const RESERVED_W = 3_000
const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const window = { start: at(0), end: at(SECONDS) }

/** For five minutes of fifteen there is too much power in the grid. */
const grid = (second: number) => (second >= 300 && second < 600 ? 50_220 : 50_000)
/** Who writes down that there never was anything to answer, and truly does nothing. */
const idle = () => 50_000

type Service = {
  readonly direction: Direction
  readonly restW: number
  /** It says what it is to answer, and does not. */
  readonly sleeps?: true
}

/** Wh that count of each of some devices, by the frequency that each saw. */
function counted(...seen: ((second: number) => number)[]): number[] {
  return countedOf({ direction: 'increase-import', restW: 0 }, seen)
}

/** The same of devices that answer one side of the droop, about the power that they rest at. */
function countedOf(
  { direction, restW, sleeps }: Service,
  seen: readonly ((second: number) => number)[],
): number[] {
  const droop = oneSided(terms.droop, direction)
  const periods = [{ ...window, powerW: RESERVED_W, setpointW: RESERVED_W }]
  const devices = seen.map((frequencyAt, i) => {
    const id = resourceId(`battery-${i}`)
    const samples = Array.from({ length: SECONDS }, (_, second) => {
      const frequencyMilliHz = frequencyAt(second)
      const powerW = restW + (sleeps ? 0 : droopW(droop, RESERVED_W, frequencyMilliHz))
      return { at: at(second), frequencyMilliHz, powerW }
    })
    const drawnWh = samples.reduce((sum, { powerW }) => sum + powerW / 3600, 0)
    const allocation: Allocation = { resourceId: id, role: 'order', periods, releasedAt: null }
    const arming: DroopArming = {
      callId: callId('call-1'),
      resourceId: id,
      droop,
      reservedW: RESERVED_W,
      validFrom: window.start,
      validUntil: window.end,
      armedAt: window.start,
      refusal: null,
      recording: packSamples({ answers: 'frequency', samples }) as FrequencyRecording,
    }
    const readings = [0, Math.round(drawnWh)].map((wh, end) => {
      const reading = { at: at(end * SECONDS), powerW: 0, registerWh: 100_000 + wh, socBp: 5_000 }
      return { resourceId: id, ...reading }
    })
    return { allocation, arming, readings }
  })
  const found = frequencyStandby({
    allocations: devices.map(({ allocation }) => allocation),
    armings: devices.map(({ arming }) => arming),
    readings: devices.flatMap(({ readings }) => readings),
    terms,
    direction,
    longestGapSeconds: SECONDS,
  })
  return found.map(({ isReady, reservedWh }) => (isReady ? reservedWh : 0))
}

describe('what a device recorded of the frequency', () => {
  it('counts for nothing where the other devices of the call recorded another one', () => {
    const [first, second, third, liar] = counted(grid, grid, grid, idle)
    expect([first, second, third]).toEqual([750, 750, 750])
    // Ten minutes of fifteen, but for the second that its silence begins in.
    expect(liar).toBeGreaterThan(495)
    expect(liar).toBeLessThanOrEqual(500)
  })

  it('counts where it is as far off as meters of one grid are apart', () => {
    expect(counted(grid, grid, (second) => grid(second) + 10)).toEqual([750, 750, 750])
  })

  it('is all that is known where there are fewer than three', () => {
    expect(counted(grid, idle)).toEqual([750, 750])
  })

  it('shows what it rests at also where all of the time is on the side that it does not answer', () => {
    const reduces = { direction: 'reduce-import', restW: 2_000 } as const
    expect(countedOf(reduces, [() => 50_100])).toEqual([750])
    const increases = { direction: 'increase-import', restW: -2_000 } as const
    expect(countedOf(increases, [() => 49_900])).toEqual([750])
  })

  it('counts for nothing where it sits still on the side that it is to answer', () => {
    const asleep = { direction: 'reduce-import', restW: 2_000, sleeps: true } as const
    // Five minutes of fifteen, and the two seconds that it may take.
    expect(countedOf(asleep, [(second) => (second < 300 ? 50_100 : 49_800)])).toEqual([251])
  })
})
