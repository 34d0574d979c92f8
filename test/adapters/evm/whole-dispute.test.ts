import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { statementOfRest } from '#domain/evidence.ts'
import { microEur } from '#domain/money.ts'
import { decideDispute } from '#lifecycle/decide-dispute.ts'
import { disputeLine } from '#lifecycle/dispute-line.ts'
import { receiveAttestation } from '#lifecycle/receive-attestation.ts'
import { reconcileChain } from '#lifecycle/reconcile-chain.ts'
import { AGGREGATOR, CHARGER } from '../../support/disputed-call.ts'
import { acceptedCall, type WholeCall } from './support/whole-call.ts'

/*
 * On a real pool: one line is disputed while its settlement stands proposed, the others are paid,
 * the arbiter decides.
 */
let call: WholeCall

beforeAll(async () => {
  call = await acceptedCall()
}, 60_000)

afterAll(() => call.stop())

it('pays the others, holds the line, and pays of it what the arbiter signed', async () => {
  await call.passTo(2040)
  expect(await call.now()).toMatchObject({ state: 'verified', standing: { round: 1 } })
  const { resourceId, ...input } = {
    callId: call.id,
    resourceId: CHARGER,
    party: AGGREGATOR,
    reason: 'readings' as const,
    text: 'the meter had more',
  }
  await disputeLine(call.world.ports(), { ...input, resourceId })
  await call.passTo(3600)
  const held = await call.now()
  expect(held).toMatchObject({ state: 'paid', standing: { round: 2 }, rest: { state: 'held' } })
  const { rest } = held
  if (!rest) throw new Error('nothing is held')
  expect(await call.world.ports().rail.poolState()).toMatchObject({ locked: rest.amount })
  expect(await reconcileChain(call.world.ports())).toEqual({ reconciled: true, differences: [] })

  const lines = rest.lines.map((line) => ({
    resourceId: line.resourceId,
    pay: microEur(line.held / 2n),
  }))
  const decision = { callId: call.id, lines, note: 'half of it' }
  const { version } = await decideDispute(call.world.ports(), decision)
  const statement = statementOfRest((await call.now()).rest ?? rest)
  if (!statement) throw new Error('nothing was decided')
  const arbiter = createAttestor(call.chain.parties.arbiter.key, call.chain.identity)
  const signature = await arbiter.signSettlement(statement)
  const verifier = arbiter.address
  const word = { subject: 'settlement', subjectId: call.id, version, verifier, signature } as const
  await receiveAttestation(call.world.ports(), word)

  await call.passTo(5400)
  const ended = await call.now()
  expect(ended.rest).toMatchObject({ state: 'paid' })
  const pool = await call.world.ports().rail.poolState()
  expect(pool).toMatchObject({ locked: 0n, allocatable: 0n, currentEpoch: 2 })
  const paid = (held.settlement?.payout ?? 0n) + (ended.rest?.settlement?.payout ?? 0n)
  expect(pool.totalClaimed).toBe(paid)
  expect(ended.rest?.settlement?.payout).toBe((lines[0]?.pay ?? 0n) as bigint)
  expect(await reconcileChain(call.world.ports())).toEqual({ reconciled: true, differences: [] })
}, 60_000)
