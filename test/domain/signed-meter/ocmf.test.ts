import { describe, expect, test } from 'vitest'
import { parseOcmf } from '#domain/signed-meter/ocmf.ts'
import { parseInstant } from '#domain/time.ts'
import { readingFields, recordFields } from '../../support/signed-records.ts'

function textOf(fields: Record<string, unknown>, signature: unknown = { SD: '00' }): string {
  return `OCMF|${JSON.stringify(fields)}|${JSON.stringify(signature)}`
}

describe('a text that is no record is refused, and the error names the field', () => {
  test.each([
    ['nothing', '', 'record: expected OCMF|payload|signature'],
    ['another format', 'PCDF|{}|{}', 'record: expected OCMF|payload|signature'],
    ['one bar only', 'OCMF|{}', 'record: expected OCMF|payload|signature'],
    ['no JSON', 'OCMF|{|{}', 'payload: expected JSON'],
    ['a list', 'OCMF|[]|{}', 'payload: expected a JSON object'],
    ['no signature', textOf(recordFields(), {}), 'SD: expected signature data'],
    ['an unknown encoding', textOf(recordFields(), { SD: '0', SE: 'b85' }), 'SE: expected hex or'],
    ['no readings', textOf(recordFields({ RD: [] })), 'RD: expected a list of readings'],
    ['a page that is none', textOf(recordFields({ PG: 'X1' })), 'PG: expected T or F'],
    ['a time without status', withReading({ TM: '2024-01-17T17:00:00,000+0000' }), 'RD[0].TM'],
    ['the 31st of February', withReading({ TM: '2024-02-31T17:00:00,000+0000 S' }), 'RD[0].TM'],
    ['no number', withReading({ RV: 'NaN' }), 'RD[0].RV: expected a decimal number'],
    ['a number past all meters', withReading({ RV: '9'.repeat(20) }), 'RD[0].RV'],
    ['power for energy', withReading({ RU: 'kW' }), 'RD[0].RU: expected kWh or Wh, got "kW"'],
    ['an unknown mark', withReading({ TX: 'Q' }), 'RD[0].TX'],
  ])('%s', (_what, text, message) => {
    expect(() => parseOcmf(text)).toThrow(SyntaxError)
    expect(() => parseOcmf(text)).toThrow(message)
  })

  test('what a stranger wrote is cut short in the error', () => {
    const error = String(catchError(() => parseOcmf(withReading({ RV: 'x'.repeat(5000) }))))
    expect(error.length).toBeLessThan(150)
  })
})

describe('a record', () => {
  test('keeps its text and the signed bytes as they came', () => {
    const payload = `{ "PG" : "T7" ,"RD": [${JSON.stringify(readingFields())}] }`
    const record = parseOcmf(`OCMF|${payload}|{"SD":"00"}\n`)
    expect(record.payload).toBe(payload)
    expect(record.text).toBe(`OCMF|${payload}|{"SD":"00"}`)
    expect(record.pagination).toEqual({ counter: 'transaction', page: 7 })
  })

  test('is signed on P-256 in hex where it says nothing else', () => {
    const { signature } = parseOcmf(textOf(recordFields()))
    expect(signature).toEqual({ algorithm: 'ECDSA-secp256r1-SHA256', encoding: 'hex', data: '00' })
  })

  test("is its meter's, or its gateway's where it leaves the meter out", () => {
    expect(parseOcmf(textOf(recordFields())).meterSerial).toBe('M-1')
    expect(parseOcmf(textOf(recordFields({ MS: undefined }))).meterSerial).toBe('G-1')
  })

  test('a reading takes what it leaves out from the one before', () => {
    const readings = [readingFields(), { TX: 'E', RV: 11.25 }]
    const [begin, end] = parseOcmf(textOf(recordFields({ RD: readings }))).readings
    expect(end).toEqual({ ...begin, mark: 'end', registerMilliWh: 11_250_000 })
  })

  test.each([
    [10.5, 'kWh', 10_500_000],
    [7753, 'Wh', 7_753_000],
    [0.2596, 'kWh', 259_600],
    ['      48.542', 'kWh', 48_542_000],
    ['00000000.000', 'kWh', 0],
  ])('a register of %s %s is %s mWh', (value, unit, milliWh) => {
    const { readings } = parseOcmf(withReading({ RV: value, RU: unit }))
    expect(readings[0]?.registerMilliWh).toBe(milliWh)
  })

  test.each([
    ['1-b:1.8.0', 'import'],
    ['01-00:01.08.00.FF', 'import'],
    ['1-0:1.8.0*198', 'import'],
    ['1-b:1.8.e', 'import'],
    ['01-00:B0.08.00.FF', 'import'],
    ['01-00:B2.08.00.FF', 'transaction-import'],
    ['1-0:2.8.0', 'export'],
    ['01-00:C3.08.00.FF', 'transaction-export'],
    ['1-b:1.9.0', null],
    ['1-0:1.7.0', null],
    [undefined, null],
  ])('OBIS %s is the register %s', (obis, register) => {
    const { readings } = parseOcmf(withReading({ RI: obis }))
    expect(readings[0]?.register).toBe(register)
  })

  test('may hold readings that are no energy', () => {
    const readings = [readingFields(), { RI: '01-00:00.08.06.FF', RV: 60, RU: 'sec' }]
    const [, duration] = parseOcmf(textOf(recordFields({ RD: readings }))).readings
    expect(duration).toMatchObject({ register: null, registerMilliWh: 0 })
  })

  test.each([
    ['S', 'synchronised'],
    ['I', 'informative'],
    ['R', 'relative'],
    ['U', 'unknown'],
  ])('a clock with status %s is %s', (letter, timeStatus) => {
    const { readings } = parseOcmf(withReading({ TM: `2024-01-17T18:00:00,000+0100 ${letter}` }))
    expect(readings[0]).toMatchObject({ timeStatus, at: parseInstant('2024-01-17T17:00:00Z') })
  })
})

function withReading(changes: Record<string, unknown>): string {
  return textOf(recordFields({ RD: [readingFields(changes)] }))
}

function catchError(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
