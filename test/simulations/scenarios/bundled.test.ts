import { expect, test } from 'vitest'
import { parseIban } from '#domain/iban.ts'
import {
  addSeconds,
  localDayOfWeek,
  localMinuteOfDay,
  parseInstant,
  sameLocalTime,
} from '#domain/time.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import type { Scenario, ScenarioBattery, ScenarioCharger } from '#simulations/scenarios/scenario.ts'

const SEEDS = [1, 2, 3, 7, 11, 42, 99, 2027]
const scenarios = SEEDS.map((seed) => bundledScenario(seed))

const chargers = ({ devices }: Scenario) =>
  devices.filter((device): device is ScenarioCharger => device.kind === 'charger')
const batteries = ({ devices }: Scenario) =>
  devices.filter((device): device is ScenarioBattery => device.kind === 'battery')
const pointOf = ({ sites }: Scenario, site: string) =>
  sites.find(({ ref }) => ref === site)?.congestionPoint
const at = (scenario: Scenario, point: string) =>
  scenario.devices.filter(({ site }) => pointOf(scenario, site) === point)

test('the same seed makes the same world, byte for byte; another seed another one', () => {
  expect(JSON.stringify(bundledScenario(7))).toBe(JSON.stringify(bundledScenario(7)))
  const prices = (scenario: Scenario) => scenario.devices.map(({ offer }) => offer.price).join()
  expect(new Set(scenarios.map(prices)).size).toBe(SEEDS.length)
})

test('the world survives being written as JSON', () => {
  for (const scenario of scenarios) expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario)
})

test('chargers of both versions and units and batteries stand at both congestion points', () => {
  for (const scenario of scenarios) {
    const of = (version: string) => chargers(scenario).filter((one) => one.version === version)
    expect([of('1.6').length, of('2.0.1').length]).toEqual([12, 12])
    for (const version of ['1.6', '2.0.1']) {
      expect(new Set(of(version).map(({ rateUnit }) => rateUnit))).toEqual(new Set(['A', 'W']))
    }
    expect(batteries(scenario)).toHaveLength(6)
    expect(at(scenario, 'cp-north')).toHaveLength(20)
    expect(at(scenario, 'cp-south')).toHaveLength(10)
  }
})

test('every device has an owner with a valid account or a wallet at its aggregator', () => {
  for (const scenario of scenarios) {
    expect(scenario.owners.length).toBeGreaterThanOrEqual(8)
    const wallets = scenario.owners.filter(({ payout }) => payout.kind === 'wallet')
    expect(wallets).toHaveLength(1)
    for (const { payout } of scenario.owners) {
      if (payout.kind === 'agent') expect(() => parseIban(payout.iban, 'iban')).not.toThrow()
    }
    expect(new Set(scenario.owners.map(({ aggregator }) => aggregator)).size).toBe(2)
    for (const { site } of scenario.devices) {
      const found = scenario.sites.find(({ ref }) => ref === site)
      const owner = scenario.owners.find(({ ref }) => ref === found?.owner)
      expect(owner?.aggregator).toBe(found?.aggregator)
    }
    const counts = scenario.owners.map(({ ref }) => {
      const sites = scenario.sites.filter(({ owner }) => owner === ref).map((one) => one.ref)
      return scenario.devices.filter(({ site }) => sites.includes(site)).length
    })
    expect(counts.filter((count) => count === 2).length).toBeGreaterThanOrEqual(1)
  }
})

test('prices are distinct, below the cap, and the cheapest fifth mixes all kinds', () => {
  for (const scenario of scenarios) {
    const prices = scenario.devices.map(({ offer }) => Number(offer.price))
    expect(new Set(prices).size).toBe(prices.length)
    expect(Math.max(...prices)).toBeLessThan(Number(scenario.calls.main.priceCap))
    expect(Math.max(...prices)).toBeGreaterThan(2 * Math.min(...prices))
    const cheapest = at(scenario, 'cp-north')
      .sort((a, b) => Number(a.offer.price) - Number(b.offer.price))
      .slice(0, 5)
    const kinds = cheapest.map((one) => (one.kind === 'charger' ? one.version : one.kind)).sort()
    expect(kinds).toEqual(['1.6', '1.6', '2.0.1', '2.0.1', 'battery'])
  }
})

