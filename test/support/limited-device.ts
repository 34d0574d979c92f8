import fc from 'fast-check'
import type { EmergencyStop } from '#domain/emergency-stop.ts'
import { callId, organisationId, resourceId } from '#domain/ids.ts'
import { legalFloorW } from '#domain/legal-floor.ts'
import { asEnrolled, type OwnerLimits, reserveOf } from '#domain/owner-limits.ts'
import type { DeviceFacts, Permission, permit, WantedSetpoint } from '#domain/permission.ts'
import type { ChargingSession, Rating } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, instant, secondsBetween } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { WINDOW_START } from './builders.ts'

/** Seconds: of physics, and of what is decided and metered. */
const STEP = 10
const CYCLE = 30
const RULES = { timeZone: 'UTC', controlCycleSeconds: CYCLE }
/** A register counts whole Wh, and a car is told of two of them. */
const WH = 2

const shares = fc.integer({ min: 0, max: 10_000 })
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null, freq: 3 })
/** Seconds into the window; null: it never happens. */
const sometime = maybe(fc.integer({ min: 0, max: 3600 }))

/** A device in a window, what is wanted of it, and all that goes wrong. */
export const aLimitedDevice = fc.record({
  kind: fc.constantFrom('battery' as const, 'charger' as const, 'two-way' as const),
  energyWh: fc.integer({ min: 2000, max: 60_000 }),
  exportMaxW: fc.integer({ min: 500, max: 11_000 }),
  importMaxW: fc.integer({ min: 1500, max: 11_000 }),
  reserveBp: shares,
  saidBp: maybe(shares),
  startBp: shares,
  /** What it does by itself, of what it can: a battery that serves its own house. */
  natural: fc.integer({ min: -100, max: 100 }),
  lossPercent: fc.integer({ min: 0, max: 5 }),
  underLaw: fc.boolean(),
  /** In each settlement period, of its full range from giving to taking. */
  wanted: fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 4 }),
  readyMinute: fc.integer({ min: 5, max: 300 }),
  readyIsSaidBy: fc.constantFrom('car' as const, 'owner' as const, 'nobody' as const),
  needBp: shares,
  /** Under a limit it may take less than that: nothing, for example. */
  rests: fc.boolean(),
  tapers: fc.array(fc.integer({ min: 90, max: 100 }), { minLength: 3, maxLength: 7 }),
  delaySteps: fc.integer({ min: 0, max: CYCLE / STEP }),
  lagCycles: fc.integer({ min: 0, max: 3 }),
  silentCycles: fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 30 }),
  /** Nobody decides any more from then on. */
  deadFromCycle: maybe(fc.integer({ min: 1, max: 120 })),
  withdrawn: sometime,
  chargeNow: sometime,
  overridden: sometime,
  stopped: sometime,
})
export type LimitedDevice = typeof aLimitedDevice extends fc.Arbitrary<infer T> ? T : never

type Row = NonNullable<DeviceFacts['row']> & { readonly orderedAt: Instant }
type Car = ChargingSession & { readonly departureAt: Instant; readonly energyNeededWh: number }

