import { describe, expect, it } from 'vitest'
import {
  baselineInflation,
  habitualExport,
  preWindowInflation,
} from '#domain/fair-play/against-habit.ts'
import { loadMoved, noConsent } from '#domain/fair-play/behind-the-meter.ts'
import { type Finding, holdsOf } from '#domain/fair-play/finding.ts'
import {
  registerFalls,
  repeatedReadings,
  sameMeters,
  sharedKeys,
} from '#domain/fair-play/meter-traces.ts'
import { beyondRating, physicalMostWh, socMismatch } from '#domain/fair-play/physical-cap.ts'
import { staleBaseline } from '#domain/fair-play/stale-baseline.ts'
import { resourceId } from '#domain/ids.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { aResource, WINDOW_START } from '../../support/builders.ts'
import {
  before,
  type HonestDevice,
  honestFleet,
  inside,
  QUARTERS_BEFORE,
  QUARTERS_IN,
  seeded,
} from '../../support/honest-fleets.ts'

const DAY = 86_400
const HOUR = 3600
const SEED = 20_260_114
const [charger, battery] = [aResource('c', 'charger', 0n), aResource('b', 'battery', 0n)]
const isCharger = ({ rating }: HonestDevice) => rating.exportMaxW === 0
const asDevice = ({ resourceId: id, rating }: HonestDevice) => ({
  resourceId: id,
  rating,
  direction: 'reduce-import' as const,
})
const fleet = honestFleet(SEED, 600)
const withoutToday = (device: HonestDevice) => device.days.slice(1, 11)
/** A habit is known from all the days that there are. */
const habitBefore = ({ days }: HonestDevice) => ({
  seconds: QUARTERS_BEFORE * 900,
  historyWh: days.slice(1).map(before),
})
const preWindow = (device: HonestDevice, todayWh: number) =>
  preWindowInflation(asDevice(device), habitBefore(device), todayWh, true)
const traceOf = ({ resourceId: id, days }: HonestDevice) => ({
  resourceId: id,
  days: days.slice(1),
})

describe('load burnt before the window', () => {
  it('is found at three deviations, with the figures', () => {
    const frauds = fleet.filter(isCharger).map((device) => {
      const today = Math.max(...device.days.slice(1).map(before))
      return preWindow(device, today + 9000) // 3 kW for three hours more than ever
    })
    const found = frauds.filter((finding) => finding !== null)
    // A car whose habit is wild can hide 9 kWh in it; most cannot.
    expect(found.length / frauds.length).toBeGreaterThan(0.75)
    expect(found[0]).toMatchObject({ code: 'pre-window-inflation', severity: 'hold' })
    expect(found[0]?.detail).toMatchObject({ days: 44 })
  })

  it('is a note where the baseline does not read that time, for nothing is gained', () => {
    const habit = { seconds: HOUR, historyWh: [100, 110, 90, 100, 105] }
    const device = { ...charger, resourceId: charger.id, direction: 'reduce-import' as const }
    expect(preWindowInflation(device, habit, 5000, false)?.severity).toBe('note')
    expect(preWindowInflation(device, habit, 5000, true)?.severity).toBe('hold')
  })

  it('is load left out where more load is asked for', () => {
    const historyWh = [4000, 4100, 3900, 4050, 4000]
    const device = { ...charger, resourceId: charger.id, direction: 'increase-import' as const }
    const habit = { seconds: HOUR, historyWh }
    expect(preWindowInflation(device, habit, 0, true)?.code).toBe('pre-window-inflation')
    expect(preWindowInflation(device, habit, 6000, true)).toBeNull()
  })

  it('cannot be told without five days', () => {
    const device = { ...charger, resourceId: charger.id, direction: 'reduce-import' as const }
    const habit = { seconds: HOUR, historyWh: [0, 0, 0, 0] }
    expect(preWindowInflation(device, habit, 9999, true)).toBeNull()
  })
})

describe('a baseline that was raised on its own days', () => {
  const check = (device: HonestDevice, raisedWh: number) =>
    baselineInflation(
      asDevice(device),
      {
        seconds: QUARTERS_IN * 900,
        historyWh: withoutToday(device).map((day) => inside(day) + raisedWh),
      },
      device.days.slice(11, 41).map(inside),
    )
  it('is found against the month before', () => {
    const found = fleet.filter(isCharger).map((device) => check(device, 4000))
    const share = found.filter((finding) => finding !== null).length / found.length
    expect(share).toBeGreaterThan(0.9)
    expect(found.find((finding) => finding !== null)?.detail).toMatchObject({
      baselineDays: 10,
      daysBefore: 30,
    })
  })
})

