import { expect, test } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { checkSize } from '#lifecycle/forecast-availability.ts'
import { WINDOW_START } from '../support/builders.ts'

test('a forecast of more than 100,000 devices times settlement periods is refused', () => {
  const window = { start: WINDOW_START, end: addSeconds(WINDOW_START, 6 * 3600) }
  const ask = (devices: number) => () => checkSize(devices, { window, periodSeconds: 900 })
  expect(ask(4167)).toThrow(
    expect.objectContaining({
      code: 'malformed',
      problems: [
        expect.objectContaining({
          field: 'query.end',
          expected: '23 settlement periods at most, for 4167 devices',
        }),
      ],
    }),
  )
  expect(ask(4166)).not.toThrow()
  expect(ask(0)).not.toThrow()
})
