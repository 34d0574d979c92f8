import { expect, test } from 'vitest'
import { FeederMeter } from '#simulations/feeder-meter.ts'
import { feederLoad } from '#simulations/models/feeder.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'

const SPEC = {
  congestionPoint: 'cp-north',
  firmLimitW: 1000,
  baseLoad: [
    { at: 0, powerW: 600 },
    { at: 900, powerW: 800 },
  ],
}

test('the load is what our devices draw on top of the rest; the excess is never negative', () => {
  expect(feederLoad(SPEC, 899, 300)).toEqual({ loadW: 900, firmLimitW: 1000, excessW: 0 })
  expect(feederLoad(SPEC, 900, 300)).toEqual({ loadW: 1100, firmLimitW: 1000, excessW: 100 })
  expect(feederLoad(SPEC, 900, -50).loadW).toBe(750)
})

test('a meter tells the mean of each settlement period, of the devices behind its point', () => {
  const scenario = bundledScenario(7)
  const [north] = scenario.feeders
  if (north === undefined) throw new Error('no feeder')
  const meter = new FeederMeter(scenario, {
    ...north,
    baseLoad: [{ at: scenario.start, powerW: 0 }],
  })
  const start = Date.parse(scenario.calls.main.windowStart)
  const behind = (point: string) => {
    const sites = scenario.sites.filter((one) => one.congestionPoint === point)
    const found = scenario.devices.find(({ site }) => sites.some(({ ref }) => ref === site))
    return found?.ref ?? ''
  }
  const power = (powerW: number) =>
    new Map([
      [behind('cp-north'), powerW],
      [behind('cp-south'), 9e6],
    ])
  expect(meter.advance(start, power(0))).toEqual([])
  expect(meter.advance(start + 300_000, power(3000))).toEqual([])
  const [line, ...more] = meter.advance(start + 900_000, power(6000))
  expect(more).toEqual([])
  expect(line).toMatchObject({ kind: 'feeder', ref: 'cp-north', meanW: 5000 })
  expect(meter.report().periods).toEqual([{ start: scenario.calls.main.windowStart, meanW: 5000 }])
})
