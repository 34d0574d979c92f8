import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Transaction, TransactionBook } from '#adapters/ocpp/transactions.ts'
import { addSeconds } from '#domain/time.ts'
import { START } from './world.ts'

function book() {
  const changed: Transaction[] = []
  const began: string[] = []
  const transactions = new TransactionBook({
    isOurs: (connectorId) => connectorId <= 2,
    changed: (one) => changed.push(one),
    began: ({ id }) => began.push(id),
  })
  return { transactions, changed, began }
}

const at = (seconds: number) => addSeconds(START, seconds)
const beginning = { startedAt: START, startRegisterWh: 100 }
const unknown = { startedAt: null, startRegisterWh: null }

test('a start that an old queue delivers does not push out what runs now', () => {
  const { transactions, began } = book()
  transactions.begin(1, 'new', { startedAt: at(100), startRegisterWh: 5 })
  transactions.begin(1, 'old', beginning)
  transactions.carryOn(1, 'old', null, at(50))
  expect(transactions.running(1)?.id).toBe('new')
  expect(began).toEqual(['new'])
})

test('where an end was lost the next start ends it, until the station says when it was', () => {
  const { transactions, changed } = book()
  transactions.begin(1, 'a', beginning)
  transactions.begin(1, 'b', { startedAt: at(100), startRegisterWh: 5 })
  expect(changed.filter(({ id }) => id === 'a').at(-1)?.endedAt).toBe(at(100))
  transactions.end(1, 'a', at(70), unknown)
  expect(changed.at(-1)).toMatchObject({ id: 'a', endedAt: at(70) })
  expect(transactions.running(1)?.id).toBe('b')
})

test('what a car said before it left does not hold for the next one', () => {
  const { transactions } = book()
  transactions.need(1, null, { energyNeededWh: 9_000, departureAt: null })
  transactions.idle(1)
  transactions.begin(1, 'a', beginning)
  expect(transactions.running(1)?.energyNeededWh).toBeNull()
})

test('connectors that are not ours are not followed', () => {
  const { transactions, changed, began } = book()
  transactions.begin(3, 'a', beginning)
  transactions.carryOn(3, 'b', null, at(5))
  transactions.need(3, 'a', { energyNeededWh: 1, departureAt: null })
  transactions.end(3, 'a', at(9), beginning)
  expect(transactions.heard(3)).toBe(false)
  expect([changed, began, transactions.running(3)]).toEqual([[], [], null])
})

test('connectors keep their transactions apart', () => {
  const { transactions } = book()
  transactions.begin(1, 'a', beginning)
  transactions.begin(2, 'b', beginning)
  transactions.end(1, 'a', at(5), unknown)
  expect(transactions.running(1)).toBeNull()
  expect(transactions.running(2)?.id).toBe('b')
})

test('a thousand transactions are not all kept, the running one is', () => {
  const { transactions } = book()
  transactions.begin(2, 'stays', beginning)
  for (let i = 0; i < 1_000; i += 1) {
    transactions.begin(1, `t-${i}`, { startedAt: at(i * 10), startRegisterWh: 0 })
    transactions.end(1, `t-${i}`, at(i * 10 + 5), unknown)
  }
  expect(transactions.running(2)?.id).toBe('stays')
  expect(transactions.find('t-0')).toBeNull()
  expect(transactions.find('t-999')).not.toBeNull()
})

test('whatever the order and however often, one transaction ends as one and the same', () => {
  const steps = ['start', 'update', 'need', 'end'] as const
  const orders = fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(orders, (order) => {
      const { transactions, changed } = book()
      for (const step of [...order, 'start', 'need', 'end'] as const) {
        if (step === 'start') transactions.begin(1, 'a', beginning)
        if (step === 'update') transactions.carryOn(1, 'a', null, at(10))
        if (step === 'need') {
          transactions.need(1, 'a', { energyNeededWh: 7, departureAt: at(500) })
        }
        if (step === 'end') transactions.end(1, 'a', at(60), unknown)
      }
      expect(transactions.running(1)).toBeNull()
      expect(changed.at(-1)).toEqual({
        id: 'a',
        connectorId: 1,
        ...beginning,
        firstRegisterWh: null,
        endedAt: at(60),
        energyNeededWh: 7,
        departureAt: at(500),
      })
      expect(new Set(changed.map(({ startedAt }) => startedAt))).toEqual(new Set([START]))
    }),
  )
})
