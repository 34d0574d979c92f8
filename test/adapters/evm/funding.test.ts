import { encodeDeployData, encodeFunctionData, getContractAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFunding } from '#adapters/evm/funding.ts'
import { createChainClient } from '#adapters/evm/rpc.ts'
import { permitEuroAbi, permitEuroBytecode } from '#contracts/generated/PermitEuro.ts'
import type { Authorisation, EscrowTerms, Permit } from '#domain/escrow.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { usualValidity } from '#domain/pool-messages.ts'
import type { PayoutRail } from '#ports.ts'
import { type Anvil, startAnvil } from './support/anvil.ts'
import {
  EUR,
  journalOf,
  makeWorld,
  sendAs,
  settleDown,
  START,
  termsOf,
  type World,
  wallTimer,
} from './support/world.ts'

/** A pool whose euro has permits and takes no orders (ERC-3009). */
let world: World
let rail: PayoutRail
let token: Address

beforeAll(async () => {
  const anvil = await startAnvil(START)
  token = await deployEuro(anvil)
  world = await makeWorld({ anvil, token })
  rail = await world.open()
  const mint = { abi: permitEuroAbi, functionName: 'mint' } as const
  const { dso } = world.parties
  await say(ISSUER, encodeFunctionData({ ...mint, args: [dso.address, 10_000n * EUR] }))
}, 30_000)

afterAll(() => world.chain.stop())

const ISSUER: Address = `0x${'1e'.repeat(20)}`

async function deployEuro(anvil: Anvil): Promise<Address> {
  const data = encodeDeployData({
    abi: permitEuroAbi,
    bytecode: permitEuroBytecode,
    args: [ISSUER],
  })
  await sendAs(anvil, ISSUER, null, data)
  await anvil.ask('evm_mine')
  return getContractAddress({ from: ISSUER, nonce: 0n })
}

async function say(from: Address, data: Hex): Promise<void> {
  await sendAs(world.chain, from, token, data)
  world.clock.forward(1)
  await settleDown(rail, 1)
}

const allow = (amount: bigint) => {
  const args = [world.identity.pool, amount] as const
  const data = encodeFunctionData({ abi: permitEuroAbi, functionName: 'approve', args })
  return say(world.parties.dso.address, data)
}

const dsoSigns = (data: unknown, key = world.parties.dso.key) =>
  privateKeyToAccount(key).signTypedData(data as never)

async function word(terms: EscrowTerms, permit?: Permit): Promise<Authorisation> {
  const signature = await dsoSigns(rail.authorisationToSign(terms))
  return { ...usualValidity(terms), signature, ...(permit ? { permit } : {}) }
}

async function permitFor(
  terms: EscrowTerms,
  key = world.parties.dso.key,
  changes: Readonly<Record<string, string>> = {},
): Promise<Permit> {
  const data = (await rail.permitToSign?.(terms)) as { message: Record<string, string> }
  const message = { ...data.message, ...changes }
  const signature = await dsoSigns({ ...data, message }, key)
  const { value = '', deadline = '' } = message
  return { value: BigInt(value), deadline: Number(deadline), signature }
}

async function opened(key: string, terms: EscrowTerms, authorisation: Authorisation) {
  await journalOf(world.store).intend(key, { kind: 'openRequest', terms, authorisation })
  await settleDown(rail, 1)
  return journalOf(world.store).intent(key)
}

describe('how a token brings money in', () => {
  it('is asked of the token: orders, permits, or neither', async () => {
    const client = createChainClient({ rpcUrl: world.chain.url, timer: wallTimer })
    const { identity } = world
    expect((await readFunding(client, identity)).way).toBe('permit')
    const other = await makeWorld({ anvil: world.chain })
    const orders = await readFunding(client, other.identity)
    expect(orders).toMatchObject({ way: 'authorisation', token: { name: 'Test Euro' } })
    const bare = { ...identity, token: identity.registry }
    expect(await readFunding(client, bare)).toEqual({ way: 'allowance' })
  })
})

describe('a payer whose token takes no orders', () => {
  it('signs the request itself, and is not believed before the money can be had', async () => {
    const terms = termsOf(world)
    expect(rail.authorisationToSign(terms)).toMatchObject({
      primaryType: 'Open',
      domain: { name: 'Gridcall FlexPool', verifyingContract: world.identity.pool },
      message: { requestId: rail.requestId(terms) },
    })
    const own = await word(terms)
    expect(await rail.verifyAuthorisation(terms, own)).toBe(false)
    await allow(100n * EUR)
    expect(await rail.verifyAuthorisation(terms, own)).toBe(true)
    expect(await rail.verifyAuthorisation(termsOf(world), own)).toBe(false)
    const foreign = await dsoSigns(rail.authorisationToSign(terms), world.parties.fees.key)
    expect(await rail.verifyAuthorisation(terms, { ...own, signature: foreign })).toBe(false)
  })

  it('pays by its allowance, whoever sends', async () => {
    const terms = termsOf(world)
    await allow(100n * EUR)
    expect(await opened('by allowance', terms, await word(terms))).toMatchObject({ state: 'mined' })
    expect(await rail.poolState()).toMatchObject({ locked: 100n * EUR, tokenBalance: 100n * EUR })
    const late = termsOf(world)
    const refused = await opened('without', late, await word(late))
    expect(refused.state).toBe('reverted')
    expect(refused.reason).toContain('ERC20InsufficientAllowance')
  })

  it('pays by a permit that comes with its word, and by nobody else’s', async () => {
    const terms = termsOf(world)
    const foreign = await permitFor(terms, world.parties.fees.key)
    expect(await rail.verifyAuthorisation(terms, await word(terms, foreign))).toBe(false)
    const past = await permitFor(terms, undefined, { deadline: '1' })
    expect(await rail.verifyAuthorisation(terms, await word(terms, past))).toBe(false)
    const own = await word(terms, await permitFor(terms))
    expect(await rail.verifyAuthorisation(terms, own)).toBe(true)
    expect(await opened('by permit', terms, own)).toMatchObject({ state: 'mined' })
  })

  it('pays also where somebody used its permit first', async () => {
    const terms = termsOf(world)
    const permit = await permitFor(terms)
    const own = await word(terms, permit)
    const { r, s, v } = split(permit.signature)
    const { dso, fees } = world.parties
    const args = [dso.address, world.identity.pool, permit.value, BigInt(permit.deadline)] as const
    await say(
      fees.address,
      encodeFunctionData({ abi: permitEuroAbi, functionName: 'permit', args: [...args, v, r, s] }),
    )
    expect(await rail.verifyAuthorisation(terms, own)).toBe(true)
    expect(await opened('front-run', terms, own)).toMatchObject({ state: 'mined' })
  })
})

function split(signature: Hex): { r: Hex; s: Hex; v: number } {
  const digits = signature.slice(2)
  const [r, s] = [digits.slice(0, 64), digits.slice(64, 128)]
  return { r: `0x${r}`, s: `0x${s}`, v: Number.parseInt(digits.slice(128), 16) }
}
