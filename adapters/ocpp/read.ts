import { type Payload, WireError } from './frames.ts'

/** Readers of single fields: unknown data becomes a type once, or a CALLERROR that names the field. */
export function text(payload: Payload, field: string): string {
  const value = present(payload, field)
  if (typeof value !== 'string') throw wrongType(field, 'a text')
  return value
}

export function optionalText(payload: Payload, field: string): string | null {
  const value = payload[field]
  return typeof value === 'string' ? value : null
}

/** Some stations write numbers as texts. */
export function number(payload: Payload, field: string): number {
  const value = asNumber(present(payload, field))
  if (value === null) throw wrongType(field, 'a number')
  return value
}

export function optionalNumber(payload: Payload, field: string): number | null {
  return asNumber(payload[field])
}

export function integer(payload: Payload, field: string): number {
  const value = number(payload, field)
  if (!Number.isSafeInteger(value)) throw wrongType(field, 'a whole number')
  return value
}

export function flag(payload: Payload, field: string): boolean {
  const value = present(payload, field)
  if (typeof value !== 'boolean') throw wrongType(field, 'true or false')
  return value
}

export function object(payload: Payload, field: string): Payload {
  const value = present(payload, field)
  if (!isObject(value)) throw wrongType(field, 'an object')
  return value
}

export function optionalObject(payload: Payload, field: string): Payload | null {
  const value = payload[field]
  return isObject(value) ? value : null
}

/** The objects of a list; what is none is left out. */
export function objects(payload: Payload, field: string): Payload[] {
  const value = payload[field]
  return Array.isArray(value) ? value.filter(isObject) : []
}

function asNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'string' || value.trim() === '') return null
  const parsed = Number(value)
  return Number.isFinite(parsed) ? parsed : null
}

function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function present(payload: Payload, field: string): unknown {
  const value = payload[field]
  if (value === undefined || value === null) {
    throw new WireError('OccurrenceConstraintViolation', `${field} is missing`)
  }
  return value
}

function wrongType(field: string, expected: string): WireError {
  return new WireError('TypeConstraintViolation', `${field} must be ${expected}`)
}
