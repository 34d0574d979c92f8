import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SETTLEMENT_PROPERTIES } from '../support/settlement-properties.ts'

const CASES = 100_000

describe('a hundred thousand splits under policies of every kind', () => {
  let checked = 0
  const numRuns = CASES / SETTLEMENT_PROPERTIES.length
  it.each(SETTLEMENT_PROPERTIES)(
    '$sentence',
    ({ property }) => {
      const found = fc.check(property, { numRuns })
      if (found.failed) throw new Error(fc.defaultReportMessage(found))
      checked += found.numRuns
    },
    60_000,
  )

  it('are as many as said', () => expect(checked).toBe(CASES))
})
