import { z } from '@hono/zod-openapi'
import type { DeviceCondition, KnownCapability } from '#domain/capability.ts'
import { At, at, atOrNull } from './schemas.ts'

const said = z.string().nullable().openapi({ description: 'As the device names itself' })

/** What a device can do, as it said and as was found out when it was set up. */
export const CapabilityView = z.object({
  protocol: z.string(),
  make: said,
  model: said,
  firmware: said,
  quirks: z.string().nullable().openapi({
    description: 'The profile of known deviations that fits make and model',
  }),
  unit: z.enum(['A', 'W']).openapi({ description: 'In which setpoints are given' }),
  phases: z.int().nullable(),
  minimumW: z.int(),
  stepW: z.number(),
  stackLevelMax: z.int().nullable(),
  periodsMax: z.int().nullable(),
  purposes: z.array(z.string()),
  kinds: z.array(z.string()),
  pauses: z.boolean().nullable(),
  resumes: z.boolean().nullable(),
  readBack: z.enum(['composite', 'offered', 'setpoint', 'none']),
  meterIntervalSeconds: z.number().nullable(),
  signs: z.boolean().openapi({ description: 'Its readings are signed by its meter' }),
  v2x: z.boolean(),
  frequency: z.boolean().openapi({ description: 'Takes a droop curve and answers by itself' }),
  voltage: z
    .object({
      curves: z.array(z.enum(['volt-var', 'volt-watt'])),
      ratedVar: z.int(),
      pointsMax: z.int(),
    })
    .nullable()
    .openapi({ description: 'Voltage curves that it takes and answers by itself' }),
  dynamic: z.boolean(),
  offlineFallback: z.enum(['expires', 'default', 'unlimited', 'unknown']).openapi({
    description: 'What holds when the device has lost its connection inside a window',
  }),
  updateEverySeconds: z.number().nullable(),
  learnedAt: At,
})

/** What others did to a device. */
export const ConditionView = z.object({
  externalLimitW: z.int().nullable().openapi({ description: 'A limit that somebody else set' }),
  externalSource: z.string().nullable(),
  overrideSince: At.nullable().openapi({
    description: 'Since when its driver has asked for full power',
  }),
  at: At,
})

export function capabilityView(known: KnownCapability): z.infer<typeof CapabilityView> {
  const { flashWrites: _, voltage, ...capability } = known.capability
  return {
    ...capability,
    frequency: capability.frequency ?? false,
    voltage: voltage ? { ...voltage, curves: [...voltage.curves] } : null,
    purposes: [...capability.purposes],
    kinds: [...capability.kinds],
    minimumW: Math.round(capability.minimumW),
    learnedAt: at(known.learnedAt),
  }
}

export function conditionView(condition: DeviceCondition): z.infer<typeof ConditionView> {
  const { externalLimitW, externalSource, overrideSince } = condition
  return {
    externalLimitW: externalLimitW === null ? null : Math.round(externalLimitW),
    externalSource,
    overrideSince: atOrNull(overrideSince),
    at: at(condition.at),
  }
}
