/**
 * Periodic event streams of 2.1: values of one monitored variable each, many to a message. What the
 * station opens by itself is taken; where it is known to be the fiscal register of an EVSE, its
 * values are readings.
 */
import { instant, type Instant } from '#domain/time.ts'
import { type Payload, WireError } from './frames.ts'
import type { MeterValue } from './meter-values.ts'
import {
  integer,
  number,
  object,
  objects,
  optionalNumber,
  optionalObject,
  optionalText,
  text,
} from './read.ts'
import { callQuietly, soleConnector } from './session-rules.ts'
import { reportMeterValues, type SessionContext } from './station.ts'
import { fromTimestamp } from './wire.ts'

export type EventStreams = {
  open(payload: Payload): Payload
  close(payload: Payload): Payload
  /** NotifyMonitoringReport: what the monitors of the station watch. */
  learnMonitors(payload: Payload): Payload
  /** NotifyReport: in which units. */
  learnUnits(payload: Payload): Payload
  /** NotifyPeriodicEventStream. @throws WireError */
  take(payload: Payload): void
}

/** Variables of the standard's device model (2.1 part 2, appendix) that a reading is made of. */
const REGISTER = 'FiscalMetering.EnergyImportRegister'
const POWER = 'EVSE.Power'
/** The model leaves the unit to the station: without having heard of it nothing is used. */
const SCALES: Readonly<Record<string, number>> = { Wh: 1, kWh: 1000, W: 1, kW: 1000 }
/** A station needs a handful; more of them is not worth the memory. */
const STREAMS_MAX = 64
const MONITORS_MAX = 512
/** A year: what is older was not kept by any station. */
const OFFSET_S_MAX = 366 * 86_400

type Watched = { readonly evseId: number; readonly variable: string }
type Value = { readonly at: Instant; readonly value: number | null }

export function createEventStreams(context: SessionContext): EventStreams {
  const { identity } = context.station
  const monitorOf = new Map<number, number>()
  const monitors = createMonitors(context)
  const powers = new Map<number, ReadonlyMap<Instant, number>>()
  let hasAsked = false

  function use({ evseId, variable, scale }: Watched & Scaled, values: readonly Value[]): void {
    const scaled = values.flatMap(({ at, value }) =>
      value === null ? [] : [[at, value * scale] as const],
    )
    if (variable === POWER) {
      powers.set(evseId, new Map(scaled))
      return
    }
    const read = scaled.map(([at, registerWh]) => ({
      ...reading(at, registerWh, powers.get(evseId)?.get(at) ?? null),
      aligned: at % (context.meteringIntervalSeconds * 1000) === 0,
    }))
    reportMeterValues(context, evseId, read)
  }

  return {
    open(payload) {
      const stream = object(payload, 'constantStreamData')
      const id = integer(stream, 'id')
      const monitor = integer(stream, 'variableMonitoringId')
      if (!monitorOf.has(id) && monitorOf.size >= STREAMS_MAX) return { status: 'Rejected' }
      monitorOf.set(id, monitor)
      if (!monitors.isKnown(monitor) && !hasAsked) {
        hasAsked = true
        askWhatIsWatched(context)
      }
      return { status: 'Accepted' }
    },
    close(payload) {
      monitorOf.delete(integer(payload, 'id'))
      return {}
    },
    learnMonitors: monitors.learn,
    learnUnits: monitors.learnUnits,
    take(payload) {
      const id = integer(payload, 'id')
      const values = streamValues(payload)
      const monitor = monitorOf.get(id)
      if (monitor === undefined) {
        throw new WireError('PropertyConstraintViolation', `stream ${id} is not open`)
      }
      const usable = monitors.usable(monitor)
      if (usable !== null) use(usable, values)
      else context.log.info('values of an event stream', { identity, id, count: values.length })
    },
  }
}

type Scaled = { readonly scale: number }

/** What each monitor of a station watches, and in which unit. */
function createMonitors({ station }: SessionContext) {
  const watched = new Map<number, Watched>()
  const scales = new Map<string, number>()
  const keyOf = ({ evseId, variable }: Watched) => `${evseId} ${variable}`

  function watchedBy(one: Payload): Watched | null {
    const component = optionalObject(one, 'component') ?? {}
    const name = optionalText(optionalObject(one, 'variable') ?? {}, 'name')
    const told = optionalNumber(optionalObject(component, 'evse') ?? {}, 'id')
    const evseId = told ?? soleConnector(station)
    const variable = `${optionalText(component, 'name')}.${name}`
    return evseId === null ? null : { evseId, variable }
  }

  return {
    isKnown: (monitor: number) => watched.has(monitor),
    /** null: nothing that a reading is made of. */
    usable(monitor: number): (Watched & Scaled) | null {
      const one = watched.get(monitor)
      const scale = one === undefined ? undefined : scales.get(keyOf(one))
      return one === undefined || scale === undefined ? null : { ...one, scale }
    },
    learn(payload: Payload): Payload {
      for (const one of objects(payload, 'monitor')) {
        const found = watchedBy(one)
        for (const { id } of objects(one, 'variableMonitoring')) {
          if (found === null || typeof id !== 'number' || watched.size >= MONITORS_MAX) continue
          watched.set(id, found)
        }
      }
      return {}
    },
    learnUnits(payload: Payload): Payload {
      for (const one of objects(payload, 'reportData')) {
        const found = watchedBy(one)
        const unit = optionalText(optionalObject(one, 'variableCharacteristics') ?? {}, 'unit')
        const scale = SCALES[unit ?? '']
        const isOurs = found?.variable === REGISTER || found?.variable === POWER
        const isPlace = found !== null && station.resources.has(found.evseId)
        if (isPlace && isOurs && scale !== undefined) scales.set(keyOf(found), scale)
      }
      return {}
    },
  }
}

/** The answers come as reports; a station that has none keeps its streams to itself. */
function askWhatIsWatched(context: SessionContext): void {
  const componentVariable = [REGISTER, POWER].map((one) => {
    const [component = '', variable = ''] = one.split('.')
    return { component: { name: component }, variable: { name: variable } }
  })
  const ask = async () => {
    await callQuietly(context, 'GetMonitoringReport', { requestId: 1 })
    await callQuietly(context, 'GetReport', { requestId: 2, componentVariable })
  }
  ask().catch((error: unknown) => {
    const { identity } = context.station
    context.log.warn('monitors could not be asked for', { identity, error: String(error) })
  })
}

function reading(at: Instant, registerWh: number, powerW: number | null): MeterValue {
  const nothing = { beginsTransaction: false, socPercent: null, offeredA: null, signed: [] }
  return { ...nothing, at, registerWh, powerW, aligned: false }
}

/** By schema `t` is a number of seconds after `basetime` (the standard's own example has stamps). */
function streamValues(payload: Payload): Value[] {
  const base = fromTimestamp(text(payload, 'basetime'))
  if (base === null) throw new WireError('FormatViolation', 'basetime is not a time')
  return objects(payload, 'data').map((one) => {
    const afterS = number(one, 't')
    if (Math.abs(afterS) > OFFSET_S_MAX) {
      throw new WireError('PropertyConstraintViolation', 't is no number of seconds after basetime')
    }
    return { at: instant(Math.round(base + afterS * 1000)), value: optionalNumber(one, 'v') }
  })
}
