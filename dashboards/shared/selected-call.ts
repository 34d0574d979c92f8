import { signal } from '@preact/signals'
import type { CallSummary } from '../api.ts'
import { hasEnded } from './words.ts'

/** The call named in the address, so that it can be kept as a bookmark; null: none was chosen. */
export const chosenCall = signal(readHash())

addEventListener('hashchange', () => {
  chosenCall.value = readHash()
})

function readHash(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('call')
}

/**
 * Which call a page shows: the chosen one, else what it showed before unless that has ended, else
 * what runs, else what comes next, else what was last. `calls` has the newest window first.
 */
export function callToShow(
  calls: readonly CallSummary[],
  chosen: string | null,
  before: string | null,
): string | null {
  const open = calls.filter(({ state }) => !hasEnded(state))
  const picked =
    calls.find(({ id }) => id === chosen) ??
    open.find(({ id }) => id === before) ??
    open.findLast(({ state }) => state === 'dispatched') ??
    open.at(-1) ??
    calls.find(({ id }) => id === before) ??
    calls[0]
  return picked?.id ?? null
}
