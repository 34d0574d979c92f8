import type { Payload } from '../ocpp-link.ts'
import type { QuirkId } from './catalogue.ts'

/** A message that would be queued; `send` may be called later, again, or never. */
export type Queued = {
  readonly action: string
  readonly send: () => void
  /** Queues another message of the station's own. */
  readonly also: (action: string, payload: () => Payload) => void
  readonly registerWh: () => number
  readonly stamp: () => string
}

export type Delivery = (message: Queued) => void

/** `MeterValues` of 1.6, `TransactionEvent` of 2.x: what may come twice or out of order. */
const METERED = /^(MeterValues|TransactionEvent)$/

const DELIVERIES: Partial<Record<QuirkId, (inner: Delivery) => Delivery>> = {
  D2: (inner) => (message) => {
    if (message.action !== 'StartTransaction') inner(message)
  },
  D3: (inner) => (message) => {
    inner(message)
    if (message.action === 'StartTransaction' || METERED.test(message.action)) inner(message)
  },
  D7: closingReading,
  reordered: swapped,
}

/** How these quirks hand messages to the line. */
export function deliveryOf(quirks: readonly QuirkId[]): Delivery {
  const plain: Delivery = ({ send }) => send()
  return quirks.reduce((inner, id) => DELIVERIES[id]?.(inner) ?? inner, plain)
}

function closingReading(inner: Delivery): Delivery {
  return (message) => {
    inner(message)
    if (message.action !== 'StopTransaction') return
    const { stamp, registerWh } = message
    message.also('MeterValues', () => ({
      connectorId: 1,
      meterValue: [
        {
          timestamp: stamp(),
          sampledValue: [{ value: String(registerWh()), context: 'Transaction.End' }],
        },
      ],
    }))
  }
}

function swapped(inner: Delivery): Delivery {
  let held: Queued | null = null
  let count = 0
  return (message) => {
    if (!METERED.test(message.action)) return inner(message)
    count += 1
    if (count % 2 === 0) {
      held = message
      return
    }
    inner(message)
    if (held !== null) inner(held)
    held = null
  }
}
