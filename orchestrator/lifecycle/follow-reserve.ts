import { heldParts } from '#domain/activated-parts.ts'
import { type Activation, orderedIn } from '#domain/activation.ts'
import { orderedEnergy } from '#domain/delivery.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { MicroEurPerKwh } from '#domain/money.ts'
import { atPoint, effectsOf, priceAtPoint } from '#domain/network-effect.ts'
import { policyPrice } from '#domain/payment-policy.ts'
import { addSeconds, floorToStep, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { measuredUntil } from './follow-call.ts'

/** What stands by, and what it costs, both at the congestion point; devices are paid by their meters. */
export type ReserveFigures = {
  /** Now, or as the window begins: of those that were not let go. */
  readonly heldW: number
  /** The first instant from which it can still be used; null: none is left, or it is not ordered. */
  readonly usableFrom: Instant | null
  readonly usableUntil: Instant
  /** For each kWh that stands by, of all together; rounded up, as the others. */
  readonly standbyPrice: MicroEurPerKwh
  /** For each kWh that is used: from the cheapest to the dearest of those that stand by. */
  readonly leastPrice: MicroEurPerKwh
  readonly mostPrice: MicroEurPerKwh
}

/** What the DSO can still do with what it reserved; null: it reserved nothing to activate. */
export function followReserve({ clock }: Ports, call: FlexibilityCall): ReserveFigures | null {
  const { program, request } = call
  const { paymentPolicy: policy, meteringIntervalSeconds: interval } = program
  if (program.product !== 'availability' || policy.availability.kind === 'none') return null
  const now = clock.now()
  const { start, end } = request.window
  const last = addSeconds(end, -interval)
  const seen = floorToStep(instant(Math.min(Math.max(now, start), last)), interval)
  const stretch = { start: seen, end: addSeconds(seen, interval) }
  const standing = new Set(
    call.allocations.filter((one) => one.releasedAt === null).map((one) => one.resourceId),
  )
  const effectOf = effectsOf(call.candidates)
  const prices = call.candidates
    .filter(({ resourceId }) => standing.has(resourceId))
    .map(({ resourceId, price }) => {
      const paid = lower(policyPrice(policy, price), request.priceCap)
      return priceAtPoint(paid, [{ amount: 1, effectBp: effectOf(resourceId) }])
    })
  const held = heldParts(call, stretch)
  const noticed = addSeconds(now, program.activationNoticeSeconds ?? 0)
  const floor = floorToStep(noticed, interval)
  const soonest = floor === noticed ? floor : addSeconds(floor, interval)
  const usableFrom = instant(Math.max(soonest, start))
  const isOpen =
    (call.state === 'ordered' || call.state === 'dispatched') &&
    call.cancelledAt === null &&
    call.releasedAt === null
  return {
    heldW: atPoint(held),
    usableFrom: isOpen && usableFrom < end ? usableFrom : null,
    usableUntil: end,
    standbyPrice: priceAtPoint(policy.availability.price, held),
    leastPrice: prices.reduce(lower, prices[0] ?? request.priceCap),
    mostPrice: prices.reduce(
      (most, price) => (price > most ? price : most),
      prices[0] ?? request.priceCap,
    ),
  }
}

export type ActivationFigures = Activation & {
  /** Whole Wh at the congestion point. */
  readonly orderedWh: number
  /** As far as the meters have told; null: it has not begun for them. */
  readonly deliveredWh: number | null
}

/** What the DSO has used of what stands by, and what came of it so far. */
export async function followActivations(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
): Promise<ActivationFigures[]> {
  const { activations = [], program, request, orderedW } = call
  if (activations.length === 0) return []
  const effectOf = effectsOf(call.candidates)
  const { deliveries, until } = await measuredUntil(ports, tx, call)
  return activations.map((activation) => {
    const { start, end } = activation
    const ordered = request.periods.flatMap((period, i) => {
      const whole = {
        start: period.start,
        end: addSeconds(period.start, program.settlementPeriodSeconds),
      }
      return orderedIn(whole, orderedW[i] ?? 0, [activation])
    })
    const inside = deliveries.filter((one) => one.start >= start && one.end <= end)
    const delivered = inside.map(({ resourceId, deliveredWh: amount }) => {
      return { amount, effectBp: effectOf(resourceId) }
    })
    return {
      ...activation,
      orderedWh: ordered.reduce((sum, stretch) => sum + orderedEnergy(stretch), 0),
      deliveredWh: until > start ? atPoint(delivered) : null,
    }
  })
}

function lower(a: MicroEurPerKwh, b: MicroEurPerKwh): MicroEurPerKwh {
  return a < b ? a : b
}
