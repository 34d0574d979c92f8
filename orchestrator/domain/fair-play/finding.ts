import type { ResourceId } from '../ids.ts'

export type FindingCode =
  /** More load before the window than the device has ever had a habit of. */
  | 'pre-window-inflation'
  /** The baseline's own days lie above the month before them. */
  | 'baseline-inflation'
  /** The baseline stands on days that are too old, because newer ones are excluded. */
  | 'stale-baseline'
  /** Two days with the same figures to the Wh, which no load has. */
  | 'repeated-readings'
  /** Two meters that move as one. */
  | 'cloned-meter'
  /** Two resources that are the same meter. */
  | 'shared-meter'
  /** The register of a device that cannot export went down. */
  | 'register-falls'
  /** It exports at these hours anyway. */
  | 'habitual-export'
  /** Nobody has the owner's word. */
  | 'no-consent'
  /** What the device gave was taken by another load behind the same connection. */
  | 'load-moved'
  /** More energy than the device is built for. */
  | 'beyond-rating'
  /** Energy that did not come from, or go into, this battery. */
  | 'soc-mismatch'

/**
 * Something that does not look like an honest delivery. It says what was seen, with the figures, and
 * nothing of intent: a 'hold' keeps this one line's money in escrow until somebody has looked.
 */
export type Finding = {
  readonly resourceId: ResourceId
  readonly code: FindingCode
  /** 'note': seen, but nothing could be gained by it under this call's rules. */
  readonly severity: 'hold' | 'note'
  /** Whole numbers in the units of their names, and ids. */
  readonly detail: Readonly<Record<string, number | string>>
}

/** Which lines wait, and for what: the codes of each resource's holds in order. */
export function holdsOf(findings: readonly Finding[]): Map<ResourceId, string[]> {
  const holds = new Map<ResourceId, string[]>()
  for (const { resourceId, code, severity } of findings) {
    if (severity !== 'hold') continue
    const codes = holds.get(resourceId) ?? []
    if (!codes.includes(code)) codes.push(code)
    holds.set(resourceId, codes.sort())
  }
  return holds
}

/** One order for the same findings, whoever made them. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const key = ({ resourceId, code }: Finding) => `${resourceId} ${code}`
  return [...findings].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}