describe('a baseline that is kept old', () => {
  const today = '2026-01-14'
  const daysAgo = (...ages: number[]) =>
    ages.map((age) => formatInstant(addSeconds(WINDOW_START, -age * DAY)).slice(0, 10))
  it.each([
    ['because every newer day is a call day', [19, 20, 21, 22, 23], 19],
    ['by days of two months ago', [1, 2, 3, 4, 61], 1],
  ])('is found: %s', (_why, ages, newestDaysAgo) => {
    const finding = staleBaseline(charger.id, today, daysAgo(...ages))
    expect(finding).toMatchObject({ code: 'stale-baseline', detail: { newestDaysAgo } })
  })
  it('is not one over a fortnight of holidays', () => {
    expect(staleBaseline(charger.id, today, daysAgo(15, 16, 17, 18, 19, 22))).toBeNull()
    expect(staleBaseline(charger.id, today, [])).toBeNull()
  })
})

describe('readings that are copied', () => {
  const chargers = fleet.filter(isCharger)
  const busy = chargers.find(({ days }) => new Set(days[3]?.wh).size >= 8) as HonestDevice

  it('from another day of the same meter are found', () => {
    const source = busy.days[3]
    if (source === undefined) throw new Error('no day to copy')
    const replayed = busy.days.map((day, back) => (back === 7 ? { ...day, wh: source.wh } : day))
    expect(repeatedReadings(traceOf({ ...busy, days: replayed }))).toMatchObject({
      resourceId: busy.resourceId,
      code: 'repeated-readings',
      detail: { figures: 16 },
    })
    expect(repeatedReadings(traceOf(busy))).toBeNull()
  })

  it('from another meter, a little disturbed, are found, and both meters are held', () => {
    const random = seeded(SEED)
    const clone = {
      ...busy,
      resourceId: resourceId('zz-clone'),
      days: busy.days.map(({ start, wh }) => ({
        start,
        wh: wh.map((value) => Math.round(value * 1.1 + 4 * random())),
      })),
    }
    const found = sameMeters([clone, ...chargers.slice(0, 100)].map(traceOf))
    const both = found.filter(({ code }) => code === 'cloned-meter')
    expect(both.map(({ resourceId: id }) => id)).toEqual([busy.resourceId, clone.resourceId])
    expect(both[0]?.detail.as).toBe(clone.resourceId)
  })

  it('to the Wh are one meter under two names', () => {
    const twin = { ...busy, resourceId: resourceId('zz-twin') }
    const found = sameMeters([busy, twin].map(traceOf))
    expect(found.map(({ code }) => code)).toEqual(['shared-meter', 'shared-meter'])
  })

  it('are not found in two machines of one make on one tariff', () => {
    const random = seeded(SEED)
    const scheduled = (id: string) => ({
      resourceId: resourceId(id),
      days: busy.days.map(({ start, wh }) => ({
        start,
        wh: wh.map((_, i) => (i < 6 ? 1250 : 0) + Math.round(2 * random())),
      })),
    })
    expect(sameMeters([scheduled('a'), scheduled('b')])).toEqual([])
  })

  it('one meter key is one device', () => {
    const meter = { serial: 'M-1', publicKey: 'AB12' }
    const findings = sharedKeys([
      { resourceId: resourceId('a'), meter },
      { resourceId: resourceId('b'), meter: null },
      { resourceId: resourceId('c'), meter: { ...meter, publicKey: 'ab12' } },
      { resourceId: resourceId('d'), meter: { ...meter, serial: 'M-2' } },
    ])
    expect(findings.map(({ resourceId: id, detail }) => [id, detail.as])).toEqual([
      ['a', 'c'],
      ['c', 'a'],
    ])
  })

  it('a register that falls is found where nothing can be exported', () => {
    const at = (i: number, registerWh: number) => ({
      resourceId: charger.id,
      at: addSeconds(WINDOW_START, i * 30),
      powerW: 0,
      registerWh,
      socBp: null,
    })
    const readings = [at(0, 1000), at(1, 1010), at(2, 400)]
    expect(registerFalls(charger.id, charger.rating, readings)?.detail).toEqual({
      at: '2026-01-14T16:01:00Z',
      fallsWh: 610,
    })
    expect(registerFalls(charger.id, charger.rating, readings.slice(0, 2))).toBeNull()
    expect(registerFalls(battery.id, battery.rating, readings)).toBeNull()
  })
})

