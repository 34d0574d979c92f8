import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type DisputedLine, holdClaims } from '#domain/dispute.ts'
import { heldLines, isRestAmount, type RestTerms, settleRest } from '#domain/held-rest.ts'
import { microEur } from '#domain/money.ts'
import { type CallSettlement, settle, type SettlementInput } from '#domain/settlement.ts'
import { aCase, inputOf, type SettlementCase } from '../support/settlement-properties.ts'

const RUNS = { numRuns: 400 }
const WORD = `0x${'0'.repeat(64)}` as const

/** Who disputes which line, by its place; and what an arbiter would pay of it, in basis points. */
const aDoubt = fc.record({
  by: fc.array(fc.constantFrom('nobody', 'dso', 'aggregator', 'owner'), {
    minLength: 5,
    maxLength: 5,
  }),
  payBp: fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 5, maxLength: 5 }),
})
type Doubt = typeof aDoubt extends fc.Arbitrary<infer T> ? T : never

function disputedOf(input: SettlementInput, { by }: Doubt): DisputedLine[] {
  return input.allocations.flatMap(({ resourceId }, i): DisputedLine[] => {
    const who = by[i]
    return who === 'dso' || who === 'aggregator' || who === 'owner'
      ? [{ resourceId, code: `disputed-by-${who}` }]
      : []
  })
}

/** The first round without and with the disputes. */
function firstRound(given: SettlementCase, doubt: Doubt) {
  const input = inputOf(given)
  const disputed = disputedOf(input, doubt)
  const holds = new Map(disputed.map(({ resourceId, code }) => [resourceId, [code]]))
  const before = settle(input)
  const held = holdClaims(settle({ ...input, holds }), disputed, input)
  return { input, disputed, before, held }
}

function restOf(settlement: CallSettlement, feeBp: number): RestTerms {
  const lines = heldLines(settlement, [])
  const ids = { requestId: WORD, heldBy: WORD, round: 2, fromVersion: 1 }
  expect(isRestAmount(settlement.held, lines, feeBp)).toBe(true)
  return { ...ids, amount: settlement.held, lines, decisions: null }
}

const sumOf = ({ payout, fee, held, refund }: CallSettlement) => payout + fee + held + refund

it('a dispute only holds: nobody gets more by it, whoever objects, and nothing is lost', () => {
  fc.assert(
    fc.property(aCase, aDoubt, (given, doubt) => {
      const { input, disputed, before, held } = firstRound(given, doubt)
      expect(sumOf(held)).toBe(input.escrow)
      expect(held.payout <= before.payout).toBe(true)
      expect(held.fee <= before.fee).toBe(true)
      expect(held.refund <= before.refund && held.refund >= 0n).toBe(true)
      held.lines.forEach((line, i) => {
        const was = before.lines[i]
        const isDisputed = disputed.some(({ resourceId }) => resourceId === line.resourceId)
        if (!isDisputed) expect(line).toEqual(was)
        else expect(line.gross === 0n && line.held >= (was?.gross ?? 0n)).toBe(true)
      })
    }),
    RUNS,
  )
})

it('each further dispute holds more still, so that the pool takes round after round', () => {
  fc.assert(
    fc.property(aCase, aDoubt, (given, doubt) => {
      const fewer = { ...doubt, by: doubt.by.map((who, i) => (i % 2 === 0 ? who : 'nobody')) }
      const second = firstRound(given, fewer).held
      const third = firstRound(given, doubt).held
      expect(third.payout <= second.payout && third.fee <= second.fee).toBe(true)
      expect(third.refund <= second.refund).toBe(true)
    }),
    RUNS,
  )
})

it('paid + fee + held + refund = escrow, exactly, over both rounds, whoever ends it', () => {
  fc.assert(
    fc.property(aCase, aDoubt, fc.boolean(), (given, doubt, isDecided) => {
      const { input, held } = firstRound(given, doubt)
      const terms = restOf(held, input.feeBp)
      const decisions = terms.lines.map(({ resourceId, held: most }, i) => ({
        resourceId,
        pay: microEur((most * BigInt(doubt.payBp[i] ?? 0)) / 10_000n),
      }))
      const rest = isDecided ? { ...terms, decisions } : terms
      expect(rest.amount).toBe(held.held)
      const whole = settle({ ...input, isFinal: true })
      const second = settleRest(rest, whole, input.candidates, input.feeBp)
      expect(sumOf(second)).toBe(held.held)
      expect(second.refund >= 0n).toBe(true)
      const { payout, fee, refund } = held
      const all = payout + fee + refund + sumOf(second)
      expect(all).toBe(input.escrow)
      for (const line of second.lines) {
        const most = terms.lines.find(({ resourceId }) => resourceId === line.resourceId)?.held
        expect(line.gross >= 0n && line.gross + line.held <= (most ?? 0n)).toBe(true)
        expect(line.ownerAmount + line.aggregatorAmount).toBe(line.gross)
      }
    }),
    RUNS,
  )
})

it('a dispute that measuring again does not bear out leaves everybody what they would have had', () => {
  fc.assert(
    fc.property(aCase, aDoubt, (given, doubt) => {
      const certain = { ...given, isFinal: true }
      const { input, before, held } = firstRound(certain, doubt)
      const whole = settle(input)
      const terms = restOf(held, input.feeBp)
      const second = settleRest(terms, whole, input.candidates, input.feeBp)
      before.lines.forEach((line, i) => {
        const later = second.lines.find(({ resourceId }) => resourceId === line.resourceId)
        expect((held.lines[i]?.gross ?? 0n) + (later?.gross ?? 0n)).toBe(line.gross)
      })
    }),
    RUNS,
  )
})
