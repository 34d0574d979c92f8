import { describe, expect, test } from 'vitest'
import { continuityFaults } from '#domain/signed-meter/continuity.ts'
import { type OcmfRecord, parseOcmf } from '#domain/signed-meter/ocmf.ts'
import { readingFields, recordFields } from '../../support/signed-records.ts'

/** Records of one meter: pages from 1, a register that grows by 100 Wh. */
function row(...changes: readonly Record<string, unknown>[]): OcmfRecord[] {
  return changes.map(({ PG, MS, ...reading }, i) => {
    const record = { PG: PG ?? `T${i + 1}`, ...(MS === undefined ? {} : { MS }) }
    const RD = [readingFields({ RV: 1000 + i * 100, RU: 'Wh', TX: 'C', ...reading })]
    return parseOcmf(`OCMF|${JSON.stringify(recordFields({ ...record, RD }))}|{"SD":"00"}`)
  })
}

function codesOf(records: readonly OcmfRecord[], mayEndOpen = false): string[] {
  return continuityFaults(records, { meterSerial: 'M-1', mayEndOpen }).map(({ code }) => code)
}

describe('a row of records does not hold together where', () => {
  test.each([
    ['a page is missing', row({}, { PG: 'T3' }), ['pagination-gap']],
    ['a page comes twice with another content', row({}, { PG: 'T1' }), ['pagination-repeated']],
    ['pages go backwards', row({ PG: 'T9' }, { PG: 'T8' }), ['pagination-gap']],
    ['there is no page', row({ PG: '' }), ['no-pagination']],
    ['another meter speaks', row({}, { MS: 'M-2' }), ['another-meter']],
    ['a register falls', row({}, { RV: 999 }), ['register-falls']],
    ['the meter is not well', row({ ST: 'M' }), ['status-not-good']],
    ['the energy is in error', row({ EF: 'E' }), ['energy-error']],
    ['the time is in error', row({ EF: 't' }), ['time-error']],
    ['the clock was never set', row({ TM: '1970-01-01T01:00:00,000+0000 U' }), ['time-unknown']],
    ['values are given up', row({ TX: 'X' }), ['values-unusable']],
    ['a begin has no end', row({ TX: 'B' }, {}), ['begin-without-end']],
    ['an end has no begin', row({}, { TX: 'E' }), ['end-without-begin']],
    [
      'a begin follows a begin',
      row({ TX: 'B' }, later({ TX: 'B' }), later({ TX: 'E' })),
      ['begin-without-end'],
    ],
  ])('%s', (_what, records, codes) => {
    expect(codesOf(records)).toEqual(codes)
  })
})

describe('a row of records holds together where', () => {
  test('pages, registers, begin and end follow one another', () => {
    expect(codesOf(row({ TX: 'B' }, {}, {}, { TX: 'E' }))).toEqual([])
  })

  test('the same record comes twice: devices send again', () => {
    const records = row({ TX: 'B' }, { TX: 'E' })
    expect(codesOf([...records, ...records])).toEqual([])
  })

  test('a transaction is still open, and may be', () => {
    expect(codesOf(row({ TX: 'B' }, {}), true)).toEqual([])
  })

  test('fiscal pages count apart from those of transactions', () => {
    expect(codesOf(row({ PG: 'T5' }, { PG: 'F9' }, { PG: 'T6' }, { PG: 'F10' }))).toEqual([])
  })

  test('the register of a transaction begins anew with it', () => {
    const RI = '01-00:B2.08.00.FF'
    const first = [{ TX: 'B', RV: 0, RI }, later({ TX: 'E', RV: 900, RI })]
    const second = [later({ TX: 'B', RV: 0, RI }, 20), later({ TX: 'E', RV: 700, RI }, 30)]
    expect(codesOf(row(...first, ...second))).toEqual([])
  })
})

function later(changes: Record<string, unknown>, minutes = 10): Record<string, unknown> {
  return { TM: `2024-01-17T17:${minutes}:00,000+0000 S`, ...changes }
}
