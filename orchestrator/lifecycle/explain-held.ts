import type { HeldRest } from '#domain/held-rest.ts'
import type { Hex } from '#domain/ids.ts'
import { euros, microEur, sumMoney } from '#domain/money.ts'
import { formatInstant } from '#domain/time.ts'
import type { Earner, EarningsLine } from './explain-earnings.ts'

/** Why the pool gave a payout back that was final. */
export const NOT_COUNTED = 'no payout counted it for a year'

/**
 * A line together with what became of the money that was on hold for it; `returned`: payouts that
 * the pool gave back because no epoch counted them.
 */
export function withHeld(
  line: EarningsLine,
  rests: readonly HeldRest[],
  earner: Earner['kind'],
  returned: ReadonlyMap<Hex, bigint>,
): EarningsLine {
  const mine = rests.filter(
    ({ callId, lines }) =>
      callId === line.callId && lines.some(({ resourceId }) => resourceId === line.resourceId),
  )
  const ended = mine.filter(({ state }) => ['settled', 'paid', 'refunded'].includes(state))
  const last = ended.at(-1)
  if (!last) return line
  const isBack = ({ id, state }: HeldRest) => state === 'refunded' || returned.has(id)
  const later = ended
    .filter((rest) => !isBack(rest))
    .flatMap(({ settlement }) => settlement?.lines ?? [])
    .filter(({ resourceId }) => resourceId === line.resourceId)
  const more = sumMoney(
    later.map((each) => (earner === 'owner' ? each.ownerAmount : each.aggregatorAmount)),
  )
  const open = mine.find((rest) => !ended.includes(rest))
  const held = open?.lines.find(({ resourceId }) => resourceId === line.resourceId)?.held ?? 0n
  const amount = microEur(line.amount + more)
  const waits = ended.some((rest) => rest.state === 'settled' && !isBack(rest))
  const isDue = waits || line.status === 'to-be-paid'
  const status = amount > 0n ? (isDue ? 'to-be-paid' : 'paid') : held > 0n ? 'held' : 'not-paid'
  const why = returned.has(last.id) ? NOT_COUNTED : 'nobody decided in time'
  const back = isBack(last) ? why : null
  const sentence = sentenceOf(line, last, { more, isDue, back }, earner)
  return { ...line, amount, held: microEur(held), status, sentence }
}

type Outcome = {
  readonly more: bigint
  readonly isDue: boolean
  /** Why the last of it went back to the DSO; null: it did not. */
  readonly back: string | null
}

function sentenceOf(
  { window, held, reason, sentence }: EarningsLine,
  { decisions }: HeldRest,
  { more, isDue, back }: Outcome,
  earner: Earner['kind'],
): string {
  const verb = isDue ? 'is due' : 'was paid'
  const share = earner === 'owner' ? "after the aggregator's share" : "the aggregator's share"
  if (reason !== 'held') return `${sentence} Of what was on hold ${euros(more)} ${verb}, ${share}.`
  const when = `From ${formatInstant(window.start)} to ${formatInstant(window.end)}`
  const kept = `${when} ${euros(held)} were on hold`
  if (back !== null) return `${kept} and went back to the DSO: ${back}.`
  const by = decisions === null ? 'the verifiers measured it again' : 'the arbiter decided'
  return more === 0n
    ? `${kept}; ${by}, and nothing of it is paid.`
    : `${kept}; ${by}, and ${euros(more)} ${verb}, ${share}.`
}
