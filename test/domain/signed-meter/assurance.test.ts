import { describe, expect, test } from 'vitest'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { gatewayId, resourceId } from '#domain/ids.ts'
import { type AssuranceInput, assuranceOf, inOrderOfPages } from '#domain/signed-meter/assurance.ts'
import { hashOfRecord } from '#domain/signed-meter/meter-key.ts'
import { shownRecords } from '#domain/signed-meter/vouch.ts'
import { CHAIN_START, type Reading, type ReadingQuality } from '#domain/telemetry.ts'
import { addSeconds, type Instant, parseInstant } from '#domain/time.ts'
import { readingFields, recordFields, signingMeter } from '../../support/signed-records.ts'

const START = parseInstant('2024-01-17T17:00:00Z')
const id = resourceId('charger-1')
const meter = signingMeter()
const quarter = (n: number): Instant => addSeconds(START, n * 900)

/** A signed register of 1 kWh at the window's start and 250 Wh more in each quarter after. */
function record(n: number, changes: Record<string, unknown> = {}): string {
  const { PG = `F${n + 10}`, ID, ...reading } = changes
  const TM = `2024-01-17T17:${String(n * 15).padStart(2, '0')}:00,000+0000 S`
  const RD = [readingFields({ TM, TX: undefined, RV: 1 + n * 0.25, ...reading })]
  return meter.record(recordFields({ PG, ...(ID === undefined ? {} : { ID }), RD }))
}

function reading(n: number, quality: ReadingQuality = 'measured', registerWh = 1000 + n * 250) {
  const row: Reading = {
    resourceId: id,
    at: quarter(n),
    powerW: 1000,
    registerWh,
    socBp: null,
    quality,
    receivedAt: quarter(n),
    gatewayId: gatewayId('gateway-1'),
    sequence: n,
    previousHash: CHAIN_START,
    hash: CHAIN_START,
    signature: '0x',
  }
  return row
}

function classOf(changes: Partial<AssuranceInput> = {}): string {
  const input: AssuranceInput = {
    resourceId: id,
    meter: { serial: 'M-1', publicKey: meter.publicKey },
    boundaries: [quarter(0), quarter(1), quarter(2)],
    readings: [reading(0), reading(1), reading(2)],
    records: [record(0), record(1), record(2)],
    ...changes,
  }
  const { assurance, reasons } = assuranceOf(input, checkMeterSignature)
  return [assurance, ...reasons].join(' ')
}

describe('readings are of class A', () => {
  test('where the meter signed every register that is settled on, and nothing is missing', () => {
    expect(classOf()).toBe('A')
  })

  test('where the plain register was rounded to whole Wh', () => {
    const odd = [record(0), record(1, { RV: 1.2504 }), record(2)]
    expect(classOf({ records: odd })).toBe('A')
  })
})

describe('readings are of class B, and it is said why', () => {
  const forged = record(1).replace('1.25', '1.35')
  const short = record(1).replace(/("SD":")[0-9a-f]{4}/, '$1')
  test.each<[string, Partial<AssuranceInput>, string]>([
    ['no key was enrolled', { meter: null }, 'B no-key'],
    ['nothing signed came', { records: [] }, 'B no-records'],
    ['a payload was changed', { records: [record(0), forged, record(2)] }, 'B signature-invalid'],
    ['a signature was cut', { records: [record(0), short, record(2)] }, 'B signature-invalid'],
    [
      'the key is of another curve than can be read',
      { meter: { serial: 'M-1', publicKey: 'ab'.repeat(70) } },
      'B cannot-be-verified',
    ],
    ['a page is missing', { records: [record(0), record(2)] }, 'B pagination-gap'],
    [
      'another meter was enrolled',
      { meter: { serial: 'M-2', publicKey: meter.publicKey } },
      'B another-meter',
    ],
    [
      'the meter reports an error',
      { records: [record(0), record(1, { ST: 'E' }), record(2)] },
      'B status-not-good',
    ],
    [
      'an end of an ordered stretch has no signed register',
      { boundaries: [quarter(0), addSeconds(START, 1200)] },
      'B no-signed-register-at',
    ],
    [
      'the reading used is not what the meter signed',
      { readings: [reading(0), reading(1, 'measured', 1252), reading(2)] },
      'B signed-register-differs',
    ],
    ['a record is no record', { records: [record(0), 'OCMF|{', record(2)] }, 'B unreadable'],
  ])('%s', (_what, changes, expected) => {
    expect(classOf(changes)).toBe(expected)
  })
})

test('readings that somebody told, or that are missing, are of class D', () => {
  expect(classOf({ readings: [reading(0), reading(1, 'imported')] })).toBe('D imported-readings')
  expect(classOf({ readings: [] })).toBe('D no-readings')
})

describe('what is shown of signed records', () => {
  const stored = (text: string, at: Instant) => {
    const kept = { resourceId: id, hash: hashOfRecord(text), text, at, receivedAt: at }
    return { ...kept, gatewayId: gatewayId('gateway-1') }
  }

  test('stands in the order of pages, whatever the order of arrival', () => {
    const [first, second, third] = [record(0), record(1), record(2)]
    expect(inOrderOfPages([third, first, second])).toEqual([first, second, third])
  })

  test('leaves out a record that says who charged', () => {
    const named = record(1, { ID: '7BCF78AD' })
    const plain = record(0)
    const shown = shownRecords([stored(named, quarter(1)), stored(plain, quarter(0))])
    expect(shown).toEqual([{ resourceId: id, text: plain }])
  })
})
