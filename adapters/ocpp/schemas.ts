/** The standard's JSON schemas (texts of typed-ocpp) under an Ajv of our own, compiled when first used. */
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
// Deep paths on purpose: the package's index compiles every schema of three versions at import
// (2 s and 250 MB); the texts alone cost 5 ms.
import * as schemas16 from 'typed-ocpp/dist/ocpp16/schemas.js'
import * as schemas201 from 'typed-ocpp/dist/ocpp20/schemas.js'
import * as schemas21 from 'typed-ocpp/dist/ocpp21/schemas.js'
import type { OcppVersion, Payload } from './frames.ts'

const TEXTS: Record<OcppVersion, Record<string, unknown>> = {
  'ocpp1.6': schemas16,
  'ocpp2.0.1': schemas201,
  'ocpp2.1': schemas21,
}

// multipleOfPrecision: a third of the one-decimal limits fails `multipleOf: 0.1` without it.
const ajv = new Ajv({ strictSchema: false, strictTypes: false, multipleOfPrecision: 3 })
formats.default(ajv)

const compiled = new Map<string, ValidateFunction>()

/** Is this an action of the version at all? */
export function isAction(version: OcppVersion, action: string): boolean {
  return Object.hasOwn(TEXTS[version], `${action}Request`)
}

/** Is this sent by SEND (2.1), which has no answer? */
export function isSent(version: OcppVersion, action: string): boolean {
  return !isAction(version, action) && Object.hasOwn(TEXTS[version], action)
}

/** What is wrong with a payload by the standard's schema, in one line; null: nothing. */
export function deviation(
  version: OcppVersion,
  action: string,
  kind: 'Request' | 'Response' | 'Send',
  payload: Payload,
): string | null {
  const name = kind === 'Send' ? action : `${action}${kind}`
  const key = `${version} ${name}`
  let validate = compiled.get(key)
  if (validate === undefined) {
    if (!Object.hasOwn(TEXTS[version], name)) return `${name} is not in the standard`
    validate = ajv.compile(TEXTS[version][name] as object)
    compiled.set(key, validate)
  }
  if (validate(payload)) return null
  const [first] = validate.errors ?? []
  return first === undefined
    ? 'invalid'
    : `${first.instancePath || '/'} ${first.message ?? first.keyword}`
}
