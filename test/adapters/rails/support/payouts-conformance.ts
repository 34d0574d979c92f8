import { expect, it } from 'vitest'
import type { ChainIntent } from '#domain/chain.ts'
import type { PayoutLeaf } from '#domain/payout-tree.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import type { Hex } from '#domain/ids.ts'
import { EUR, word } from '../../evm/support/world.ts'
import type { RailWorld } from './rail-world.ts'
import {
  advance,
  ask,
  bookDifferences,
  chunkIntent,
  epochIntent,
  events,
  finalised,
  leaf,
  opened,
  refusal,
  rowOf,
} from './steps.ts'

/** What every index has earned so far in this world: leaves only ever grow. */
const ledgers = new WeakMap<RailWorld, readonly PayoutLeaf[]>()

/** Leaves after one more payout of 80 EUR, three quarters of it to the first payee. */
function grown(world: RailWorld): readonly PayoutLeaf[] {
  const [first, second] = ledgers.get(world) ?? [leaf(0, 'a', 0n), leaf(2, 'b', 0n)]
  return [
    { ...first!, cumulative: first!.cumulative + 60n * EUR },
    { ...second!, cumulative: second!.cumulative + 20n * EUR },
  ]
}

/** Posts and activates an epoch over a new final request; returns its leaves and number. */
async function activated(world: RailWorld) {
  const requestId = await finalised(world)
  const leaves = grown(world)
  expect((await ask(world, await epochIntent(world, leaves, [requestId]))).state).toBe('mined')
  world.clock.forward(300)
  const epoch = (await world.rail.poolState()).currentEpoch + 1
  expect((await ask(world, { kind: 'activateEpoch', epoch })).state).toBe('mined')
  ledgers.set(world, leaves)
  return { leaves, epoch, requestId }
}

