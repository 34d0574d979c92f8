import { expect, test } from 'vitest'
import { chainWords } from '#dashboards/aggregator/device-truth.tsx'

type Setpoint = Parameters<typeof chainWords>[0]

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 14, 16, 0, seconds)).toISOString()

function chain(changes: Partial<Setpoint> = {}): string {
  const setpoint: Setpoint = {
    callId: 'c',
    version: 1,
    validFrom: at(0),
    validUntil: at(900),
    ordered: { at: at(0), powerW: 1400 },
    acknowledged: { at: at(1), strategy: 'TxProfile A' },
    effective: { at: at(2), powerW: 1380 },
    observed: { at: at(30), powerW: 1390 },
    refusal: null,
    missing: [],
    ...changes,
  }
  return chainWords(setpoint, 'UTC').join(' → ').replaceAll(/\s/g, ' ')
}

test('a refusal ends the line with what the device said', () => {
  expect(chain({ acknowledged: null, refusal: 'no transaction' })).toBe(
    'Told 1.4 kW at 16:00:00 → refused: no transaction',
  )
  expect(chain({ acknowledged: null })).toMatch(/→ not acknowledged yet$/)
})

test('the link that is missing is named where it is missing', () => {
  expect(chain({ effective: null, observed: null })).toBe(
    'Told 1.4 kW at 16:00:00 → acknowledged at 16:00:01 as TxProfile A → not read back → ' +
      'not seen by its meter yet',
  )
  expect(chain({ effective: { at: null, powerW: 6210 } })).toContain('→ says 6.21 kW instead →')
})

test('a whole chain has four links, and a device that is let go its own default', () => {
  expect(chain()).toBe(
    'Told 1.4 kW at 16:00:00 → acknowledged at 16:00:01 as TxProfile A → ' +
      'in force at 16:00:02 → metered 1.39 kW at 16:00:30',
  )
  expect(chain({ ordered: { at: at(900), powerW: null } })).toMatch(/^Told its own default at/)
})
