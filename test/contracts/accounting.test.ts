import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  brokenLines,
  caseOf,
  figuresOf,
  proofCases,
  proveCase,
  readBooks,
} from '#commands/test-contracts/model-check.ts'

// `test:contracts --deep` proves every move, and takes out each statement once.
test('from any state in which the rules hold, a claim keeps them', async () => {
  const proof = await proveCase('Claim')
  console.log(figuresOf(proof))
  expect(proof).toEqual({ safe: 8, unproved: 0, doubts: [] })
}, 150_000)

test('no way to move a figure is left out of the proof', () => {
  const rules = readFileSync(new URL('./support/ProvedBooks.sol', import.meta.url), 'utf8')
  const moves = [...readBooks().matchAll(/function (_\w+)\([^)]*\)\s+internal/g)].map(
    ([, name]) => `${name}`,
  )
  expect(moves).toContain('_claim')
  expect(moves.map((name) => caseOf(name)).toSorted()).toEqual(
    proofCases()
      .filter((name) => name !== 'NewBooks')
      .toSorted(),
  )
  expect(moves.filter((name) => !rules.includes(` ${name}(`))).toEqual([])
})

test('each statement belongs to a case that is proved', () => {
  const broken = brokenLines(readBooks())
  const named = new Set(broken.map(({ within }) => caseOf(within)))
  expect([...named, 'NewBooks'].toSorted()).toEqual(proofCases().toSorted())
  expect(broken.find(({ text }) => text.startsWith('if (amount > 0) _credit'))?.within).toBe(
    '_addCredit',
  )
})
