import { describe, expect, it } from 'vitest'
import { controlBias, controlGroupOf } from '#domain/control-group.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { WINDOW_START } from '../support/builders.ts'

const fleet = Array.from({ length: 400 }, (_, i) => resourceId(`r-${i}`))
const share = basisPoints(500)

describe('the control group of a call', () => {
  it('is the same for everybody, in whatever order the devices come', () => {
    const one = controlGroupOf(callId('call-1'), fleet, share)
    expect(one.size).toBe(20)
    expect(controlGroupOf(callId('call-1'), fleet.toReversed(), share)).toEqual(one)
  })

  it('rotates: over many calls every device stands out about equally often', () => {
    const times = new Map(fleet.map((id) => [id, 0]))
    for (let i = 0; i < 400; i++) {
      for (const id of controlGroupOf(callId(`call-${i}`), fleet, share)) {
        times.set(id, (times.get(id) ?? 0) + 1)
      }
    }
    // 400 calls at 5 % are 20 times each; a fair draw stays within 4.5 deviations of 4.4.
    for (const count of times.values()) expect(Math.abs(count - 20)).toBeLessThanOrEqual(20)
    expect(Math.min(...times.values())).toBeGreaterThan(0)
  })

  it('is nobody where the share is no whole device', () => {
    expect(controlGroupOf(callId('call-1'), fleet.slice(0, 19), share).size).toBe(0)
    expect(controlGroupOf(callId('call-1'), fleet, basisPoints(0)).size).toBe(0)
  })
})

describe('what a control group says', () => {
  const period = (id: string, i: number, baselineWh: number, measuredWh: number | null) => ({
    resourceId: resourceId(id),
    start: addSeconds(WINDOW_START, i * 900),
    end: addSeconds(WINDOW_START, (i + 1) * 900),
    orderedWh: 0,
    baselineWh,
    measuredWh,
    deliveredWh: 0,
  })

  it('is baseline minus metered, as a share of what was metered', () => {
    const measured = [
      period('a', 0, 1100, 1000),
      period('a', 1, 900, 1000),
      period('b', 0, 500, 300),
    ]
    expect(controlBias(measured)).toEqual({
      devices: 2,
      baselineWh: 2500,
      meteredWh: 2300,
      biasWh: 200,
      biasBp: 870,
    })
  })

  it('leaves out who is not known in every period, and says nothing of nobody', () => {
    const half = [period('a', 0, 1100, 1000), period('a', 1, 900, null)]
    expect(controlBias(half)).toBeNull()
    expect(controlBias([...half, period('b', 0, 10, 0)])).toMatchObject({
      devices: 1,
      biasWh: 10,
      biasBp: null,
    })
  })
})
