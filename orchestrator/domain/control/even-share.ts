import { allocate, type Allocation, type Offerable, type PeriodNeed } from '../allocation.ts'
import { limitsOf, meritOrder, STEP_W } from '../allocation/offers.ts'
import { shareAtPoint } from '../network-effect.ts'
import type { Direction } from '../resource.ts'

type Shared = {
  readonly parts: Allocation[]
  /** What they cannot give, W at the congestion point. */
  readonly left: readonly PeriodNeed[]
}

/**
 * Asks the same share of their headroom from all devices, per period and in whole steps, cheapest
 * first: what steps leave over is not asked of the dearest. None is stopped for its share.
 */
export function evenly(
  needs: readonly PeriodNeed[],
  offers: readonly Offerable[],
  direction: Direction,
): Shared {
  const inMerit = offers.toSorted((a, b) => meritOrder(a.candidate, b.candidate))
  const devices = inMerit.map((offer) => {
    return {
      offer,
      maxW: limitsOf(offer, needs, direction).maxW,
      felt: shareAtPoint(offer.candidate),
    }
  })
  const shares = needs.map(({ powerW }, t) => {
    const roomW = devices.reduce((sum, { maxW, felt }) => sum + (maxW[t] ?? 0) * felt, 0)
    return Math.min(1, powerW / Math.max(roomW, STEP_W))
  })
  let left = needs
  const parts: Allocation[] = []
  for (const { offer, maxW, felt } of devices) {
    const asked = left.map((need, t) => {
      const shareW = Math.ceil(((shares[t] ?? 0) * (maxW[t] ?? 0)) / STEP_W) * STEP_W
      return { ...need, powerW: Math.min(need.powerW, shareW * felt) }
    })
    const given = allocate(asked, [offer], direction, 'repair')
    parts.push(...given)
    left = left.map((need) => {
      const period = given[0]?.periods.find(({ start }) => start === need.start)
      return { ...need, powerW: Math.max(0, need.powerW - (period?.powerW ?? 0) * felt) }
    })
  }
  return { parts, left }
}
