import { describe, expect, test } from 'vitest'
import type { Rebound } from '#domain/flexibility-call.ts'
import { resourceId } from '#domain/ids.ts'
import type { MeasuredRebound } from '#domain/rebound/measured.ts'
import { planRebound } from '#domain/rebound.ts'
import { afterWindowSentence, reboundSentence } from '#domain/rebound/words.ts'
import { addSeconds } from '#domain/time.ts'
import { aRecovery, periodsWith, WINDOW_END } from '../support/rebound.ts'

const b = resourceId('b')
const devices = [aRecovery('a'), aRecovery('b', { heldW: 2000 })]
const planned: Rebound = {
  ...planRebound(devices, periodsWith([3000, 9000, 9000])),
  doneAt: null,
}
const measured: MeasuredRebound = {
  from: WINDOW_END,
  until: addSeconds(WINDOW_END, 7200),
  peakW: 8600,
  overshootW: 0,
  drawnWh: 9100,
  baselineWh: null,
  unheard: 1,
  periodsW: [2900, 8600, null],
  devices: [
    { resourceId: b, drawnWh: 9100, baselineWh: 14_000, backAt: addSeconds(WINDOW_END, 4500) },
  ],
}
const done: Rebound = { ...planned, doneAt: addSeconds(WINDOW_END, 7000) }

describe('what an owner is told of it', () => {
  test('is nothing where the device was not in the plan', () => {
    expect(afterWindowSentence(undefined, b)).toBeNull()
    expect(afterWindowSentence(planned, resourceId('c'))).toBeNull()
  })

  test('while devices come back it is a plan, and says so', () => {
    const told = afterWindowSentence(planned, b)
    expect(told).toMatch(/^It is planned to be held at 2000 W.* to come back at 2026-01-14T1\d:30/)
    expect(told).not.toContain('meter')
  })

  test('once all are back it is how high it was held, and when it came back', () => {
    const told = afterWindowSentence(done, b)
    expect(told).toMatch(/^It was held at 2000 W.* and came back at 2026-01-14T1\d:30:00Z/)
    expect(told).not.toContain('meter')
  })

  test('and once it is measured when it really was back, and what it took beside its baseline', () => {
    const told = afterWindowSentence({ ...done, measured }, b)
    expect(told).toContain('came back at 2026-01-14T17:45:00Z')
    expect(told).toContain('took 9100 Wh')
    expect(told).toContain('at its baseline it would have been 14000 Wh')
    const other = afterWindowSentence({ ...done, measured }, resourceId('a'))
    expect(other).toContain('is not known: readings are missing')
    expect(other).not.toContain('baseline')
  })
})

describe('what the DSO reads of it in its statement', () => {
  test('is nothing where all came back at once, and a plan until it is measured', () => {
    expect(reboundSentence(undefined)).toBeNull()
    expect(reboundSentence(planned)).toBe(
      '2 devices, planned: at most 9000 W at once; least room 3000 W. Not measured yet.',
    )
  })

  test('is the measured peak beside the planned one, and who was not heard', () => {
    const told = reboundSentence({ ...done, measured: { ...measured, overshootW: 40 } })
    expect(told).toContain('planned: at most 9000 W at once; least room 3000 W.')
    expect(told).toContain('Measured: at most 8600 W at once, 40 W above the room; 9100 Wh taken')
    expect(told).toContain('Without 1 whose readings are missing.')
  })
})