describe('export that would come anyway', () => {
  const device = { ...battery, resourceId: battery.id, direction: 'reduce-import' as const }
  const habit = (historyWh: number[]) => ({ seconds: HOUR, historyWh })
  it('is found where it is half of what was delivered', () => {
    const finding = habitualExport(device, habit([-2500, -2400, -2600, -2500, -2500]), 2500)
    expect(finding?.detail).toEqual({ habitualWh: 2500, deliveredWh: 2500, days: 5 })
  })
  it('is none where the battery does something else at these hours', () => {
    expect(habitualExport(device, habit([0, -50, 100, 0, 20]), 2500)).toBeNull()
    expect(habitualExport(device, habit([-1000, -1000, -1000, -1000, -1000]), 5000)).toBeNull()
    const charging = { ...device, direction: 'increase-import' as const }
    expect(habitualExport(charging, habit([-2500, -2400, -2600, -2500, -2500]), 2500)).toBeNull()
  })
})

describe('an enrolment without the owner’s word', () => {
  const [order, earlier] = [WINDOW_START, addSeconds(WINDOW_START, -DAY)]
  it.each([
    ['was never given', null, null],
    ['came after the order', addSeconds(WINDOW_START, 1), null],
    ['was withdrawn before it', earlier, earlier],
  ])('is found: it %s', (_what, givenAt, withdrawnAt) => {
    expect(noConsent(charger.id, { givenAt, withdrawnAt }, order)?.code).toBe('no-consent')
  })
  it('is none where it stood, also when it was withdrawn later', () => {
    const later = addSeconds(WINDOW_START, DAY)
    expect(noConsent(charger.id, { givenAt: earlier, withdrawnAt: null }, order)).toBeNull()
    expect(noConsent(charger.id, { givenAt: earlier, withdrawnAt: later }, order)).toBeNull()
  })
})

describe('load that only moved to another meter of the house', () => {
  it.each([
    ['all of it', 0, 100, true],
    ['most of it', 700, 100, true],
    ['a little', 2500, 100, false],
    ['perhaps all, but the house is too noisy to tell', 0, 1000, false],
  ])('is judged at the connection: %s', (_what, boundaryDeliveredWh, boundarySigmaWh, isFound) => {
    const finding = loadMoved(charger.id, {
      deviceDeliveredWh: 3000,
      boundaryDeliveredWh,
      boundarySigmaWh,
    })
    expect(finding !== null).toBe(isFound)
  })
})

describe('energy that the device cannot have moved', () => {
  const span = { start: WINDOW_START, end: addSeconds(WINDOW_START, 900) }
  const delivery = (measuredWh: number | null) => ({
    ...span,
    resourceId: charger.id,
    orderedWh: 1000,
    baselineWh: 1000,
    measuredWh,
    deliveredWh: 0,
  })
  it.each([
    [charger.rating, 1940, true], // 7,360 W for a quarter of an hour are 1,840 Wh
    [charger.rating, 1930, false],
    [charger.rating, -50, true],
    [battery.rating, -1320, true],
    [battery.rating, -1310, false],
    [battery.rating, null, false],
  ])('is found by the rating', (rating, measuredWh, isFound) => {
    expect(beyondRating(charger.id, rating, [delivery(measuredWh)]) !== null).toBe(isFound)
  })

  it('is no more than from full import to full export', () => {
    expect(physicalMostWh(battery.rating, span)).toBe(2500)
    expect(physicalMostWh(charger.rating, span)).toBe(1840)
  })

  it.each([
    ['given without leaving the store', -3000, 0, true],
    ['given, and the store is as much lower', -3000, -3150, false],
    ['given, as far as a whole percent tells', -3000, -2800, false],
    ['taken and not in the store', 3000, 500, true],
    ['taken, with the converter’s losses', 3000, 2700, false],
  ])('is found by the state of charge: %s', (_what, netWh, storedWh, isFound) => {
    const at = (i: number, registerWh: number, stored: number) => ({
      resourceId: battery.id,
      at: addSeconds(WINDOW_START, i * 900),
      powerW: null,
      registerWh,
      socBp: stored,
    })
    const readings = [at(0, 9000, 5000), at(1, 9000 + netWh, 5000 + storedWh)]
    expect(socMismatch(battery.id, battery.rating, readings) !== null).toBe(isFound)
  })
})

describe('findings', () => {
  it('hold a line by each code once, and notes hold nothing', () => {
    const finding = (code: Finding['code'], severity: Finding['severity']): Finding => ({
      resourceId: charger.id,
      code,
      severity,
      detail: {},
    })
    const holds = holdsOf([
      finding('soc-mismatch', 'hold'),
      finding('beyond-rating', 'hold'),
      finding('beyond-rating', 'hold'),
      finding('pre-window-inflation', 'note'),
    ])
    expect([...holds]).toEqual([[charger.id, ['beyond-rating', 'soc-mismatch']]])
  })
})
