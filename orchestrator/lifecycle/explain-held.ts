import type { HeldRest } from '#domain/held-rest.ts'
import { euros, microEur, sumMoney } from '#domain/money.ts'
import { formatInstant } from '#domain/time.ts'
import type { Earner, EarningsLine } from './explain-earnings.ts'

/** A line together with what became of the money that was on hold for it. */
export function withHeld(
  line: EarningsLine,
  rests: readonly HeldRest[],
  earner: Earner['kind'],
): EarningsLine {
  const mine = rests.filter(
    ({ callId, lines }) =>
      callId === line.callId && lines.some(({ resourceId }) => resourceId === line.resourceId),
  )
  const ended = mine.filter(({ state }) => ['settled', 'paid', 'refunded'].includes(state))
  const last = ended.at(-1)
  if (!last) return line
  const later = ended
    .filter(({ state }) => state !== 'refunded')
    .flatMap(({ settlement }) => settlement?.lines ?? [])
    .filter(({ resourceId }) => resourceId === line.resourceId)
  const more = sumMoney(
    later.map((each) => (earner === 'owner' ? each.ownerAmount : each.aggregatorAmount)),
  )
  const open = mine.find((rest) => !ended.includes(rest))
  const held = open?.lines.find(({ resourceId }) => resourceId === line.resourceId)?.held ?? 0n
  const amount = microEur(line.amount + more)
  const isDue = ended.some(({ state }) => state === 'settled') || line.status === 'to-be-paid'
  const status = amount > 0n ? (isDue ? 'to-be-paid' : 'paid') : held > 0n ? 'held' : 'not-paid'
  const sentence = sentenceOf(line, last, more, isDue, earner)
  return { ...line, amount, held: microEur(held), status, sentence }
}

function sentenceOf(
  { window, held, reason, sentence }: EarningsLine,
  { state, decisions }: HeldRest,
  more: bigint,
  isDue: boolean,
  earner: Earner['kind'],
): string {
  const verb = isDue ? 'is due' : 'was paid'
  const share = earner === 'owner' ? "after the aggregator's share" : "the aggregator's share"
  if (reason !== 'held') return `${sentence} Of what was on hold ${euros(more)} ${verb}, ${share}.`
  const when = `From ${formatInstant(window.start)} to ${formatInstant(window.end)}`
  const kept = `${when} ${euros(held)} were on hold`
  if (state === 'refunded') {
    return `${kept} and went back to the DSO: nobody decided in time.`
  }
  const by = decisions === null ? 'the verifiers measured it again' : 'the arbiter decided'
  return more === 0n
    ? `${kept}; ${by}, and nothing of it is paid.`
    : `${kept}; ${by}, and ${euros(more)} ${verb}, ${share}.`
}
