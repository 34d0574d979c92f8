import { expect, it } from 'vitest'
import { microEur } from '#domain/money.ts'
import { EUR } from '../evm/support/world.ts'
import { ledgerWorld } from './support/rail-world.ts'
import { ask, openIntent, termsNow } from './support/steps.ts'

it('one deposit is not promised to two requests that are accepted at once', async () => {
  const world = await ledgerWorld('memory', { deposit: 150n * EUR })
  const terms = () => termsNow(world, { amount: microEur(100n * EUR) })
  const [first, second] = [await openIntent(world, terms()), await openIntent(world, terms())]
  if (first.kind !== 'openRequest' || second.kind !== 'openRequest') throw new Error('no order')
  const isTaken = ({ terms: of, authorisation }: typeof first) =>
    world.rail.verifyAuthorisation(of, authorisation)
  expect([await isTaken(first), await isTaken(second)]).toEqual([true, true])
  await world.store.transaction((tx) => tx.chain.intend('first', first))
  expect(await isTaken(second)).toBe(false)
  await world.rail.advance()
  expect(await isTaken(second)).toBe(false)
  expect((await ask(world, second)).reason).toMatch(/^DepositTooSmall: /)
  await world.close()
})
