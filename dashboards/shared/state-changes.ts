import type { CallSummary } from '../api.ts'
import { announce } from './announcer.tsx'
import { STATE } from './words.ts'

/** Tells aloud what changed its state since the page last looked; nothing the first time. */
export function createStateWatch(nameOf: (call: CallSummary) => string) {
  let known: Map<string, CallSummary['state']> | null = null
  return (calls: readonly CallSummary[]) => {
    for (const call of known === null ? [] : calls) {
      if (known?.get(call.id) === call.state) continue
      announce(`${nameOf(call)} is now ${STATE[call.state].toLowerCase()}.`)
    }
    known = new Map(calls.map(({ id, state }) => [id, state]))
  }
}