test('cars draw steadily through the window; two at the north are in a hurry', () => {
  for (const scenario of scenarios) {
    const windowEnd = Date.parse(scenario.calls.main.windowEnd)
    for (const { visits, rating } of chargers(scenario)) {
      const [visit] = visits
      if (visit === undefined) throw new Error('no visit')
      expect(visit.car.maxW).toBeLessThanOrEqual(rating.importMaxW)
      expect(visit.car.maxW).toBeGreaterThanOrEqual(rating.importMinW)
      const hours = (windowEnd - Date.parse(visit.chargingFrom)) / 3_600_000
      const soc = visit.car.socAtPlugIn + (visit.car.maxW * hours * 0.92) / visit.car.capacityWh
      expect(soc).toBeLessThan(0.79)
      expect(Date.parse(visit.departureAt)).toBeGreaterThan(windowEnd)
    }
    const slack = ({ visits }: ScenarioCharger) => {
      const [visit] = visits
      if (visit === undefined) throw new Error('no visit')
      const hours = (Date.parse(visit.departureAt) - Date.parse(visit.chargingFrom)) / 3_600_000
      return hours - visit.energyNeededWh / visit.car.maxW
    }
    const hurried = chargers(scenario).filter((one) => slack(one) < 0.25)
    expect(hurried).toHaveLength(2)
    expect(hurried.every(({ site }) => pointOf(scenario, site) === 'cp-north')).toBe(true)
    for (const one of chargers(scenario))
      if (!hurried.includes(one)) expect(slack(one)).toBeGreaterThan(1)
  }
})

test('ten working days of history never fall and resemble the habit within a few per cent', () => {
  for (const scenario of scenarios) {
    const windowStart = parseInstant(scenario.calls.main.windowStart)
    const windowEnd = parseInstant(scenario.calls.main.windowEnd)
    const days: number[] = []
    for (let back = 1; days.length < 10; back += 1) {
      const start = sameLocalTime(windowStart, back, scenario.timeZone)
      if (localDayOfWeek(start, scenario.timeZone) <= 5) days.push(back)
    }
    for (const { history, registerWh, visits } of chargers(scenario)) {
      const registers = new Map(history.map((one) => [Date.parse(one.at), one.registerWh]))
      const values = history.map((one) => one.registerWh)
      expect([...values].sort((a, b) => a - b)).toEqual(values)
      expect(values.at(-1)).toBeLessThanOrEqual(registerWh)
      const powers = days.map((back) => {
        const from = registers.get(sameLocalTime(windowStart, back, scenario.timeZone))
        const until = registers.get(sameLocalTime(windowEnd, back, scenario.timeZone))
        if (from === undefined || until === undefined)
          throw new Error(`no history ${back} days back`)
        return (until - from) * 2
      })
      const mean = powers.reduce((sum, power) => sum + power, 0) / powers.length
      const habit = visits[0]?.car.maxW ?? 0
      expect(Math.abs(mean / habit - 1)).toBeLessThan(0.02)
      expect(new Set(powers).size).toBeGreaterThan(5)
    }
  }
})

test('the calls lie on whole periods of a winter weekday evening and overlap in the second', () => {
  for (const { calls, settlementPeriodSeconds, timeZone, start } of scenarios) {
    const { main, overlapping } = calls
    expect(main.periods).toHaveLength(2)
    expect(overlapping?.periods.map((one) => one.start)).toEqual([main.periods[1]?.start])
    expect(Date.parse(main.windowStart) % (settlementPeriodSeconds * 1000)).toBe(0)
    expect(localMinuteOfDay(parseInstant(main.windowStart), timeZone)).toBe(17 * 60)
    expect(localDayOfWeek(parseInstant(main.windowStart), timeZone)).toBeLessThanOrEqual(5)
    expect(addSeconds(parseInstant(start), 300)).toBeLessThan(parseInstant(main.windowStart))
  }
})

test('without the calls the north feeder is too full by exactly what they ask for', () => {
  for (const scenario of scenarios) {
    const feeder = scenario.feeders.find(({ congestionPoint }) => congestionPoint === 'cp-north')
    const fleetW = at(scenario, 'cp-north').reduce((sum, device) => {
      return sum + (device.kind === 'charger' ? (device.visits[0]?.car.maxW ?? 0) : 0)
    }, 0)
    const excess = scenario.calls.main.periods.map(({ start }) => {
      const base = feeder?.baseLoad.findLast((one) => one.at <= start)?.powerW ?? Number.NaN
      return base + fleetW - (feeder?.firmLimitW ?? Number.NaN)
    })
    const [first, second] = scenario.calls.main.periods.map(({ powerW }) => powerW)
    const extra = scenario.calls.overlapping?.periods[0]?.powerW ?? 0
    expect(excess).toEqual([first, (second ?? 0) + extra])
  }
})

test('batteries can hold their full power over the window and stay above their reserve', () => {
  for (const scenario of scenarios) {
    for (const { rating, battery } of batteries(scenario)) {
      const leftWh = battery.soc * rating.energyWh - (rating.exportMaxW * 0.5) / 0.95
      expect(leftWh).toBeGreaterThan(rating.reserveWh)
      expect(leftWh / rating.energyWh).toBeGreaterThan(battery.socMin + 0.1)
      expect(battery.revertW).toBe(0)
    }
  }
})