/** Lives through a window under a judge of setpoints; what was broken, in sentences. */
export function liveThrough(device: LimitedDevice, judge: typeof permit): string[] {
  const rating = ratingOf(device)
  const owner = ownerOf(device)
  const car = carOf(device)
  const reserveWh = reserveOf(rating, owner)
  const machine = machineOf(device, rating)
  const broken: string[] = []
  const rows: Row[] = []
  const readings: (DeviceReading | null)[] = []
  let pending: { row: Row; at: Instant } | null = null
  let applied: Row | null = null
  let wasLimited = false
  const end = addSeconds(WINDOW_START, device.wanted.length * 900)
  for (let now = WINDOW_START; now < end; now = addSeconds(now, STEP)) {
    if (car !== null && now >= car.departureAt) break
    if (pending !== null && now >= pending.at) {
      applied = { ...pending.row, acknowledgedAt: now }
      rows[rows.length - 1] = applied
      pending = null
    }
    if (secondsBetween(WINDOW_START, now) % CYCLE === 0) {
      const cycle = secondsBetween(WINDOW_START, now) / CYCLE
      readings.push(device.silentCycles.includes(cycle) ? null : machine.meter(now))
      if (device.deadFromCycle === null || cycle < device.deadFromCycle) {
        const row = decide(now)
        pending = { row, at: addSeconds(now, device.delaySteps * STEP) }
        rows.push(row)
        broken.push(...wrongIn(device, row, rating))
      }
    }
    const until = addSeconds(now, STEP)
    const held = applied !== null && applied.powerW !== null && applied.validUntil > now
    const letsGoAt = held ? instant(Math.min(until, (applied as Row).validUntil)) : now
    if (held) {
      wasLimited = true
      machine.run(secondsBetween(now, letsGoAt), (applied as Row).powerW)
      const isGiving = ((applied as Row).powerW ?? 0) < 0
      if (isGiving && machine.storedWh() < reserveWh - 0.01) {
        broken.push(`${machine.storedWh()} Wh are left of ${reserveWh} Wh`)
      }
    }
    machine.run(secondsBetween(letsGoAt, until), null)
  }
  if (car !== null && wasLimited) broken.push(...shortIn(car, end))
  return broken

  function decide(now: Instant): Row {
    const wanted = wantedOf(device, rating, now, end)
    const seen = readings.slice(0, readings.length - device.lagCycles)
    const reading = seen.findLast((one) => one !== null) ?? null
    const facts: DeviceFacts = {
      resource: { id: DEVICE, kind: device.kind === 'battery' ? 'battery' : 'charger', rating },
      owner: knownOf(device, owner, now),
      session: car !== null && device.readyIsSaidBy === 'owner' ? { ...car, ...UNSAID } : car,
      condition: conditionOf(device, now),
      stop: stopOf(device, now),
      reading,
      row: rows.at(-1) ?? null,
    }
    const found = judge(wanted, facts, RULES, now)
    return rowOf(found, now)
  }

  function shortIn({ departureAt, energyNeededWh }: Car, last: Instant): string[] {
    const seconds = Math.max(0, secondsBetween(last, departureAt))
    machine.run(seconds, null, 90)
    const hadWh = machine.registerWh()
    return hadWh >= energyNeededWh - WH ? [] : [`the car had ${hadWh} of ${energyNeededWh} Wh`]
  }
}

const DEVICE = resourceId('device')
const CALL = callId('call')
const UNSAID = { energyNeededWh: null, departureAt: null }

function ratingOf(device: LimitedDevice): Rating {
  const { kind, energyWh, importMaxW, underLaw } = device
  return {
    importMaxW,
    exportMaxW: kind === 'charger' ? 0 : device.exportMaxW,
    importMinW: kind === 'battery' ? 0 : 1380,
    phases: 3,
    energyWh,
    reserveWh: Math.floor((device.reserveBp * energyWh) / 10_000),
    pausable: true,
    ...(underLaw ? { legalClass: 'de-14a' as const } : {}),
  }
}

function ownerOf({ saidBp, kind, readyMinute, readyIsSaidBy, ...rest }: LimitedDevice) {
  const enrolled = asEnrolled({ id: DEVICE, enrolledAt: addSeconds(WINDOW_START, -86_400) })
  const leastSocBp = saidBp === null ? null : basisPoints(saidBp)
  const energyWh = neededWh(rest)
  const minuteOfDay = 16 * 60 + readyMinute // the window begins at 16:00 UTC
  const says = readyIsSaidBy === 'owner' && kind !== 'battery'
  const readyBy = says ? { minuteOfDay, energyWh } : null
  return { ...enrolled, leastSocBp, readyBy } satisfies OwnerLimits
}

function neededWh({ needBp, energyWh }: Pick<LimitedDevice, 'needBp' | 'energyWh'>): number {
  return Math.floor((needBp * energyWh) / 10_000)
}

/** Plugged in as the window begins, its register at 0. */
function carOf(device: LimitedDevice): Car | null {
  if (device.kind === 'battery' || device.readyIsSaidBy === 'nobody') return null
  return {
    resourceId: DEVICE,
    startedAt: WINDOW_START,
    endedAt: null,
    energyNeededWh: neededWh(device),
    departureAt: addSeconds(WINDOW_START, device.readyMinute * 60),
    startRegisterWh: 0,
  }
}

function at(seconds: number): Instant {
  return addSeconds(WINDOW_START, seconds)
}

function hasCome(seconds: number | null, now: Instant): seconds is number {
  return seconds !== null && at(seconds) <= now
}

