import { type Allocation, cutAt } from '../allocation.ts'
import { asAtGate } from '../reserve.ts'
import type { Instant } from '../time.ts'
import { toldAt } from './call-world.ts'
import type { ToldStep } from './correction.ts'

/** W told at an instant by steps in order of time; 0 before the first. */
export function toldBy(steps: readonly ToldStep[], at: Instant): number {
  return steps.findLast((step) => step.at <= at)?.toW ?? 0
}

/** What a part is told anew after an instant and before the call's end, as it stands now. */
export function stepsAfter(
  part: Allocation | undefined,
  from: Instant,
  until: Instant,
): ToldStep[] {
  const bounds = part?.periods.flatMap(({ start, end }) => [start, end]) ?? []
  const later = [...new Set(bounds)].filter((at) => at > from && at < until)
  let told = toldAt(part, from)
  return later
    .sort((a, b) => a - b)
    .flatMap((at): ToldStep[] => {
      const toW = toldAt(part, at)
      if (toW === told) return []
      told = toW
      return [{ at, toW }]
    })
}

/** What the gate ordered of a part: nothing of one that was called later. */
export function stepsAtGate(
  part: Allocation,
  starts: ReadonlySet<Instant>,
  until: Instant,
): ToldStep[] {
  if (part.role !== 'order') return []
  const ordered = cutAt(asAtGate(part, starts), until)
  return ordered.flatMap(({ start, end, powerW }, i): ToldStep[] => {
    const step = { at: start, toW: powerW }
    return ordered[i + 1]?.start === end ? [step] : [step, { at: end, toW: 0 }]
  })
}
