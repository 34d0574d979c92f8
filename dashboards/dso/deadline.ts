import type { CallEvent, HeldRest, Program, WholeCall } from '../api.ts'
import { isOpen } from '../shared/dispute-words.ts'

/** What the call waits for, and until when (business time, ms); null: no instant is known. */
export type Deadline = {
  readonly what: string
  readonly at: number | null
  readonly otherwise: string
}

/** The next deadline of a call; null when it has ended and nothing of it is on hold. */
export function nextDeadline(
  call: WholeCall,
  program: Program | null,
  events: readonly CallEvent[],
  held: readonly HeldRest[],
): Deadline | null {
  const start = Date.parse(call.window.start)
  const end = Date.parse(call.cancelledAt ?? call.window.end)
  switch (call.state) {
    case 'requested':
      return { what: 'Offers close', at: Date.parse(call.gateClosesAt), otherwise: '' }
    case 'offered':
      return call.escrow?.authorised
        ? { what: 'Escrow must be locked', at: start, otherwise: 'else the call expires' }
        : { what: 'Your signature is due', at: start, otherwise: 'else the call expires' }
    case 'ordered':
      return { what: 'Window begins', at: start, otherwise: '' }
    case 'dispatched':
      return call.releasedAt === null
        ? { what: 'Window ends', at: end, otherwise: '' }
        : { what: 'Readings are closed', at: after(end, program?.graceSeconds), otherwise: '' }
    case 'measured':
      return {
        what: 'Verifiers must have signed',
        at: call.escrow === null ? null : Date.parse(call.escrow.settleBy),
        otherwise: 'else you are refunded after the grace',
      }
    case 'verified': {
      const proposed = events.findLast(({ kind }) => kind === 'call-verified')?.at
      const at =
        proposed === undefined ? null : after(Date.parse(proposed), program?.disputeWindowSeconds)
      return { what: 'Dispute window ends', at, otherwise: '' }
    }
    case 'settled':
      return onHold(held) ?? { what: 'Paid in the next payout', at: null, otherwise: '' }
    case 'paid':
      return onHold(held)
    default:
      return null
  }
}

function onHold(held: readonly HeldRest[]): Deadline | null {
  const open = held.find(isOpen)
  if (open === undefined) return null
  const at = Date.parse(open.settleBy)
  return { what: 'What is on hold is decided', at, otherwise: 'else it comes back to you' }
}

function after(ms: number, seconds: number | undefined): number | null {
  return seconds === undefined ? null : ms + seconds * 1000
}
