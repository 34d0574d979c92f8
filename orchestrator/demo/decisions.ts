import type { Scenario } from '#simulations/scenarios/scenario.ts'
import type { Parties } from './enrol.ts'
import type { DecisionView, OperatorCallView, OwnDecisionView } from './views.ts'

/** What was decided about a resource, with what its owner was told of it. */
export type DecisionLine = Omit<DecisionView, 'earlier' | 'passedOver'> & {
  /** Codes before the one that stands. */
  readonly before: readonly string[]
  /** Codes for which else it was not asked when less came than was ordered. */
  readonly passedOver: readonly string[]
  /** By whoever owns it, with the own key; null: nothing. */
  readonly toOwner: { readonly code: string; readonly sentence: string } | null
}

/** Of each call what was decided, as the operator and every owner read it. */
export async function gatherDecisions(
  { operator, owners }: Parties,
  callIds: readonly string[],
): Promise<ReadonlyMap<string, readonly DecisionLine[]>> {
  const told = new Map<string, OwnDecisionView>()
  for (const api of owners.values()) {
    for (const one of await api.get<OwnDecisionView[]>('/v1/owner/decisions')) {
      told.set(`${one.callId} ${one.resourceId}`, one)
    }
  }
  const found = new Map<string, DecisionLine[]>()
  for (const callId of callIds) {
    const path = `/v1/flexibility-calls/${callId}/decisions`
    const lines = (await operator.get<DecisionView[]>(path)).map(({ earlier, ...decision }) => {
      const own = told.get(`${callId} ${decision.resourceId}`)
      const toOwner = own === undefined ? null : { code: own.code, sentence: own.sentence }
      const before = earlier.map(({ code }) => code)
      const passedOver = decision.passedOver.map(({ code }) => code)
      return { ...decision, before, passedOver, toOwner }
    })
    found.set(callId, lines)
  }
  return found
}

/** Whoever is enrolled where the call was has one decision with a reason, and its owner knows it. */
export function decisionBreaches(
  scenario: Scenario,
  congestionPoint: string,
  call: Pick<OperatorCallView, 'id' | 'releasedAt'>,
  lines: readonly DecisionLine[],
  demand: (holds: boolean, sentence: string) => void,
): void {
  const near = new Set(
    scenario.sites.filter((site) => site.congestionPoint === congestionPoint).map(({ ref }) => ref),
  )
  const enrolled = scenario.devices.filter(({ site }) => near.has(site)).map(({ ref }) => ref)
  const decided = lines.map(({ resourceId }) => resourceId)
  const names = (refs: readonly string[]) => [...refs].sort().join(', ')
  demand(
    names(decided) === names(enrolled),
    `call ${call.id} decided about ${names(decided)}; enrolled are ${names(enrolled)}`,
  )
  const mute = lines.filter(({ sentence }) => sentence === '')
  demand(mute.length === 0, `no reason for ${names(mute.map(({ resourceId }) => resourceId))}`)
  if (call.releasedAt === null) return // what never began is told to no owner
  const untold = lines.filter(({ code, toOwner }) => toOwner?.code !== code)
  const unaware = names(untold.map(({ resourceId }) => resourceId))
  demand(untold.length === 0, `owners were not told what was decided about ${unaware}`)
}

/** Decisions together by code, what comes of most first. */
export function decisionTable(lines: readonly DecisionLine[]): string[] {
  const groups = [...Map.groupBy(lines, ({ code }) => code)]
  const rows = groups
    .sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || (a < b ? -1 : 1))
    .flatMap(([code, members]) => {
      const [first] = members
      const indent = ' '.repeat(36)
      return [
        `${code.padEnd(24)}${String(members.length).padStart(9)}   ${first?.sentence}`,
        ...(first?.toOwner ? [`${indent}to owners: ${first.toOwner.sentence}`] : []),
        ...inLines(members.map(({ resourceId }) => resourceId)).map((line) => indent + line),
      ]
    })
  return [`${'decision'.padEnd(24)}${'resources'.padStart(9)}   why`, ...rows]
}

const NAMES_PER_LINE = 8

function inLines(names: readonly string[]): string[] {
  const lines: string[] = []
  for (let i = 0; i < names.length; i += NAMES_PER_LINE) {
    lines.push(names.slice(i, i + NAMES_PER_LINE).join(' '))
  }
  return lines
}
