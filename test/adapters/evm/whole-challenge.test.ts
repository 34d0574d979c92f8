import { afterAll, beforeAll, expect, it } from 'vitest'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { acceptedCall, type WholeCall } from './support/whole-call.ts'
import { BOND, journalOf, sendChallenge } from './support/world.ts'

/*
 * On a real pool: somebody stakes a bond against a settlement that stands proposed. All it paid is on
 * hold until one verifier more than the quorum confirms it; then the payees are paid and the bond is
 * lost.
 */
let call: WholeCall

beforeAll(async () => {
  call = await acceptedCall({ hasArbiter: false })
}, 60_000)

afterAll(() => call.stop())

const pool = () => call.world.ports().rail.poolState()
const agrees = { reconciled: true, differences: [] }

it('holds all of it for one verifier more, who confirms it, and the bond is lost', async () => {
  await call.passTo(2040)
  const proposed = await call.now()
  expect(proposed).toMatchObject({ state: 'verified', standing: { round: 1 } })
  const asked = (proposed.settlement?.payout ?? 0n) + (proposed.settlement?.fee ?? 0n)
  expect(asked).toBeGreaterThan(0n)
  await sendChallenge(call.chain, call.requestId)

  await call.passTo(3600)
  const journal = journalOf(call.world.store)
  expect(await journal.events('SettlementChallenged')).toMatchObject([
    { requestId: call.requestId, amount: asked, bond: BOND },
  ])
  const held = await call.now()
  expect(held.settlement).toMatchObject({ payout: 0n, fee: 0n, held: asked })
  expect(held.rest).toMatchObject({ amount: asked, challenged: true, state: 'measured' })
  expect(await pool()).toMatchObject({ locked: asked, bonds: BOND, totalClaimed: 0n })
  expect(await reconcileChain(call.world.ports())).toEqual(agrees)

  await call.passTo(5400, 3)
  const ended = await call.now()
  expect(ended).toMatchObject({ state: 'paid', rest: { state: 'paid' } })
  const { challenger } = call.chain.parties
  expect(await journal.events('BondForfeited')).toMatchObject([
    { requestId: ended.rest?.id, challenger: challenger.address, bond: BOND },
  ])
  const after = await pool()
  expect(after).toMatchObject({ locked: 0n, bonds: 0n, totalClaimed: proposed.settlement?.payout })
  expect(await reconcileChain(call.world.ports())).toEqual(agrees)
}, 60_000)
