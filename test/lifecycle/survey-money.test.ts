import { expect, test } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import { microEur } from '#domain/money.ts'
import { surveyMoney } from '#lifecycle/survey-money.ts'
import { WINDOW_START } from '#test/support/builders.ts'
import { hexOf } from '#test/postgres/samples.ts'

const at = WINDOW_START

test('with nothing in the store there is no alarm and nothing waits', async () => {
  expect(await surveyMoney({ store: createMemoryStore() })).toEqual({
    books: { comparedAt: null, differences: [], since: null },
    backlog: [],
    balances: [],
    waiting: [],
  })
})

test('an alarm stands with its differences, the backlog in its order, the ledger by kind', async () => {
  const store = createMemoryStore()
  await store.transaction(async (tx) => {
    await tx.events.append([
      {
        kind: 'books-differ',
        at,
        callId: null,
        resourceId: null,
        organisationIds: [],
        ownerId: null,
        notice: true,
        message: 'the books differ',
        data: { count: 2, differences: 'locked: 1 against 2\nclaimed: 3 against 4' },
      },
    ])
    await tx.chain.intend('finalize:one', { kind: 'finalize', requestId: hexOf(1) })
    await tx.chain.intend('activate:1', { kind: 'activateEpoch', epoch: 1 })
    const entry = (account: string, amount: bigint) => ({ account, amount: microEur(amount), at })
    await tx.ledger.post('open', [
      entry('dso:dso', -50n),
      entry('escrow:call-1', 20n),
      entry('escrow:call-2', 30n),
    ])
  })
  const { books, backlog, balances } = await surveyMoney({ store })
  expect(books).toEqual({
    comparedAt: null,
    differences: ['locked: 1 against 2', 'claimed: 3 against 4'],
    since: at,
  })
  expect(backlog.map(({ businessKey }) => businessKey)).toEqual(['finalize:one', 'activate:1'])
  expect(balances).toEqual([
    { kind: 'dso', balance: -50n },
    { kind: 'escrow', balance: 50n },
  ])
})
