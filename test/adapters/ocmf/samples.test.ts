import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { continuityFaults } from '#domain/signed-meter/continuity.ts'
import { parseOcmf } from '#domain/signed-meter/ocmf.ts'
import { describeWith } from '../../support/describe-with.ts'

/** What each sample of the S.A.F.E. transparency software yields, record by record. */
const samples: readonly (readonly [file: string, results: string])[] = [
  ['measurements.xml', '21 valid prime256v1'],
  ['test_ocmf_keba_kcp30.xml', '1 valid prime256v1'],
  ['ocmf_tariff_1.xml', '1 valid prime256v1'],
  ['test_ocmf_ebee_01.xml', '2 valid prime256v1'],
  ['ocmf_sec.xml', '2 valid secp256k1'],
  ['OCMF_Test_Data_00.xml', '2 valid secp256k1'],
  ['test_ocmf_transaction_two_values.xml', '2 valid secp192k1'],
  ['nistP384_0Wh.xml', '2 valid secp384r1'],
  ['brainpoolP256r1.xml', '2 valid brainpoolP256r1'],
  ['keba_test.xml', '100 valid prime256v1'],
  // Made to fail, or failing in the reference software too.
  ['test_ocmf_keba_kcp30_fail.xml', '1 invalid'],
  ['test_ocmf_ebee_02.xml', '1 invalid, 1 valid'],
  ['second_key_fail_ocmf.xml', '1 valid, 1 invalid'],
  ['log4j_test3.xml', '1 invalid'],
]

describeWith('GRIDCALL_DATA', 'the samples of S.A.F.E. e.V.', (data) => {
  test.each(samples)('%s: %s', (file, expected) => {
    const results = recordsOf(data, file).map(({ text, key }) => {
      return checkMeterSignature(parseOcmf(text), key).result
    })
    expect(inRuns(results)).toBe(expected.replace(/ (prime|secp|brain)\S+$/, ''))
  })

  test('a meter that writes its integers at full length is read leniently, which is told', () => {
    const results = recordsOf(data, 'test.xml').map(({ text, key }) => {
      return checkMeterSignature(parseOcmf(text), key)
    })
    expect(results).toEqual([
      { result: 'valid', detail: 'key as SPKI, signature as DER' },
      { result: 'valid', detail: 'key as SPKI, signature as loose DER' },
    ])
  })

  test('a bare point as key and bare numbers as signature are read, which is told', () => {
    const [record] = recordsOf(data, 'OCMF-receipt-with_publickey_and_data.xml')
    const result = checkMeterSignature(parseOcmf(record?.text ?? ''), record?.key ?? '')
    expect(result).toEqual({
      result: 'valid',
      detail: 'key as raw point, signature as raw r and s',
    })
  })

  test('a register that falls between two records of one file is found', () => {
    const records = recordsOf(data, 'test_ocmf_ebee_02.xml').map(({ text }) => parseOcmf(text))
    const faults = continuityFaults(records, { meterSerial: null, mayEndOpen: false })
    expect(faults.map(({ code }) => code)).toContain('register-falls')
  })

  test('a hundred records of one meter: pages without a gap, and a clock that was never set', () => {
    const records = recordsOf(data, 'keba_test.xml').map(({ text }) => parseOcmf(text))
    const faults = continuityFaults(records, { meterSerial: '16913115', mayEndOpen: false })
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(['time-unknown']))
  })

  test('one character of a payload changed: no sample is valid any more', () => {
    for (const [file] of samples.filter(([name]) => name !== 'keba_test.xml')) {
      for (const { text, key } of recordsOf(data, file)) {
        const changed = text.replace(/"RV"\s*:\s*"?\s*(\d)/, (whole, digit: string) =>
          whole.replace(/\d$/, String((Number(digit) + 1) % 10)),
        )
        expect(changed).not.toBe(text)
        expect(checkMeterSignature(parseOcmf(changed), key).result, file).toBe('invalid')
      }
    }
  })
})

describe('the reader of the samples', () => {
  test('takes record and key out of the container', () => {
    expect(
      recordsIn(`<value><signedData format="OCMF">\nOCMF|{}|{}\n</signedData>
      <publicKey encoding="hex">30 59</publicKey></value>`),
    ).toEqual([{ text: 'OCMF|{}|{}', key: '30 59' }])
  })
})

function recordsOf(data: string, file: string) {
  const found = recordsIn(readFileSync(join(data, 'ocmf', file), 'utf8'))
  expect(found.length, file).toBeGreaterThan(0)
  return found
}

function recordsIn(xml: string): { text: string; key: string }[] {
  return [...xml.matchAll(/<value\b[\s\S]*?<\/value>/g)].map(([value]) => ({
    text: inside(value, 'signedData'),
    key: inside(value, 'publicKey'),
  }))
}

function inside(xml: string, tag: string): string {
  return new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`).exec(xml)?.[1]?.trim() ?? ''
}

function inRuns(results: readonly string[]): string {
  const runs: { word: string; count: number }[] = []
  for (const word of results) {
    const last = runs.at(-1)
    if (last?.word === word) last.count += 1
    else runs.push({ word, count: 1 })
  }
  return runs.map(({ word, count }) => `${count} ${word}`).join(', ')
}
