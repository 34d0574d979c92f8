import { expect, test } from 'vitest'
import { playQuirks } from '#test/support/quirk-call.ts'
import { complaintsOf, rowsOf } from '#test/support/quirk-rows.ts'

/*
 * A few quirks in short calls, fast; all of them are in test/faults/quirk-matrix.test.ts. Silence
 * takes wall time to be noticed and has no place here.
 */
const SPEED = 200

test('a call with chargers that ignore, refuse or mumble is delivered, and the truth is paid', async () => {
  const rows = rowsOf('1.6', [
    'A6',

    'A10',
    'C2',
    'B6',
    'B7',
    'refuses',
    'D3',
    'D6',
    'contradicts',
    'D9',
    'D10',
    'E1',
    'E3',
    'sparse',
    'E6',
    'reordered',
  ]).map((row) => ({ ...row, orderedW: row.orderedW.slice(0, 1) }))
  const outcomes = await playQuirks(rows, SPEED, 'measured')
  expect(outcomes.map(({ state }) => state)).toEqual(rows.map(() => 'measured'))
  expect(complaintsOf(rows, outcomes)).toEqual([])
})
