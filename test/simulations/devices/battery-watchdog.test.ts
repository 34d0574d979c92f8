import { expect, test } from 'vitest'
import { ACCEPTED, BatteryUnit } from '#simulations/devices/battery-unit.ts'
import type { ScenarioBattery } from '#simulations/scenarios/scenario.ts'
import { at, START } from './charger.ts'

const BATTERY: ScenarioBattery = {
  kind: 'battery',
  ref: 'res-bat-01',
  site: '',
  rating: {
    importMaxW: 5000,
    exportMaxW: 5000,
    importMinW: 0,
    phases: 3,
    energyWh: 10_000,
    reserveWh: 0,
    pausable: true,
  },
  offer: { price: '0', directions: [], fromMinute: 0, untilMinute: 1440 },
  battery: {
    soc: 0.5,
    socMin: 0.05,
    socMax: 0.95,
    rampPerSecond: 0.2,
    revertW: 0,
    importedWh: 0,
    exportedWh: 0,
    watchdogSeconds: 10,
  },
}

function discharging(watchdogSeconds: number | undefined) {
  const { watchdogSeconds: _, ...rest } = BATTERY.battery
  const battery = watchdogSeconds === undefined ? rest : { ...rest, watchdogSeconds }
  const defaults: number[] = []
  const unit = new BatteryUnit({ ...BATTERY, battery }, START, {
    metered: () => undefined,
    backAtDefault: (when) => defaults.push(when),
    reacted: () => undefined,
  })
  expect(unit.setActivePower(-5000, at(3600), 1, START)).toBe(ACCEPTED)
  unit.advance(at(10))
  expect(unit.state.powerW).toBe(-5000)
  /** The counter as it is seen at so many seconds in a row; at which of them the unit let go. */
  const watch = (...counters: number[]) => counters.map((one) => unit.watchController(one))
  return { unit, defaults, watch }
}

const still = (counter: number, seconds: number) => Array.from({ length: seconds }, () => counter)

test('without a controller that ever beat it keeps its setpoint', () => {
  const { unit, watch } = discharging(10)
  expect(watch(...still(0, 60))).not.toContain(true)
  expect(unit.setpoint).not.toBeNull()
})

test('a counter that moves, also back to 0, is a controller that lives', () => {
  const { watch } = discharging(10)
  expect(watch(1, 2, ...still(2, 9), 0, ...still(0, 9), 1)).not.toContain(true)
})

test('ten seconds without a beat: it lets go once, and not faster than its ramp', () => {
  const { unit, defaults, watch } = discharging(10)
  const seen = watch(1, 2, ...still(2, 12))
  expect(seen.indexOf(true)).toBe(11)
  expect(seen.filter((one) => one)).toHaveLength(1)
  expect(defaults).toEqual([at(10)])
  unit.advance(at(12))
  expect(unit.state.powerW).toBe(-3000)
  unit.advance(at(16))
  expect(unit.state.powerW).toBe(0)
})

test('one without a watchdog holds until the setpoint ends', () => {
  const { unit, watch } = discharging(undefined)
  expect(watch(1, 2, ...still(2, 60))).not.toContain(true)
  unit.advance(at(3590))
  expect(unit.setpoint).not.toBeNull()
})
