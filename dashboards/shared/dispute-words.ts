import type { Dispute, Disputes, HeldRest } from '../api.ts'
import { formatEuros, formatMoment } from '../format.ts'

/** Why somebody objects, as the one who does would say it. */
export const REASON: Readonly<Record<Dispute['reason'], string>> = {
  readings: 'The meter readings are wrong',
  baseline: 'What the device would have used anyway is judged wrongly',
  delivery: 'The device did something else than is written here',
  identity: 'It is another device, or it is paid for elsewhere',
  other: 'Something else',
}

/** What of a line is on hold and has not come to an end; null: nothing. */
export function openRest({ held }: Disputes, resourceId: string): HeldRest | null {
  const mine = held.filter(({ lines }) => lines.some((line) => line.resourceId === resourceId))
  return mine.find(isOpen) ?? null
}

/** It waits for a later round. */
export function isOpen({ state }: HeldRest): boolean {
  return state !== 'settled' && state !== 'paid' && state !== 'refunded'
}

/** What is on hold for one line, who ends that until when, and what happens if nobody does. */
export function holdStory(rest: HeldRest, resourceId: string, zone: string): string {
  const line = rest.lines.find((one) => one.resourceId === resourceId)
  const amount = formatEuros(line?.heldMinor ?? '0')
  const until = formatMoment(rest.settleBy, zone)
  return (
    `${amount} is on hold. More verifiers than the first time measure it again, or an arbiter ` +
    `decides, until ${until}. If nobody has decided by then, it goes back to the grid operator.`
  )
}

/** How an objection ended; null while it has not. */
export function outcome(dispute: Dispute, zone: string): string | null {
  const { state, decidedBy, decidedAt, paidMinor } = dispute
  if (state === 'too-late') {
    return 'The objection came too late to be signed: the result stands as it was.'
  }
  if (state !== 'decided' || decidedAt === null) return null
  const at = formatMoment(decidedAt, zone)
  if (decidedBy === 'deadline') {
    return `Nobody had decided by ${at}: what was on hold went back to the grid operator.`
  }
  const who = decidedBy === 'arbiter' ? 'The arbiter decided' : 'The verifiers measured it again'
  const paid = paidMinor ?? '0'
  const what =
    paid === '0'
      ? 'nothing of what was on hold is paid'
      : `${formatEuros(paid)} of what was on hold is paid, the aggregator’s share included`
  return `${who} on ${at}: ${what}.`
}