function knownOf(device: LimitedDevice, owner: OwnerLimits, now: Instant): OwnerLimits {
  const { withdrawn, chargeNow } = device
  const { consent } = owner
  return {
    ...owner,
    consent: hasCome(withdrawn, now) ? { ...consent, withdrawnAt: at(withdrawn) } : consent,
    chargeNow: hasCome(chargeNow, now)
      ? { since: at(chargeNow), until: at(chargeNow + 600) }
      : owner.chargeNow,
  }
}

function conditionOf({ overridden }: LimitedDevice, now: Instant): DeviceFacts['condition'] {
  if (!hasCome(overridden, now)) return null
  const none = { externalLimitW: null, externalSource: null }
  return { resourceId: DEVICE, ...none, overrideSince: at(overridden), at: now }
}

function stopOf({ stopped }: LimitedDevice, now: Instant): EmergencyStop | null {
  if (!hasCome(stopped, now)) return null
  const by = organisationId('dso')
  return { id: 's', congestionPointId: null, at: at(stopped), by, reason: 'test', liftedAt: null }
}

function wantedOf(
  device: LimitedDevice,
  rating: Rating,
  now: Instant,
  validUntil: Instant,
): WantedSetpoint {
  const period = Math.floor(secondsBetween(WINDOW_START, now) / 900)
  const share = device.wanted[period] ?? 0
  const powerW = Math.round((share * (share < 0 ? rating.exportMaxW : rating.importMaxW)) / 100)
  const direction = 'reduce-import'
  return { callId: CALL, direction, powerW, validUntil, drawsW: rating.importMaxW }
}

function rowOf(found: Permission, now: Instant): Row {
  const { powerW, validUntil } =
    found.kind === 'granted' ? found : { powerW: null, validUntil: now }
  const until = { validFrom: now, validUntil, orderedAt: now }
  return { callId: CALL, powerW, ...until, acknowledgedAt: null }
}

/** What a row breaks that needs no physics to be seen. */
function wrongIn(device: LimitedDevice, { powerW, orderedAt }: Row, rating: Rating): string[] {
  if (powerW === null) return []
  const { withdrawn, chargeNow, overridden, stopped, kind } = device
  const floorW = legalFloorW({ kind: kind === 'battery' ? 'battery' : 'charger', rating }, {})
  const wishes = hasCome(chargeNow, orderedAt) && orderedAt < at(chargeNow + 600)
  return [
    ...(hasCome(withdrawn, orderedAt) ? ['told something without consent'] : []),
    ...(wishes ? ['told something while its owner wants full power'] : []),
    ...(hasCome(overridden, orderedAt) ? ['told something while its driver wants full power'] : []),
    ...(hasCome(stopped, orderedAt) ? ['told something after the emergency stop'] : []),
    ...(floorW > 0 && powerW < floorW
      ? [`limited to ${powerW} W, below the law's ${floorW} W`]
      : []),
  ]
}

/** The physics: what is stored, and what the meter counts. */
function machineOf(device: LimitedDevice, rating: Rating) {
  const { kind, energyWh, natural, tapers, rests } = device
  const keeps = 1 - device.lossPercent / 100
  let stored = (device.startBp * energyWh) / 10_000
  let register = 0
  let runs = 0
  function naturalW(taper: number): number {
    if (kind !== 'battery') return (rating.importMaxW * taper) / 100
    return (natural * (natural < 0 ? rating.exportMaxW : rating.importMaxW)) / 100
  }
  function powerOf(setpointW: number | null, taper: number): number {
    const freeW = naturalW(taper)
    if (setpointW === null) return freeW
    if (kind === 'battery') return setpointW
    if (setpointW < 0) return Math.max(setpointW, -rating.exportMaxW)
    return rests ? 0 : Math.min(freeW, setpointW)
  }
  return {
    storedWh: () => stored,
    registerWh: () => register,
    run(seconds: number, setpointW: number | null, taper = tapers[runs++ % tapers.length] ?? 90) {
      const wh = (powerOf(setpointW, taper) * seconds) / 3600
      register += wh
      // Its own management keeps it from going below empty, or above full where it stands alone.
      const next = stored + (wh < 0 ? wh / keeps : wh * keeps)
      stored = Math.max(0, kind === 'battery' ? Math.min(energyWh, next) : next)
    },
    meter(now: Instant): DeviceReading {
      const socBp = Math.min(10_000, Math.round((stored / energyWh) * 10_000))
      const registerWh = Math.round(register)
      return { resourceId: DEVICE, at: now, powerW: null, registerWh, socBp }
    },
  }
}
