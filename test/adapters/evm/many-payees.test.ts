import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import type { Hex } from '#domain/ids.ts'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  type World,
  ZERO_HASH,
  epochIntent,
  journalOf,
  makeWorld,
  openIntent,
  proposeIntent,
  settleDown,
  settlementOf,
  termsOf,
} from './support/world.ts'

let world: World
let rail: PayoutRail
const journal = () => journalOf(world.store)
const PAYEES = 256

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterAll(() => world.chain.stop())

/** A request that is final, with this payout for its participants. */
async function finalRequest(payoutTotal: bigint): Promise<Hex> {
  world.clock.forward(1)
  const now = world.clock.now()
  const at = (seconds: number) => (now + seconds * 1000) as typeof now
  const times = { deliverStart: at(60), deliverEnd: at(120), settleBy: at(9_000) }
  const terms = termsOf(world, times)
  const requestId = rail.requestId(terms)
  await journal().intend(`open:${requestId}`, await openIntent(world, terms))
  await settleDown(rail, 1)
  world.clock.to(times.deliverEnd / 1000)
  const statement = settlementOf(requestId, { payoutTotal, feeTotal: 0n })
  await journal().intend(`propose:${requestId}`, await proposeIntent(world, statement))
  await settleDown(rail, 1)
  world.clock.forward(600)
  await journal().intend(`finalize:${requestId}`, { kind: 'finalize', requestId })
  await settleDown(rail, 1)
  return requestId
}

it('a whole chunk of first payouts has gas for every row, and the next pays the rest', async () => {
  const account = (index: number): Hex => `0x${(index + 1).toString(16).padStart(40, '1')}`
  const tree = (each: bigint) =>
    buildPayoutTree(
      Array.from({ length: PAYEES }, (_, index) => ({
        index,
        account: account(index),
        cumulative: each,
      })),
    )
  let prevRoot = ZERO_HASH
  for (const epoch of [1, 2]) {
    const newTotal = 12_800_000n * BigInt(epoch)
    const { topHash, root, ...rest } = tree(50_000n * BigInt(epoch))
    const requestId = await finalRequest(12_800_000n)
    const fields = { epoch, prevRoot, topHash, newTotal }
    await journal().intend(`post:${epoch}`, await epochIntent(world, fields, [requestId]))
    await settleDown(rail, 1)
    world.clock.forward(300)
    await journal().intend(`activate:${epoch}`, { kind: 'activateEpoch', epoch })
    await settleDown(rail, 1)
    const chunk = { kind: 'payChunk', epoch, ...rest.chunk(0, PAYEES) } as const
    await journal().intend(`pay:${epoch}`, chunk)
    await settleDown(rail)
    expect((await journal().intent(`pay:${epoch}`)).state).toBe('mined')
    prevRoot = root
  }
  expect(await journal().events('PayoutDeferred')).toEqual([])
  const paid = await journal().events('Paid')
  expect(paid.length).toBe(2 * PAYEES)
  expect(new Set(paid.map(({ amount }) => amount))).toEqual(new Set([50_000n]))
  expect(await rail.poolState()).toMatchObject({
    totalAllocated: 25_600_000n,
    totalClaimed: 25_600_000n,
    credits: 2n * 100n * EUR - 25_600_000n,
    currentEpoch: 2,
  })

  // The first epoch's chunk is asked for once more: its root is gone, its money has long arrived.
  const old = tree(50_000n).chunk(0, PAYEES)
  await journal().intend('pay:late', { kind: 'payChunk', epoch: 1, ...old })
  await settleDown(rail, 1)
  expect(await journal().intent('pay:late')).toMatchObject({ state: 'mined', raw: null })
})
