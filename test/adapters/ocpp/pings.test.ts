import { expect, test } from 'vitest'
import { pingAll } from '#adapters/ocpp/pings.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

/** Links that note the order of what happens to them; every seventh is dead. */
function links(count: number) {
  const pinged: number[] = []
  const cutOff: number[] = []
  const all = Array.from({ length: count }, (_, index) => ({
    ping: async () => {
      pinged.push(index)
      await wallTimer.sleep(5)
      return index % 7 !== 0
    },
    terminate: () => void cutOff.push(index),
  }))
  return { all, pinged, cutOff }
}

test('of many stations each is asked once, and whoever is dead is cut off, and nobody else', async () => {
  const { all, pinged, cutOff } = links(501)
  await pingAll(all, { timer: wallTimer, pingTimeoutMs: 1_000 })
  expect(pinged.toSorted((a, b) => a - b)).toEqual(all.map((_, index) => index))
  expect(cutOff.toSorted((a, b) => a - b)).toEqual(pinged.filter((index) => index % 7 === 0))
})

test('between the pings of many stations there is room for other work', async () => {
  const { all, pinged } = links(501)
  const seen: number[] = []
  const done = pingAll(all, { timer: wallTimer, pingTimeoutMs: 1_000 })
  seen.push(pinged.length)
  await wallTimer.sleep(1)
  seen.push(pinged.length)
  await done
  expect(seen.every((count) => count > 0 && count < 501)).toBe(true)
})

test('nobody is waited for where there is nobody', async () => {
  await pingAll([], { timer: wallTimer, pingTimeoutMs: 1_000 })
})
