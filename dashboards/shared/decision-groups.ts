import type { Decision } from '../api.ts'

/** Decisions for one reason. */
export type DecisionGroup = {
  readonly outcome: Decision['outcome']
  readonly sentence: string
  readonly members: readonly Decision[]
}

export const OUTCOME: Readonly<Record<Decision['outcome'], string>> = {
  selected: 'Taken',
  cut: 'Taken in part',
  'stands-in': 'Called in',
  released: 'Let go',
  skipped: 'Left out',
}

const ORDER = Object.keys(OUTCOME)

/** Together by reason: first those with a part, then those let go and left out; the largest first. */
export function decisionGroups(decisions: readonly Decision[]): DecisionGroup[] {
  return [...Map.groupBy(decisions, ({ code }) => code).values()]
    .flatMap((members): DecisionGroup[] => {
      const [first] = members
      if (first === undefined) return []
      return [{ outcome: first.outcome, sentence: first.sentence, members }]
    })
    .sort((a, b) => {
      const byOutcome = ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome)
      return byOutcome || b.members.length - a.members.length || compare(a.sentence, b.sentence)
    })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
