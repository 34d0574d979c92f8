import type { BaselineMethod, HistoryMethod } from '#domain/baseline/method.ts'
import { builtInMethod } from '#domain/baseline/methods.ts'

/**
 * Methods by which nothing is settled, but which ours has to beat: every choice of days at the
 * level of the last hour before the window, the hardest of the adjustments that rule books know.
 */
export const STUDIED_METHODS: readonly BaselineMethod[] = [
  'mid-8-of-10',
  'high-4-of-5',
  'high-5-of-10',
  'same-weekday-5-add-3h',
].map((name) => ({
  ...historyMethod(name),
  name: `${name.replace('-add-3h', '')}-add-1h-no-gap`,
  adjustment: historyMethod('mean-10-of-10-add-1h-no-gap').adjustment,
}))

function historyMethod(name: string): HistoryMethod {
  const found = builtInMethod(name)
  if (found?.family !== 'history') throw new Error(`${name} is not a built-in mean of days`)
  return found
}
