/** The standard's JSON schemas (texts of typed-ocpp) under an Ajv of our own, compiled when first used. */
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { fullFormats } from 'ajv-formats/dist/formats.js'
// Deep paths on purpose: the package's index compiles every schema of three versions at import
// (2 s and 250 MB); the texts alone cost 5 ms. Its own validators delete unknown fields in silence.
import * as schemas16 from 'typed-ocpp/dist/ocpp16/schemas.js'
import * as schemas201 from 'typed-ocpp/dist/ocpp20/schemas.js'
import * as schemas21 from 'typed-ocpp/dist/ocpp21/schemas.js'
import { repairKnown } from './deviations.ts'
import { type OcppVersion, type Payload, WireError, type WireErrorCode } from './frames.ts'

const TEXTS: Record<OcppVersion, Record<string, unknown>> = {
  'ocpp1.6': schemas16,
  'ocpp2.0.1': schemas201,
  'ocpp2.1': schemas21,
}

/** 'Send' is a message of 2.1 that has no answer. */
export type MessageKind = 'Request' | 'Response' | 'Send'

// multipleOfPrecision: a third of the one-decimal limits fails `multipleOf: 0.1` without it.
const OPTIONS = { strictSchema: false, strictTypes: false, multipleOfPrecision: 3 }
const first = judge(OPTIONS)
/** Used for what has failed already: a payload is bounded by the size of a message. */
const all = judge({ ...OPTIONS, allErrors: true })

function judge(options: Options): Ajv {
  const ajv = formats.default(new Ajv(options))
  return ajv.addFormat('date-time', isTime)
}

const { validate: isDateTime } = fullFormats['date-time'] as { validate: (text: string) => boolean }
/** Orders of one call, and readings on the clock's raster, come with the same stamp: judged once. */
let lastTime = ''

function isTime(text: string): boolean {
  if (text === lastTime) return true
  if (!isDateTime(text)) return false
  lastTime = text
  return true
}

/** By kind, Ajv, version and action: looked up for every message, without making a text for it. */
type Compiled = Map<Ajv, Partial<Record<OcppVersion, Map<string, ValidateFunction>>>>
const compiled: Record<MessageKind, Compiled> = {
  Request: new Map(),
  Response: new Map(),
  Send: new Map(),
}
/** A repair may bring to light what stood behind it; more than this is no known firmware. */
const REPAIR_ROUNDS_MAX = 4

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
  kind: MessageKind,
  payload: Payload,
): string | null {
  const validate = validator(first, version, action, kind)
  if (validate === null) return `${action} ${kind} is not in the standard`
  if (validate(payload)) return null
  const [error] = validate.errors ?? []
  return error === undefined ? 'invalid' : told(error)
}

/**
 * Makes a payload of a station usable where all that is wrong with it is known, in place; what was
 * found, empty for a valid one.
 * @throws WireError with the code of what is wrong, for anything else.
 */
export function takeIn(
  version: OcppVersion,
  action: string,
  kind: MessageKind,
  payload: Payload,
): readonly string[] {
  if (validator(first, version, action, kind)?.(payload) === true) return []
  const validate = validator(all, version, action, kind)
  if (validate === null) throw new WireError('NotImplemented', `${action} is not in ${version}`)
  const found = new Set<string>()
  for (let round = 0; !validate(payload); round += 1) {
    const errors = validate.errors ?? []
    const repaired = repairKnown(payload, errors)
    const wrong = repaired.unknown ?? (round < REPAIR_ROUNDS_MAX ? null : errors[0])
    if (wrong) throw new WireError(codeOf(wrong), told(wrong))
    for (const one of repaired.found) found.add(one)
    if (!repaired.isChanged) break
  }
  return [...found]
}

function validator(
  ajv: Ajv,
  version: OcppVersion,
  action: string,
  kind: MessageKind,
): ValidateFunction | null {
  const known = compiled[kind].get(ajv)?.[version]?.get(action)
  if (known !== undefined) return known
  const name = kind === 'Send' ? action : `${action}${kind}`
  if (!Object.hasOwn(TEXTS[version], name)) return null
  const validate = ajv.compile(TEXTS[version][name] as object)
  const tables = compiled[kind].get(ajv) ?? {}
  compiled[kind].set(ajv, tables)
  const table = (tables[version] ??= new Map())
  table.set(action, validate)
  return validate
}

/** OCPP-J 4.2.3: type, number of occurrences, value; FormatViolation for what has no place there. */
function codeOf({ keyword }: ErrorObject): WireErrorCode {
  if (keyword === 'type') return 'TypeConstraintViolation'
  if (keyword === 'required' || keyword === 'minItems' || keyword === 'maxItems') {
    return 'OccurrenceConstraintViolation'
  }
  return keyword === 'additionalProperties' ? 'FormatViolation' : 'PropertyConstraintViolation'
}

/** Names the field, never its value: that may be an id tag. */
function told({ keyword, instancePath, params, message }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.')
  if (keyword === 'required') {
    return `${path === '' ? '' : `${path}.`}${String(params['missingProperty'])} is missing`
  }
  return `${path === '' ? 'the payload' : path} ${message ?? keyword}`
}
