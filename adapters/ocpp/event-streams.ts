/** Periodic event streams of 2.1: values of one monitored variable each, many to a message. */
import { instant, type Instant } from '#domain/time.ts'
import { type Payload, WireError } from './frames.ts'
import { integer, number, object, objects, optionalNumber, text } from './read.ts'
import type { SessionContext } from './station.ts'
import { fromTimestamp } from './wire.ts'

export type EventStreams = {
  open(payload: Payload): Payload
  close(payload: Payload): Payload
  /** What the monitors of the station watch (NotifyMonitoringReport). */
  learn(payload: Payload): Payload
  /** NotifyPeriodicEventStream. @throws WireError */
  take(payload: Payload): void
}

/** A station needs a handful; more of them is not worth the memory. */
const STREAMS_MAX = 64
/** A year: what is older was not kept by any station. */
const OFFSET_S_MAX = 366 * 86_400

export function createEventStreams(context: SessionContext): EventStreams {
  const { identity } = context.station
  const monitorOf = new Map<number, number>()
  return {
    open(payload) {
      const stream = object(payload, 'constantStreamData')
      const id = integer(stream, 'id')
      const monitor = integer(stream, 'variableMonitoringId')
      if (!monitorOf.has(id) && monitorOf.size >= STREAMS_MAX) return { status: 'Rejected' }
      monitorOf.set(id, monitor)
      return { status: 'Accepted' }
    },
    close(payload) {
      monitorOf.delete(integer(payload, 'id'))
      return {}
    },
    learn: () => ({}),
    take(payload) {
      const id = integer(payload, 'id')
      const values = streamValues(payload)
      if (!monitorOf.has(id)) {
        throw new WireError('PropertyConstraintViolation', `stream ${id} is not open`)
      }
      context.log.info('values of an event stream', { identity, id, count: values.length })
    },
  }
}

/** By schema `t` is a number of seconds after `basetime` (the standard's own example has stamps). */
function streamValues(payload: Payload): { at: Instant; value: number | null }[] {
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