export function epochTests(open: () => RailWorld): void {
  const reasonOf = async (intent: ChainIntent) => (await ask(open(), intent)).reason

  it('is not posted with a total that final payouts do not add up to', async () => {
    const world = open()
    const requestId = await finalised(world)
    const { totalAllocated } = await world.rail.poolState()
    const expected = totalAllocated + 80n * EUR
    const [first, second] = grown(world)
    const much = [first!, { ...second!, cumulative: second!.cumulative + 1n }]
    const reason = await reasonOf(await epochIntent(world, much, [requestId]))
    expect(reason).toBe(`WrongTotal: given ${expected + 1n}, expected ${expected}`)
  })

  it('is not posted over another root, number or list than is signed', async () => {
    const world = open()
    const requestId = await finalised(world)
    const leaves = grown(world)
    const { liveRoot, currentEpoch } = await world.rail.poolState()
    const post = (changes: object) => epochIntent(world, leaves, [requestId], changes)
    const root = `WrongPrevRoot: given ${word('7')}, live ${liveRoot}`
    expect(await reasonOf(await post({ prevRoot: word('7') }))).toBe(root)
    const far = currentEpoch + 2
    const number = `WrongEpoch: given ${far}, expected ${currentEpoch + 1}`
    expect(await reasonOf(await post({ epoch: far }))).toBe(number)
    const list = await reasonOf(await post({ requestIdsHash: word('8') }))
    expect(list).toMatch(/^WrongRequestIds: given 0x\w+, signed 0x8+$/)
  })

  it('is not posted without the quorum, nor over a word that was not signed', async () => {
    const world = open()
    const requestId = await finalised(world)
    const leaves = grown(world)
    const one = world.attestors.slice(0, 1)
    const alone = await epochIntent(world, leaves, [requestId], {}, one)
    expect(await reasonOf(alone)).toBe('QuorumNotReached: given 1, needed 2')
    const signed = (await epochIntent(world, leaves, [requestId])) as PostEpoch
    const other = { ...signed, statement: { ...signed.statement, dataHash: word('6') } }
    expect(await reasonOf(other)).toMatch(/^(NotAVerifier|SignersNotAscending): /)
  })

  it('counts no request that is not final, and none twice', async () => {
    const world = open()
    const open1 = await opened(world)
    const state = `WrongState: id ${open1}, found Funded, expected Final`
    expect(await reasonOf(await epochIntent(world, grown(world), [open1]))).toBe(state)
    const requestId = await finalised(world)
    const twice = await epochIntent(world, grown(world), [requestId, requestId])
    expect(await reasonOf(twice)).toBe(`AlreadyAccounted: id ${requestId}`)
    const { requestId: counted } = await activated(world)
    const again = await epochIntent(world, grown(world), [counted])
    expect(await reasonOf(again)).toBe(`AlreadyAccounted: id ${counted}`)
  })

  it('is posted once, waits for its window, and is active once', async () => {
    const world = open()
    const requestId = await finalised(world)
    const leaves = grown(world)
    const before = await world.rail.poolState()
    const post = await epochIntent(world, leaves, [requestId])
    const first = await ask(world, post)
    expect(first.state).toBe('mined')
    const epoch = before.currentEpoch + 1
    const { root, total } = buildPayoutTree(leaves)
    const activeFrom = world.clock.seconds() + 300
    const told = { kind: 'EpochPosted', epoch, root, newTotal: total, activeFrom }
    expect((await events(world, 'EpochPosted')).at(-1)).toEqual(told)
    expect((await ask(world, post)).hash).toBe(first.hash)
    const early = await ask(world, { kind: 'activateEpoch', epoch })
    expect(early.state).toBe('pending')
    world.clock.forward(300)
    await advance(world)
    expect((await rowOf(world, early.businessKey)).state).toBe('mined')
    expect((await ask(world, { kind: 'activateEpoch', epoch })).state).toBe('mined')
    const active = { kind: 'EpochActivated', epoch, root, total }
    expect((await events(world, 'EpochActivated')).at(-1)).toEqual(active)
    ledgers.set(world, leaves)
    const after = await world.rail.poolState()
    expect(after).toMatchObject({ currentEpoch: epoch, liveRoot: root, totalAllocated: total })
    expect(before.allocatable - after.allocatable).toBe(80n * EUR)
    expect(refusal(await ask(world, { kind: 'activateEpoch', epoch: epoch + 1 }))).toBe(
      'NoEpochPending',
    )
  })

  it('waits while another one has its window', async () => {
    const world = open()
    const requestId = await finalised(world)
    const leaves = grown(world)
    const { currentEpoch } = await world.rail.poolState()
    await ask(world, await epochIntent(world, leaves, [requestId]))
    const { root } = buildPayoutTree(leaves)
    const next = { epoch: currentEpoch + 2, prevRoot: root }
    const row = await ask(world, await epochIntent(world, leaves, [], next))
    expect(row.state).toBe('pending')
    world.clock.forward(300)
    await ask(world, { kind: 'activateEpoch', epoch: currentEpoch + 1 })
    world.clock.forward(3) // so long the sender of a chain leaves such a refusal alone
    await advance(world)
    expect((await rowOf(world, row.businessKey)).state).toBe('mined')
    ledgers.set(world, leaves)
    world.clock.forward(300)
    await ask(world, { kind: 'activateEpoch', epoch: currentEpoch + 2 })
  })
}

type PostEpoch = Extract<ChainIntent, { kind: 'postEpoch' }>

