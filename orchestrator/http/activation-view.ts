import type { z } from '@hono/zod-openapi'
import type { ActivationFigures, ReserveFigures } from '#lifecycle/follow-reserve.ts'
import type { ActivationView, ReserveView } from './call-schemas.ts'
import { at, atOrNull } from './schemas.ts'

/** What stands by, as its DSO may see it: never who. */
export function reserveView(reserve: ReserveFigures | null): z.infer<typeof ReserveView> | null {
  if (reserve === null) return null
  return {
    heldW: reserve.heldW,
    usableFrom: atOrNull(reserve.usableFrom),
    usableUntil: at(reserve.usableUntil),
    standbyMinorPerKwh: reserve.standbyPrice.toString(),
    leastMinorPerKwh: reserve.leastPrice.toString(),
    mostMinorPerKwh: reserve.mostPrice.toString(),
  }
}

export function activationView(activation: ActivationFigures): z.infer<typeof ActivationView> {
  const { start, end, orderedAt, powerW, orderedWh, deliveredWh } = activation
  return {
    start: at(start),
    end: at(end),
    orderedAt: at(orderedAt),
    powerW: powerW ?? null,
    orderedWh,
    deliveredWh,
  }
}
