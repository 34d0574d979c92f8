import { describe, expect, test } from 'vitest'
import { WireError } from '#adapters/ocpp/frames.ts'
import { deviation, takeIn } from '#adapters/ocpp/schemas.ts'
import type { Payload, Version } from './schema-example.ts'

const STAMP = '2026-03-02T17:00:00Z'
const boot = { chargePointVendor: 'V', chargePointModel: 'M' }
const status = { connectorId: 1, status: 'Available', errorCode: 'NoError' }

function meterValues(...sampledValue: Payload[]): Payload {
  return { connectorId: 1, meterValue: [{ timestamp: STAMP, sampledValue }] }
}

function refusal(version: Version, action: string, payload: Payload): string {
  try {
    takeIn(version, action, 'Request', payload)
  } catch (error) {
    if (error instanceof WireError) return error.code
    throw error
  }
  return 'taken'
}

describe('refused', () => {
  test.each<[string, string, Payload, string]>([
    ['null for what is required', 'Authorize', { idTag: null }, 'OccurrenceConstraintViolation'],
    [
      'a status that is not in the standard',
      'StatusNotification',
      { ...status, status: 'Idle' },
      'PropertyConstraintViolation',
    ],
    [
      'an id tag that is too long',
      'Authorize',
      { idTag: 'x'.repeat(21) },
      'PropertyConstraintViolation',
    ],
    [
      'a number that is none',
      'StatusNotification',
      { ...status, connectorId: 'one' },
      'TypeConstraintViolation',
    ],
    [
      'a part of a number',
      'StatusNotification',
      { ...status, connectorId: '1.5' },
      'TypeConstraintViolation',
    ],
    [
      'a stamp that is none',
      'StatusNotification',
      { ...status, timestamp: 'now' },
      'PropertyConstraintViolation',
    ],
    [
      'a known deviation beside an unknown one',
      'StatusNotification',
      { ...status, more: 1, connectorId: [] },
      'TypeConstraintViolation',
    ],
  ])('%s', (_, action, payload, code) => {
    expect(refusal('ocpp1.6', action, payload)).toBe(code)
  })
})

describe('known, recorded and used', () => {
  const value = { value: '1', measurand: 'Power.Active.Import' }
  test.each<[string, Version, string, 'Request' | 'Response', Payload, Payload]>([
    [
      'a property that is not in the standard',
      ...(['ocpp1.6', 'StatusNotification', 'Request'] as const),
      { ...status, 'a/b~c': 1 },
      status,
    ],
    [
      'null in place of nothing',
      ...(['ocpp1.6', 'StatusNotification', 'Request'] as const),
      { ...status, info: null },
      status,
    ],
    [
      'a text that is too long',
      ...(['ocpp1.6', 'BootNotification', 'Request'] as const),
      { ...boot, chargePointSerialNumber: '3N0000000000000000000000S1' },
      { ...boot, chargePointSerialNumber: '3N0000000000000000000000S' },
    ],
    [
      'a number in place of a text',
      ...(['ocpp1.6', 'MeterValues', 'Request'] as const),
      meterValues({ ...value, value: 604.213 }),
      meterValues({ ...value, value: '604.213' }),
    ],
    [
      'a text in place of a number',
      ...(['ocpp1.6', 'StatusNotification', 'Request'] as const),
      { ...status, connectorId: '1' },
      status,
    ],
    [
      'one meter value in place of a list',
      ...(['ocpp1.6', 'MeterValues', 'Request'] as const),
      { connectorId: 1, meterValue: { timestamp: STAMP, sampledValue: [value] } },
      meterValues(value),
    ],
    [
      'a measured value in words that are not in the standard',
      ...(['ocpp1.6', 'MeterValues', 'Request'] as const),
      meterValues({ value: '50', unit: 'Hz', measurand: 'Request.Energy' }, value, {
        ...value,
        unit: 'kVAh',
      }),
      meterValues(value),
    ],
    [
      'a measured value in words that are not in the standard',
      ...(['ocpp1.6', 'MeterValues', 'Request'] as const),
      meterValues({ ...value, context: 'Sample' }),
      meterValues(value),
    ],
    [
      'an error code that is not in the standard',
      ...(['ocpp1.6', 'StatusNotification', 'Request'] as const),
      { ...status, errorCode: 'Error' },
      { ...status, errorCode: 'OtherError' },
    ],
    [
      'a stamp in another form of ISO 8601',
      ...(['ocpp1.6', 'StatusNotification', 'Request'] as const),
      { ...status, timestamp: '2026-03-02T17:00:00' },
      { ...status, timestamp: STAMP },
    ],
    [
      'a meter value without values',
      ...(['ocpp2.0.1', 'MeterValues', 'Request'] as const),
      { evseId: 1, meterValue: [{ timestamp: STAMP, sampledValue: [] }] },
      { evseId: 1, meterValue: [{ timestamp: STAMP, sampledValue: [] }] },
    ],
    [
      'a composite schedule without periods',
      ...(['ocpp2.0.1', 'GetCompositeSchedule', 'Response'] as const),
      composite(),
      composite(),
    ],
  ])('%s', (what, version, action, kind, sent, used) => {
    const payload = structuredClone(sent)
    expect(deviation(version, action, kind, payload)).not.toBeNull()
    const found = takeIn(version, action, kind, payload)
    expect(payload).toEqual(used)
    expect(found.every((one) => one.startsWith(what))).toBe(true)
    expect(found).not.toEqual([])
  })
})

test('a valid message is left as it is, with nothing to record', () => {
  const payload = meterValues({ value: '1', measurand: 'Temperature', unit: 'Celcius' })
  expect(takeIn('ocpp1.6', 'MeterValues', 'Request', payload)).toEqual([])
  expect(payload).toEqual(meterValues({ value: '1', measurand: 'Temperature', unit: 'Celcius' }))
})

test('a thousand deviations in one message are found at once and told one by one', () => {
  const odd = Array.from({ length: 1_000 }, (_, i) => ({ value: String(i), [`vendor${i}`]: i }))
  const payload = meterValues(...odd)
  expect(takeIn('ocpp1.6', 'MeterValues', 'Request', payload)).toHaveLength(1_000)
  expect(deviation('ocpp1.6', 'MeterValues', 'Request', payload)).toBeNull()
})

function composite(): Payload {
  const chargingSchedulePeriod: Payload[] = []
  const schedule = { evseId: 1, duration: 60, scheduleStart: STAMP, chargingRateUnit: 'A' }
  return { status: 'Accepted', schedule: { ...schedule, chargingSchedulePeriod } }
}