export function paymentTests(open: () => RailWorld): void {
  it('is refused for rows, totals and shapes that are not under the live root', async () => {
    const world = open()
    const { leaves, epoch } = await activated(world)
    const chunk = chunkIntent(leaves, epoch) as Extract<ChainIntent, { kind: 'payChunk' }>
    const swapped = chunkIntent([leaf(0, 'c', leaves[0]!.cumulative), leaves[1]!], epoch)
    expect(refusal(await ask(world, swapped))).toBe('RootMismatch')
    const much = chunkIntent([{ ...leaves[0]!, cumulative: 10n ** 12n }, leaves[1]!], epoch)
    expect(refusal(await ask(world, much))).toBe('TotalMismatch')
    const length = (chunk.rows.length - 2) / 2
    const odd = await ask(world, { ...chunk, first: 1 })
    expect(odd.reason).toBe(`MalformedChunk: first 1, length ${length}`)
    const short = await ask(world, { ...chunk, rows: chunk.rows.slice(0, -2) as Hex })
    expect(short.reason).toBe(`MalformedChunk: first 0, length ${length - 1}`)
    const far = await ask(world, { ...chunk, first: 4 })
    expect(far.reason).toBe('PositionOutOfTree: remainder 1')
    expect((await events(world, 'Paid')).filter((paid) => paid.epoch === epoch)).toEqual([])
    expect((await ask(world, chunk)).state).toBe('mined')
  })

  it('pays each payee once what it has earned since', async () => {
    const world = open()
    const before = await world.rail.poolState()
    const { leaves, epoch } = await activated(world)
    const chunk = chunkIntent(leaves, epoch)
    expect((await ask(world, chunk)).state).toBe('mined')
    const paid = (await events(world, 'Paid')).filter((each) => each.epoch === epoch)
    const one = { kind: 'Paid', epoch, account: leaves[0]!.account, index: 0, amount: 60n * EUR }
    expect(paid[0]).toMatchObject({ ...one, account: expect.stringMatching(/^0x[aA]{40}$/) })
    expect(paid.map(({ amount }) => amount)).toEqual([60n * EUR, 20n * EUR])
    expect((await ask(world, chunk)).state).toBe('mined')
    const after = await world.rail.poolState()
    expect(after.totalClaimed - before.totalClaimed).toBe(80n * EUR)
    expect((await events(world, 'Paid')).filter((each) => each.epoch === epoch)).toEqual(paid)
  })

  it('is done where a later epoch has paid the same rows', async () => {
    const world = open()
    const first = await activated(world)
    await ask(world, chunkIntent(first.leaves, first.epoch))
    const second = await activated(world)
    await ask(world, chunkIntent(second.leaves, second.epoch))
    const before = await world.rail.poolState()
    const old = await ask(world, chunkIntent(first.leaves, first.epoch))
    expect(old.state).toBe('mined')
    expect(await world.rail.poolState()).toEqual(before)
  })

  it('hands out a credit once, and refuses where there is none', async () => {
    const world = open()
    await finalised(world)
    const before = await world.rail.poolState()
    const account = world.fees.address
    const intent = { kind: 'withdrawCredit', account } as const
    expect((await ask(world, intent)).state).toBe('mined')
    const told = (await events(world, 'CreditWithdrawn')).at(-1)
    expect(told).toMatchObject({ account })
    const after = await world.rail.poolState()
    expect(before.credits - after.credits).toBe(told?.amount)
    expect(before.tokenBalance - after.tokenBalance).toBe(told?.amount)
    expect((await ask(world, intent)).state).toBe('mined')
    expect((await events(world, 'CreditWithdrawn')).at(-1)).toEqual(told)
    const none = await ask(world, { kind: 'withdrawCredit', account: world.arbiter.address })
    expect(none.reason).toBe(`NoCredit: account ${world.arbiter.address}`)
  })

  it('leaves the pool with exactly what it owes, however the day went', async () => {
    const world = open()
    const state = await world.rail.poolState()
    const unpaid = state.totalAllocated - state.totalClaimed
    expect(state.tokenBalance).toBe(state.locked + state.allocatable + unpaid + state.credits)
    expect(await bookDifferences(world)).toEqual([])
    const again = await world.reopen()
    expect(await again.poolState()).toEqual(state)
    expect(await again.advance()).toEqual({ newEvents: 0 })
  })
}
