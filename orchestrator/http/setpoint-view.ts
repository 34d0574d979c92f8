import { z } from '@hono/zod-openapi'
import { missingLinks, type SetpointRow } from '#domain/dispatch-instruction.ts'
import { At, at, atOrNull } from './schemas.ts'

const PowerW = z.int().nullable().openapi({ description: "null: the device's own default" })

/** One setpoint and how far it has come: ordered, acknowledged, effective, observed. */
export const SetpointChain = z.object({
  callId: z.string(),
  version: z.int().openapi({ description: 'Counts up per resource' }),
  validFrom: At,
  validUntil: At.openapi({ description: 'The device lets go by itself at this instant' }),
  ordered: z.object({ at: At, powerW: PowerW }),
  acknowledged: z
    .object({
      at: At,
      strategy: z.string().nullable().openapi({
        description: 'In which form the device took it, in the words of its protocol',
      }),
    })
    .nullable()
    .openapi({ description: 'The device said yes; this proves nothing' }),
  effective: z
    .object({
      at: At.nullable().openapi({ description: 'null: what it says is not what was ordered' }),
      powerW: PowerW,
    })
    .nullable()
    .openapi({ description: 'What the device said when it was read back' }),
  observed: z.object({ at: At, powerW: z.int() }).nullable().openapi({
    description: 'The first reading wholly after the acknowledgement that is within the band',
  }),
  refusal: z.string().nullable(),
  missing: z
    .array(z.enum(['acknowledged', 'effective', 'observed']))
    .openapi({ description: 'The links that are not there, or not there yet' }),
})
export type SetpointChain = z.infer<typeof SetpointChain>

export function setpointChain(row: SetpointRow): SetpointChain {
  const { callId, version, powerW, strategy, acknowledgedAt, refusal } = row
  const { effectiveAt, effectiveW, observedAt, observedW } = row
  const wasReadBack = effectiveAt !== null || effectiveW !== null
  return {
    callId,
    version,
    validFrom: at(row.validFrom),
    validUntil: at(row.validUntil),
    ordered: { at: at(row.orderedAt), powerW },
    acknowledged: acknowledgedAt === null ? null : { at: at(acknowledgedAt), strategy },
    effective: wasReadBack ? { at: atOrNull(effectiveAt), powerW: whole(effectiveW) } : null,
    observed:
      observedAt === null || observedW === null
        ? null
        : { at: at(observedAt), powerW: Math.round(observedW) },
    refusal,
    missing: missingLinks(row),
  }
}

/** A device's own unit may leave parts of a W. */
function whole(powerW: number | null): number | null {
  return powerW === null ? null : Math.round(powerW)
}
