import { describe, expect, it } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import { type DeviceReading, withMeanPower } from '#domain/telemetry.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'

function reading(seconds: number, registerWh: number, powerW: number | null): DeviceReading {
  const at = addSeconds(WINDOW_START, seconds)
  return { resourceId: resourceId('r'), at, powerW, registerWh, socBp: null }
}

describe('a reading without power', () => {
  it('has the mean power that its register shows, also of what was exported', () => {
    const told = [reading(0, 1000, null), reading(30, 1058, null), reading(60, 1050, null)]
    expect(withMeanPower(told, 30).map(({ powerW }) => powerW)).toEqual([null, 6960, -960])
  })

  it('has none where the reading before lies too long ago, and what was told stays', () => {
    const told = [reading(0, 0, 100), reading(90, 500, null), reading(120, 500, 7000)]
    expect(withMeanPower(told, 30)).toEqual(told)
  })
})
