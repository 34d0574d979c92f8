import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, deployPool } from '#adapters/evm/deploy.ts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { instant } from '#domain/time.ts'
import { type Anvil, startAnvil } from './support/anvil.ts'
import {
  START,
  journalOf,
  makeWorld,
  openIntent,
  settleDown,
  termsOf,
  wallTimer,
} from './support/world.ts'

let anvil: Anvil
const address = () => privateKeyToAccount(generatePrivateKey()).address

beforeAll(async () => {
  anvil = await startAnvil(START)
}, 30_000)

afterAll(() => anvil.stop())

const at = (seconds: number) => instant((START + seconds) * 1000)

const deployment = (changes: Partial<Deployment> = {}) => ({
  rpcUrl: anvil.url,
  timer: wallTimer,
  deployerKey: generatePrivateKey(),
  verifiers: [address(), address(), address()],
  quorum: 2,
  payers: [address()],
  feeReceiver: address(),
  disputeWindowSeconds: 60,
  epochWindowSeconds: 60,
  refundGraceSeconds: 0,
  heldWindowSeconds: 60,
  ...changes,
})

describe('deploying a pool', () => {
  it('is refused in the contract’s own words', async () => {
    await expect(deployPool(deployment({ quorum: 4 }))).rejects.toThrow(
      'setting up the pool of gridcall was refused: QuorumOutOfRange: quorum 4, signers 3',
    )
    const [twice] = deployment().verifiers
    if (!twice) throw new Error('the deployment has verifiers')
    await expect(deployPool(deployment({ verifiers: [twice, twice] }))).rejects.toThrow(
      /SetNotAscending/,
    )
    await expect(deployPool(deployment({ disputeWindowSeconds: 0 }))).rejects.toThrow(
      'setting up the pool of gridcall was refused: BadConfiguration: name disputeWindow, value 0',
    )
    await expect(deployPool(deployment({ token: address() }))).rejects.toThrow(/TokenDecimals/)
    const mintTo = [{ address: address(), amount: 1n }]
    await expect(deployPool(deployment({ token: address(), mintTo }))).rejects.toThrow(
      /a given token is not ours to make/,
    )
  })

  it('takes a token that is there, and lets no time pass on a local chain', async () => {
    const { identity: first } = await deployPool(deployment())
    const { identity: second } = await deployPool(deployment({ token: first.token }))
    expect(second).toMatchObject({ token: first.token, chainId: 31337 })
    expect(second.pool).not.toBe(first.pool)
    const block = await anvil.ask('eth_getBlockByNumber', 'latest', false)
    expect(block).toMatchObject({ timestamp: `0x${START.toString(16)}` })
  })
})

describe('the parties of a pool', () => {
  it('are read from the chain, verifiers ascending', async () => {
    const world = await makeWorld({ anvil })
    const { parties } = await world.open()
    expect(parties).toMatchObject({
      ...world.identity,
      relayer: world.parties.relayer.address,
      verifierSetId: 1,
      verifiers: world.attestors.map((each) => each.address),
      quorum: 2,
      disputeWindowSeconds: 600,
      epochWindowSeconds: 300,
    })
  })
})

describe('time on a local chain', () => {
  const latest = async () => {
    const block = (await anvil.ask('eth_getBlockByNumber', 'latest', false)) as {
      timestamp: string
      number: string
    }
    return { seconds: Number(block.timestamp), number: Number(block.number) }
  }

  it('is business time, never goes back and stands still with it', async () => {
    const world = await makeWorld({ anvil })
    const rail = await world.open()
    world.clock.forward(7200)
    await settleDown(rail, 1)
    expect((await latest()).seconds).toBe(START + 7200)
    const before = await latest()
    await settleDown(rail)
    expect(await latest()).toEqual(before) // nothing to mine, so nothing is mined
    world.clock.to(START)
    await settleDown(rail)
    expect((await latest()).seconds).toBe(START + 7200)
  })

  it('gets a block a minute while nothing happens, and one at once when something does', async () => {
    const world = await makeWorld({ anvil })
    const rail = await world.open()
    world.clock.to(START + 9000)
    await settleDown(rail, 1)
    const from = await latest()
    for (let second = 0; second < 180; second += 10) {
      world.clock.forward(10)
      await rail.advance()
    }
    expect((await latest()).number - from.number).toBe(2)

    const terms = termsOf(world, { deliverStart: at(9600), deliverEnd: at(9900) })
    const refund = { kind: 'refundExpired', requestId: rail.requestId(terms) } as const
    await journalOf(world.store).intend('open', await openIntent(world, terms))
    await rail.advance()
    expect((await latest()).seconds).toBe(world.clock.seconds())
    await journalOf(world.store).intend('refund', refund) // far too early: that makes no blocks
    await settleDown(rail)
    const waiting = await latest()
    for (let second = 0; second < 50; second += 10) {
      world.clock.forward(10)
      await rail.advance()
    }
    expect(await latest()).toEqual(waiting)
  })
})

describe('a key file', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridcall-keys-'))
  })

  afterAll(() => rm(folder, { recursive: true }))

  it('is refused when others may read it or when it holds no key', async () => {
    const open = await makeOrLoadKey(folder, 'open')
    await chmod(join(folder, 'open.key'), 0o644)
    await expect(makeOrLoadKey(folder, 'open')).rejects.toThrow(/must have mode 600/)
    expect(open.address).toMatch(/^0x/)
    await writeFile(join(folder, 'torn.key'), '0x12', { mode: 0o600 })
    await expect(makeOrLoadKey(folder, 'torn')).rejects.toThrow(/64 hexadecimal digits/)
    await expect(makeOrLoadKey(folder, '../dso')).rejects.toThrow(RangeError)
  })

  it('is made once, for its owner alone, however many ask at once', async () => {
    const asked = Array.from({ length: 8 }, () => makeOrLoadKey(join(folder, 'new'), 'dso'))
    const keys = await Promise.all(asked)
    expect(new Set(keys.map(({ privateKey }) => privateKey)).size).toBe(1)
    const file = join(folder, 'new', 'dso.key')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o700)
    expect((await readFile(file, 'utf8')).trim()).toBe(keys[0]?.privateKey)
  })
})
