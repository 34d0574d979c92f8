import { describe, expect, test } from 'vitest'
import { startOf } from '#simulations/scenarios/year/availability.ts'
import { yearFleet } from '#simulations/scenarios/year/fleet.ts'
import type { Truth } from '#simulations/scenarios/year/law.ts'
import { machineOn, ratingOf } from '#simulations/scenarios/year/machines.ts'

const fleet = yearFleet(7, 200)
const chargers = fleet.filter(({ kind }) => kind === 'charger')
const batteries = fleet.filter(({ kind }) => kind === 'battery')
const well: Truth = { isOffered: true, isReached: true, share: 1 }
const on = (devices: typeof fleet, truth: Truth, day = 3) =>
  devices.map((device) => machineOn(7, day, startOf(day), device, truth))

describe('the machines of an evening', () => {
  test('refuse, say nothing or lose their line where the law lets none be reached', () => {
    const machines = on(fleet, { ...well, isReached: false })
    const ways = machines.map(({ fate, options: { refuses } }) => refuses ?? fate)
    expect(new Set(ways)).toEqual(new Set(['silent', 'line-lost', 'out of order']))
    expect(on(fleet, { ...well, isReached: false })).toEqual(machines)
  })

  test('are not heard where a battery is away, and idle where a car is', () => {
    const away = { ...well, isOffered: false }
    expect(on(batteries, away).every(({ isHeard }) => !isHeard)).toBe(true)
    for (const { isHeard, options } of on(chargers, away)) {
      expect(isHeard).toBe(true)
      expect(options).toMatchObject({ naturalW: 0 })
      expect(options.session).toBeUndefined()
    }
  })

  test('draw and give what they are rated for, and do the share that the law says', () => {
    for (const [i, { isHeard, fate, options }] of on(fleet, { ...well, share: 0.6 }).entries()) {
      const device = fleet[i]
      if (device === undefined) throw new Error('a machine without a device')
      expect(isHeard && fate === 'as-it-does' && options.refuses === undefined).toBe(true)
      expect(options).toMatchObject({ kind: device.kind, make: device.make, share: 0.6 })
      const { importMaxW, exportMaxW, importMinW } = ratingOf(device)
      expect(importMaxW).toBe(device.powerW)
      expect(options.naturalW).toBe(device.kind === 'charger' ? importMaxW : 0)
      expect(device.kind === 'charger' ? importMinW : exportMaxW).toBeGreaterThan(0)
    }
  })
})
