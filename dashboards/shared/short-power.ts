import type { Period } from '../api.ts'

/** What is missing of the order; null while nothing is measured. */
export function shortW({ orderedW, deliveredW }: Period): number | null {
  return deliveredW === null ? null : Math.max(0, orderedW - deliveredW)
}
