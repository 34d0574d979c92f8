import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What stands in the store when metrics are read. */
export type Stock = {
  /** Calls by state. */
  readonly calls: Readonly<Record<string, number>>
  readonly connected: number
  readonly disconnected: number
  /** What the chain was asked and has not done for good: not signed, signed, and for how long. */
  readonly backlog: {
    readonly pending: number
    readonly sent: number
    readonly oldestSeconds: number
  }
  /** Between contract, events, ledger and token balance, at the last comparison. */
  readonly differences: number
  /** Business time since that comparison; null: there was none yet. */
  readonly comparedSeconds: number | null
}

export type Metrics = {
  /** Answers of the HTTP service, by route pattern and never by path. */
  answered(method: string, route: string, status: number, seconds: number): void
  streamOpened(): void
  streamClosed(): void
  /** The text form that Prometheus reads. */
  text(stock: Stock): Promise<string>
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
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const calls = gauge('gridcall_calls', 'Flexibility calls by state', ['state'])
  const resources = gauge('gridcall_resources', 'Enrolled resources', ['connected'])
  const intents = gauge('gridcall_chain_intents_open', 'Transactions not final yet', ['state'])
  const oldest = gauge(
    'gridcall_chain_oldest_wait_seconds',
    'Wall time for which this process has seen the oldest signed transaction wait',
  )
  const books = gauge('gridcall_books_differences', 'Differences between contract, events, ledger')
  const compared = gauge(
    'gridcall_books_compared_age_seconds',
    'Business time since the books were compared last; NaN before the first time',
  )
  const streams = gauge('gridcall_event_streams', 'Event streams open now')
  return {
    answered: (method, route, status, seconds) =>
      answers.observe({ method, route, status: String(status) }, seconds),
    streamOpened: () => streams.inc(),
    streamClosed: () => streams.dec(),
    text(stock) {
      calls.reset()
      for (const [state, count] of Object.entries(stock.calls)) calls.set({ state }, count)
      resources.set({ connected: 'true' }, stock.connected)
      resources.set({ connected: 'false' }, stock.disconnected)
      intents.set({ state: 'pending' }, stock.backlog.pending)
      intents.set({ state: 'sent' }, stock.backlog.sent)
      oldest.set(stock.backlog.oldestSeconds)
      books.set(stock.differences)
      compared.set(stock.comparedSeconds ?? Number.NaN)
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}
