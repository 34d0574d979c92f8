import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { BusinessEvent } from '#domain/business-event.ts'

export type Metrics = {
  /** Answers of the HTTP service, by route pattern and never by path. */
  answered(method: string, route: string, status: number, seconds: number): void
  /** Business events as they are read. */
  happened(event: BusinessEvent): void
  streamOpened(): void
  streamClosed(): void
  /** The text form that Prometheus reads. */
  text(): Promise<string>
  readonly contentType: string
}

/** Counters of this process. Labels come from closed lists: no ids, no parties, no persons. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const answers = new Histogram({
    name: 'gridcall_http_request_seconds',
    help: 'Duration of answers in seconds of wall time',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  })
  const events = new Counter({
    name: 'gridcall_business_events_total',
    help: 'Business events seen by this process',
    labelNames: ['kind'],
    registers: [registry],
  })
  const streams = new Gauge({
    name: 'gridcall_event_streams',
    help: 'Event streams open now',
    registers: [registry],
  })
  return {
    answered: (method, route, status, seconds) =>
      answers.observe({ method, route, status: String(status) }, seconds),
    happened: (event) => events.inc({ kind: event.kind }),
    streamOpened: () => streams.inc(),
    streamClosed: () => streams.dec(),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
