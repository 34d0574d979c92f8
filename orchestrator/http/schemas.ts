import { z } from '@hono/zod-openapi'
import type { Context, TypedResponse } from 'hono'
import type { JSONValue } from 'hono/utils/types'
import {
  type Address,
  callId,
  congestionPointId,
  type Hex,
  organisationId,
  ownerId,
  programId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { formatInstant, parseInstant } from '#domain/time.ts'

/** The words in which JSON speaks: W, Wh, decimal strings of minor units, instants in UTC. */

const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$/
const idText = z.string().regex(ID, "1 to 80 letters, digits, '_', '.', ':' or '-'")

export const CallIdText = idText.transform(callId)
export const CongestionPointIdText = idText.transform(congestionPointId)
export const OrganisationIdText = idText.transform(organisationId)
export const OwnerIdText = idText.transform(ownerId)
export const ProgramIdText = idText.transform(programId)
export const ResourceIdText = idText.transform(resourceId)
export const SiteIdText = idText.transform(siteId)

/** ISO 8601 with an offset; read into an instant. */
export const InstantText = z
  .string()
  .max(40)
  .openapi({ format: 'date-time', example: '2024-01-17T17:00:00Z' })
  .transform((text, context) => {
    try {
      return parseInstant(text)
    } catch {
      const message = 'an instant such as 2024-01-17T17:00:00Z'
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    }
  })

/** A price in micro-EUR per kWh: 450000 is 0.45 EUR. */
export const PriceText = z
  .string()
  .regex(/^(0|[1-9]\d{0,17})$/, 'a decimal number of micro-EUR per kWh such as "450000"')
  .openapi({ example: '450000' })
  .transform((text) => microEurPerKwh(BigInt(text)))

export const HexText = z
  .string()
  .max(20_000)
  .regex(/^0x([0-9a-fA-F]{2})*$/, '0x and hexadecimal digits')
  .transform((text) => text as Hex)

/** A party's address; the lifecycle checks its form. */
export const AddressText = z
  .string()
  .max(100)
  .openapi({ example: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8' })
  .transform((text) => text as Address)

/** A whole number in a path or query. */
export const WholeText = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})$/, 'a whole number')
  .transform(Number)

export const DirectionText = z.enum(['reduce-import', 'increase-import'])

export const IdempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .openapi({ description: 'Made by the caller, the same for each retry. Required.' }),
})

// ------------------------------------------------------------ what answers are made of

export const MoneyText = z.string().openapi({
  description: 'Minor units of 1e-6 EUR as a decimal string',
  example: '450000',
})
export const At = z.string().openapi({ format: 'date-time', description: 'Business time, UTC' })
export const Window = z.object({ start: At, end: At })

/** An answer of one kind, for createRoute. */
export function answers<S extends z.ZodType>(schema: S, description: string) {
  return { content: { 'application/json': { schema } }, description }
}

/** A JSON body, for createRoute. */
export function takes<S extends z.ZodType>(schema: S) {
  return { body: { content: { 'application/json': { schema } }, required: true as const } }
}

export function windowView(window: { start: number; end: number }): z.infer<typeof Window> {
  return { start: at(window.start), end: at(window.end) }
}

export function at(instant: number): string {
  return formatInstant(instant as Parameters<typeof formatInstant>[0])
}

export function atOrNull(instant: number | null): string | null {
  return instant === null ? null : at(instant)
}

/** JSON that was made elsewhere, byte for byte: its hash is signed. */
export function exactly(c: Context, json: string): TypedResponse<JSONValue, 200, 'json'> {
  const response: Response = c.body(json, 200, { 'content-type': 'application/json' })
  return response as Response & TypedResponse<JSONValue, 200, 'json'>
}
