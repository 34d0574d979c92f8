import { expect, test } from 'vitest'
import type { Decision } from '#dashboards/api.ts'
import { decisionGroups, OUTCOME } from '#dashboards/shared/decision-groups.ts'
import { DECISION_CODES, DECISION_WORDS, OUTCOMES } from '#domain/decision-words.ts'

function decided(code: Decision['code'], count = 1): Decision[] {
  const { outcome, grid: sentence } = DECISION_WORDS[code]
  return Array.from({ length: count }, (_, i) => {
    const about = { resourceId: `${code}-${i}`, outcome, code, sentence }
    return { ...about, at: '2026-01-14T15:55:00Z', detail: null, earlier: [], passedOver: [] }
  })
}

test('there are words for every outcome', () => {
  expect(Object.keys(OUTCOME).sort()).toEqual([...OUTCOMES].sort())
})

test('those with a part come first, and of the others the reason of most', () => {
  const decisions = [
    ...decided('departure'),
    ...decided('not-needed', 3),
    ...decided('released-silent'),
    ...decided('selected', 2),
    ...decided('stood-in'),
    ...decided('cut'),
  ]
  const groups = decisionGroups(decisions)
  expect(groups.map(({ members: [first] }) => first?.code)).toEqual([
    'selected',
    'cut',
    'stood-in',
    'released-silent',
    'not-needed',
    'departure',
  ])
  expect(groups[4]?.members).toHaveLength(3)
})

test('every decision is in exactly one group', () => {
  const decisions = DECISION_CODES.flatMap((code) => decided(code, 2))
  const shown = decisionGroups(decisions).flatMap(({ members }) => members)
  expect(shown.map(({ resourceId }) => resourceId).sort()).toEqual(
    decisions.map(({ resourceId }) => resourceId).sort(),
  )
})
