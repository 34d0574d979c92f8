import { expect, test } from 'vitest'
import { instant } from '#domain/time.ts'
import { AnchorClock } from '#simulations/clock.ts'

test('a speed that is not above 0 is refused', () => {
  const clock = new AnchorClock(instant(0))
  expect(() => clock.anchor({ wallMs: 0, businessMs: 0, speed: 0 })).toThrow('above 0')
})

test('business time stands still before the anchor and runs at its speed after it', () => {
  let wallMs = 1_000_000
  const clock = new AnchorClock(instant(5_000), () => wallMs)
  wallMs += 10_000
  expect(clock.now()).toBe(5_000)
  clock.anchor({ wallMs, businessMs: 5_000, speed: 60 })
  expect(clock.now()).toBe(5_000)
  wallMs += 500
  expect(clock.now()).toBe(35_000)
  expect(clock.speed).toBe(60)
})

test('an anchor that lies ahead does not turn time back', () => {
  const clock = new AnchorClock(instant(0), () => 100)
  clock.anchor({ wallMs: 200, businessMs: 7_000, speed: 60 })
  expect(clock.now()).toBe(7_000)
})
