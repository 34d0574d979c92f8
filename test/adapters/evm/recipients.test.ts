import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { readRecipients } from '#adapters/evm/pool-state.ts'
import { createChainClient } from '#adapters/evm/rpc.ts'
import { payoutRecipientsAbi } from '#contracts/generated/PayoutRecipients.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { recipientsAt } from '#domain/payout-recipients.ts'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  journalOf,
  makeWorld,
  sendAs,
  settleDown,
  settlementOf,
  type World,
  wallTimer,
  word,
} from './support/world.ts'

const DAY = 86_400
const NEW: Address = `0x${'ab'.repeat(20)}`
const OTHER: Address = `0x${'cd'.repeat(20)}`

let world: World
let rail: PayoutRail
let recipients: Address

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
  const client = createChainClient({ rpcUrl: world.chain.url, timer: wallTimer })
  recipients = await readRecipients(client, world.identity)
}, 30_000)

afterAll(() => world.chain.stop())

async function sendAndHear(from: Address, to: Address, data: Hex): Promise<void> {
  await sendAs(world.chain, from, to, data)
  world.clock.forward(60)
  await settleDown(rail, 1)
}

const call = (functionName: 'setRecipient' | 'cancelRecipient', to = NEW) =>
  functionName === 'setRecipient'
    ? encodeFunctionData({ abi: payoutRecipientsAbi, functionName, args: [to] })
    : encodeFunctionData({ abi: payoutRecipientsAbi, functionName })

async function namedNow() {
  const announced = await journalOf(world.store).events('RecipientAnnounced')
  const cancelled = await journalOf(world.store).events('RecipientCancelled')
  const events = [...announced, ...cancelled].toSorted((a, b) => a.block - b.block)
  return recipientsAt(events, world.clock.now())
}

describe('an account of the payout tree that names another address on the chain', () => {
  it('is heard by the service and by verifiers, and moves after the delay and not before', async () => {
    const account = world.parties.dso.address
    const { identity, chain } = world
    const reader = createEscrowReader({ rpcUrl: chain.url, timer: wallTimer, identity })
    await sendAndHear(account, recipients, call('setRecipient'))
    const [heard] = await journalOf(world.store).events('RecipientAnnounced')
    expect(heard).toMatchObject({ account, from: world.clock.seconds() + 2 * DAY })
    expect(heard?.to.toLowerCase()).toBe(NEW)
    expect((await namedNow()).size).toBe(0)
    expect(await reader.isRecipient(account, NEW)).toBe(false)
    world.clock.forward(2 * DAY + 900)
    await settleDown(rail, 1)
    expect((await namedNow()).get(account.toLowerCase())?.toLowerCase()).toBe(NEW)
    expect(await reader.isRecipient(account, NEW)).toBe(true)
    expect(await reader.isRecipient(account, OTHER)).toBe(false)
  })

  it('can take that back within the delay', async () => {
    const account = world.parties.fees.address
    await sendAndHear(account, recipients, call('setRecipient'))
    await sendAndHear(account, recipients, call('cancelRecipient'))
    const [heard] = await journalOf(world.store).events('RecipientCancelled')
    expect(heard).toMatchObject({ account })
    world.clock.forward(3 * DAY)
    expect((await namedNow()).has(account.toLowerCase())).toBe(false)
  })
})

describe('a verifier that signs two results for one round', () => {
  it('is marked by whoever shows both, and the service hears of it', async () => {
    const [culprit] = world.attestors
    if (!culprit) throw new Error('no verifier')
    const one = settlementOf(word('9'))
    const other = settlementOf(word('9'), { payoutTotal: 81n * EUR })
    const struct = (statement: typeof one) => ({
      ...statement,
      deliveredWh: BigInt(statement.deliveredWh),
    })
    const data = encodeFunctionData({
      abi: verifierRegistryAbi,
      functionName: 'proveEquivocation',
      args: [
        world.identity.pool,
        1,
        struct(one),
        await culprit.signSettlement(one),
        struct(other),
        await culprit.signSettlement(other),
      ],
    })
    await sendAndHear(world.parties.arbiter.address, world.identity.registry, data)
    expect(await journalOf(world.store).events('VerifierEquivocated')).toMatchObject([
      { setId: 1, signer: culprit.address, requestId: word('9'), round: 1 },
    ])
  })
})
