/** Payloads made from the published schemas, and what is required in them. */
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import * as schemas16 from 'typed-ocpp/dist/ocpp16/schemas.js'
import * as schemas201 from 'typed-ocpp/dist/ocpp20/schemas.js'
import * as schemas21 from 'typed-ocpp/dist/ocpp21/schemas.js'

export type Version = 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1'
export type Payload = Record<string, unknown>

type Schema = {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Record<string, Schema>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly definitions?: Record<string, Schema>
}

const TEXTS: Record<Version, Record<string, unknown>> = {
  'ocpp1.6': schemas16,
  'ocpp2.0.1': schemas201,
  'ocpp2.1': schemas21,
}

/** Names of the schemas of a version, without 'Request', that a station asks or sends. */
export const OF_STATION: Record<Version, readonly string[]> = {
  'ocpp1.6': words(`
    Authorize BootNotification DataTransfer DiagnosticsStatusNotification
    FirmwareStatusNotification Heartbeat LogStatusNotification MeterValues
    SecurityEventNotification SignCertificate SignedFirmwareStatusNotification
    StartTransaction StatusNotification StopTransaction`),
  'ocpp2.0.1': words(`
    Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification
    Get15118EVCertificate GetCertificateStatus Heartbeat LogStatusNotification MeterValues
    NotifyChargingLimit NotifyCustomerInformation NotifyDisplayMessages
    NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport
    NotifyReport PublishFirmwareStatusNotification ReportChargingProfiles
    ReservationStatusUpdate SecurityEventNotification SignCertificate StatusNotification
    TransactionEvent`),
  'ocpp2.1': words(`
    Authorize BatterySwap BootNotification ClearedChargingLimit ClosePeriodicEventStream
    DataTransfer FirmwareStatusNotification Get15118EVCertificate GetCertificateChainStatus
    GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit
    NotifyCustomerInformation NotifyDERAlarm NotifyDERStartStop NotifyDisplayMessages
    NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport
    NotifyPriorityCharging NotifyReport NotifySettlement OpenPeriodicEventStream
    PublishFirmwareStatusNotification PullDynamicScheduleUpdate ReportChargingProfiles
    ReportDERControl ReservationStatusUpdate SecurityEventNotification SignCertificate
    StatusNotification TransactionEvent VatNumberValidation`),
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}

/** Actions that we may ask of a station: both sides may ask DataTransfer. */
export function ofCentralSystem(version: Version): string[] {
  const actions = Object.keys(TEXTS[version])
    .filter((name) => name.endsWith('Request'))
    .map((name) => name.slice(0, -'Request'.length))
  return actions.filter((one) => one === 'DataTransfer' || !OF_STATION[version].includes(one))
}

/** A payload with everything in it that the schema names. */
export function exampleOf(version: Version, name: string): Payload {
  const schema = TEXTS[version][name] as Schema
  return valueOf(schema, schema) as Payload
}

/** The example once for each field that is required anywhere in it, without that field. */
export function withoutRequired(
  version: Version,
  name: string,
): { readonly field: string; readonly payload: Payload }[] {
  const schema = TEXTS[version][name] as Schema
  return requiredIn(schema, schema, []).map((path) => {
    const payload = exampleOf(version, name)
    const field = path.join('.')
    const key = path.at(-1) ?? ''
    let holder: object = payload
    for (const step of path.slice(0, -1)) holder = Reflect.get(holder, step) as object
    Reflect.deleteProperty(holder, key)
    return { field, payload }
  })
}

/** What is wrong with a payload; null: nothing. Without any code of the product. */
export function createChecker(): (
  version: Version,
  name: string,
  payload: unknown,
) => string | null {
  const ajv = new Ajv({ strictSchema: false, strictTypes: false, multipleOfPrecision: 3 })
  formats.default(ajv)
  const compiled = new Map<string, ValidateFunction>()
  return (version, name, payload) => {
    const key = `${version} ${name}`
    const validate = compiled.get(key) ?? ajv.compile(TEXTS[version][name] as object)
    compiled.set(key, validate)
    return validate(payload) ? null : ajv.errorsText(validate.errors)
  }
}

function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref === undefined) return schema
  const name = schema.$ref.slice('#/definitions/'.length)
  const found = root.definitions?.[name]
  if (found === undefined) throw new Error(`${schema.$ref} is not there`)
  return resolve(found, root)
}

function valueOf(given: Schema, root: Schema): unknown {
  const schema = resolve(given, root)
  if (schema.enum !== undefined) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, one]) => [key, valueOf(one, root)]),
      )
    case 'array':
      return Array.from({ length: Math.max(1, schema.minItems ?? 0) }, () =>
        valueOf(schema.items ?? {}, root),
      )
    case 'string':
      if (schema.format === 'date-time') return '2026-03-02T17:00:00Z'
      return schema.format === 'uri' ? 'https://example.org/' : 'x'
    case 'integer':
    case 'number':
      return Math.min(Math.max(1, schema.minimum ?? 1), schema.maximum ?? 1)
    case 'boolean':
      return true
    default:
      return 'anything'
  }
}

function requiredIn(given: Schema, root: Schema, path: readonly string[]): string[][] {
  const schema = resolve(given, root)
  if (schema.type === 'array') return requiredIn(schema.items ?? {}, root, [...path, '0'])
  const own = (schema.required ?? []).map((name) => [...path, name])
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, one]) =>
    requiredIn(one, root, [...path, key]),
  )
  return [...own, ...inner]
}
