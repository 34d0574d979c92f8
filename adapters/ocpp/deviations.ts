/**
 * What stations are known to do against the schemas, as data: how it shows, how it is read. Whatever
 * else violates a schema is refused. Each row names the thread that it was seen in.
 */
import type { ErrorObject } from 'ajv'
import type { Payload } from './frames.ts'
import { fromTimestamp, toTimestamp } from './wire.ts'

/** undefined: left out of its object or list. */
type Repair = (value: unknown, error: ErrorObject) => unknown

type KnownDeviation = {
  readonly what: string
  readonly keyword: ErrorObject['keyword']
  /** Where in the payload, as a JSON pointer. */
  readonly path: RegExp
  readonly holds?: (value: unknown, error: ErrorObject) => boolean
  /** null: used as it is. */
  readonly repair: Repair | null
}

const dropped: Repair = () => undefined
const asText: Repair = (value) => String(value)
const isNumber = (value: unknown) => typeof value === 'number'
const ANYWHERE = /^/
/** Texts that nothing is decided by; ids of transactions and the like are never cut. */
const ONLY_SHOWN =
  /(SerialNumber|serialNumber|[mM]odel|[vV]endor|vendorName|firmwareVersion|iccid|imsi|meterType|info|vendorErrorCode|vendorId|techInfo|additionalInfo|configurationKey\/\d+\/value)$/

const KNOWN: readonly KnownDeviation[] = [
  {
    // steve-community/steve#1460, lbbrhzn/ocpp#362
    what: 'a property that is not in the standard',
    keyword: 'additionalProperties',
    path: ANYWHERE,
    repair: dropped,
  },
  {
    // mobilityhouse/ocpp#296
    what: 'null in place of nothing',
    keyword: 'type',
    path: ANYWHERE,
    holds: (value) => value === null,
    repair: dropped,
  },
  {
    // Schneider EVlink, HICI: lbbrhzn/ocpp#1622, lorenzodonini/ocpp-go#359; info: lbbrhzn/ocpp#987;
    // configuration values of Wallbox: evcc-io/evcc#12901
    what: 'a text that is too long',
    keyword: 'maxLength',
    path: ONLY_SHOWN,
    repair: (value, error) => String(value).slice(0, Number(error.params['limit'])),
  },
  {
    // OpenEVSE: lbbrhzn/ocpp#210; configuration values: lbbrhzn/ocpp#1499
    what: 'a number in place of a text',
    keyword: 'type',
    path: /\/(sampledValue|configurationKey)\/\d+\/value$/,
    holds: isNumber,
    repair: asText,
  },
  {
    // virta-ltd/charge-device-simulator#9; values of 2.x are numbers, those of 1.6 were texts
    what: 'a text in place of a number',
    keyword: 'type',
    path: ANYWHERE,
    holds: (value, error) => isNumberText(value) && isNumberType(error),
    repair: (value) => Number(value),
  },
  {
    // Huawei: lbbrhzn/ocpp#1144
    what: 'one meter value in place of a list',
    keyword: 'type',
    path: /^\/(meterValue|transactionData)$/,
    holds: (value, error) => error.params['type'] === 'array' && isObject(value),
    repair: (value) => [value],
  },
  {
    // lbbrhzn/ocpp#466
    what: 'a meter value without values',
    keyword: 'minItems',
    path: /\/(meterValue|transactionData|sampledValue)$/,
    repair: null,
  },
  {
    // ChargeAmps 'Hz': lbbrhzn/ocpp#1576; measurands: mobilityhouse/ocpp#54; Alfen's context:
    // lbbrhzn/ocpp#361
    what: 'a measured value in words that are not in the standard',
    keyword: 'enum',
    path: /\/sampledValue\/\d+\/(unit|measurand|context|phase|location|format)$/,
    repair: dropped,
  },
  {
    // Legrand 'Error': lbbrhzn/ocpp#1248
    what: 'an error code that is not in the standard',
    keyword: 'enum',
    path: /^\/errorCode$/,
    holds: (value) => typeof value === 'string',
    repair: () => 'OtherError',
  },
  {
    // Growatt without offset: evcc-io/evcc#10399; '+02': monta-app/ocpp-emulator#53
    what: 'a stamp in another form of ISO 8601',
    keyword: 'format',
    path: ANYWHERE,
    holds: (value) => typeof value === 'string' && fromTimestamp(value) !== null,
    repair: (value) => {
      const at = fromTimestamp(String(value))
      return at === null ? value : toTimestamp(at)
    },
  },
  {
    // evcc-io/evcc#15028
    what: 'a composite schedule without periods',
    keyword: 'minItems',
    path: /^\/(schedule|chargingSchedule)\/chargingSchedulePeriod$/,
    repair: null,
  },
]

/** Without its measurand a value would pass for energy: it goes as a whole, not only its word. */
const GOES_WHOLE = /(\/sampledValue\/\d+)\/(measurand|phase|location|format|unit)$/

/**
 * Repairs in place what is known among the errors. `unknown`: the first error that is not known;
 * `isChanged`: there was something to repair, so that another look is due.
 */
export function repairKnown(
  payload: Payload,
  errors: readonly ErrorObject[],
): { found: string[]; unknown: ErrorObject | null; isChanged: boolean } {
  const found: string[] = []
  const lists = new Set<unknown[]>()
  let unknown: ErrorObject | null = null
  let isChanged = false
  for (const error of errors) {
    const pointer = pointerOf(error)
    const place = locate(payload, pointer)
    // What a repair before has taken away needs none.
    if (place === null) continue
    const row = KNOWN.find(
      ({ keyword, path, holds }) =>
        keyword === error.keyword && path.test(pointer) && (holds?.(place.value, error) ?? true),
    )
    if (row === undefined) {
      unknown ??= error
      continue
    }
    found.push(`${row.what} (${pointer})`)
    if (row.repair === null) continue
    isChanged = true
    put(payload, pointer, row.repair(place.value, error), lists)
  }
  for (const list of lists) list.splice(0, list.length, ...list.filter((one) => one !== undefined))
  return { found, unknown, isChanged }
}

/** The place of an unknown property is the property's own. */
function pointerOf({ keyword, instancePath, params }: ErrorObject): string {
  if (keyword !== 'additionalProperties') return instancePath
  const name = String(params['additionalProperty']).replaceAll('~', '~0').replaceAll('/', '~1')
  return `${instancePath}/${name}`
}

/** null: nothing is there any more. */
function locate(payload: Payload, pointer: string): { value: unknown } | null {
  if (pointer === '') return { value: payload }
  const holder = holderOf(payload, pointer)
  if (holder === null) return null
  const value = Reflect.get(holder.object, holder.key) as unknown
  return value === undefined ? null : { value }
}

function holderOf(payload: Payload, pointer: string): { object: object; key: string } | null {
  const keys = pointer.split('/').slice(1).map(unescaped)
  const key = keys.pop()
  if (key === undefined) return null
  let object: unknown = payload
  for (const one of keys) {
    if (typeof object !== 'object' || object === null || !Object.hasOwn(object, one)) return null
    object = Reflect.get(object, one)
  }
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, key)) return null
  return { object, key }
}

function put(payload: Payload, pointer: string, value: unknown, lists: Set<unknown[]>): void {
  const whole = value === undefined ? GOES_WHOLE.exec(pointer) : null
  const end = whole === null ? pointer : pointer.slice(0, whole.index + (whole[1]?.length ?? 0))
  const holder = holderOf(payload, end)
  if (holder === null) return
  if (value === undefined && !Array.isArray(holder.object)) {
    Reflect.deleteProperty(holder.object, holder.key)
    return
  }
  Reflect.set(holder.object, holder.key, value)
  // Indices of later errors stay valid until all are handled: holes are closed at the end.
  if (Array.isArray(holder.object)) lists.add(holder.object)
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}

function isNumberText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
}

function isNumberType({ params }: ErrorObject): boolean {
  return params['type'] === 'number' || params['type'] === 'integer'
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
