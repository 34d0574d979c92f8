import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CREATE2_PROXY, piecesOf } from '#adapters/evm/contract-code.ts'
import { type Deployment, deployPool } from '#adapters/evm/deploy.ts'
import { inspectPool } from '#adapters/evm/inspect.ts'
import { type Manifest, readManifest, writeManifest } from '#adapters/evm/manifest.ts'
import { fileSigner } from '#adapters/evm/file-signer.ts'
import { createEvmRail } from '#adapters/evm/rail.ts'
import type { Config } from '#config.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import { establishChain } from '#processes/local-parties.ts'
import { type Anvil, startAnvil } from './support/anvil.ts'
import { startBrokenLine } from './support/broken-line.ts'
import { START, handClock, listeningLog, wallTimer } from './support/world.ts'

const address = () => privateKeyToAccount(generatePrivateKey()).address
const verifiers = [address(), address(), address()]
const parties = { feeReceiver: address(), payers: [address()], guardians: [address()] }
const admin = { address: address(), delaySeconds: 172_800 }
let anvil: Anvil
let bare: Anvil
let folder: string

beforeAll(async () => {
  anvil = await startAnvil(START)
  bare = await startAnvil(START, '--chain-id', '4711', '--disable-default-create2-deployer')
  folder = await mkdtemp(join(tmpdir(), 'gridcall-manifest-'))
}, 30_000)

afterAll(async () => {
  await Promise.all([anvil.stop(), bare.stop(), rm(folder, { recursive: true })])
})

const deployment = (deployerKey = generatePrivateKey(), chain = anvil): Deployment => ({
  ...parties,
  rpcUrl: chain.url,
  timer: wallTimer,
  deployerKey,
  verifiers,
  quorum: 2,
  admin,
  outflowBps: 1_000,
  challengeBond: 7_000_000n,
  disputeWindowSeconds: 60,
  epochWindowSeconds: 60,
  refundGraceSeconds: 120,
  heldWindowSeconds: 60,
})

const world = (chain: Anvil) => ({ rpcUrl: chain.url, timer: wallTimer })

describe('deploying a second time', () => {
  it('sends nothing and finds everything where it was', async () => {
    const plan = deployment()
    const first = await deployPool(plan)
    expect(first.transactions).not.toHaveLength(0)
    const second = await deployPool(plan)
    expect(second.transactions).toEqual([])
    expect(second.contracts).toEqual(first.contracts)
    expect(second.block).toBe(first.block)
  })

  it('goes on where the first run was stopped, also while its transaction waits', async () => {
    const key = generatePrivateKey()
    const whole = await deployPool(deployment(key, bare))
    const here = { ...deployment(key), programme: 'gridcall' }
    const { authority } = piecesOf(privateKeyToAccount(key).address)
    await anvil.ask('anvil_setBalance', privateKeyToAccount(key).address, '0x3635c9adc5dea00000')
    await anvil.ask('anvil_impersonateAccount', privateKeyToAccount(key).address)
    await anvil.ask('eth_sendTransaction', {
      from: privateKeyToAccount(key).address,
      to: CREATE2_PROXY,
      data: `0x${'00'.repeat(32)}${authority.initCode.slice(2)}`,
    })
    const resumed = await deployPool(here)
    // The code of two of them differs by the chain id that it holds; no address does.
    const places = ({ contracts }: Manifest) => Object.values(contracts).map((each) => each.address)
    expect(places(resumed)).toEqual(places(whole))
    expect(resumed.transactions.map(({ what }) => what)).not.toContain('deploying PoolAuthority')
  })

  it('is refused for other verifiers, with what was expected', async () => {
    const plan = deployment()
    await deployPool(plan)
    await expect(deployPool({ ...plan, quorum: 3 })).rejects.toThrow(/expected 3 of the verifiers/)
  })

  it('leaves to the admin what is the admin’s once the deployer has handed over', async () => {
    const plan = deployment()
    await deployPool(plan)
    await expect(deployPool({ ...plan, programme: 'another' })).rejects.toThrow(
      new RegExp(`the admin ${admin.address} has to send to 0x.*creating the pool of another`),
    )
  })
})

describe('other code where a contract should be', () => {
  it('is told by name and address', async () => {
    const key = generatePrivateKey()
    const { registry } = piecesOf(privateKeyToAccount(key).address)
    await anvil.ask('anvil_setCode', registry.address, '0x6001')
    await expect(deployPool(deployment(key))).rejects.toThrow(
      `expected VerifierRegistry at ${registry.address}, but other code is there`,
    )
  })
})

describe('a manifest', () => {
  it('is refused on another chain', async () => {
    const made = await deployPool(deployment())
    await expect(deployPool({ ...deployment(), rpcUrl: bare.url, before: made })).rejects.toThrow(
      'the manifest is of the chain with id 31337, but id 4711 answers',
    )
    expect(await inspectPool(made, world(bare))).toMatchObject({
      ok: false,
      faults: ['expected the chain with id 31337, but id 4711 answers'],
    })
  })

  it('is written, read again and found on the chain: code, roles, verifiers, pause, limit, bond', async () => {
    const made = await deployPool(deployment())
    const file = join(folder, 'chain.json')
    await writeManifest(file, made)
    expect(await readManifest(file)).toEqual(made)
    expect(await inspectPool(made, world(anvil))).toMatchObject({
      ok: true,
      verifiers: { currentSetId: 1, quorum: 2 },
      roles: { admin: { isMember: true, delaySeconds: 172_800 } },
      pause: { untilSeconds: 0, used: false },
      challengeBond: '7000000',
      pool: { locked: '0' },
      faults: [],
    })
    await anvil.ask('anvil_setCode', made.contracts.factory.address, '0x')
    const { ok, faults } = await inspectPool(made, world(anvil))
    expect(ok).toBe(false)
    expect(faults).toEqual([
      `expected the factory at ${made.contracts.factory.address}, but nothing is there`,
    ])
  })

  it('is what a service goes by: its pool and block; anything else there is refused by name', async () => {
    const made = await deployPool(deployment())
    const file = join(folder, 'given.json')
    await writeManifest(file, made)
    const store = createMemoryStore()
    const open = (chain: Anvil, chainManifest: string | null = file) =>
      establishChain({
        config: { chainManifest } as Config,
        servers: { isLocalChain: false, rpcUrl: chain.url },
        store,
        timer: wallTimer,
      })
    await expect(open(anvil, null)).rejects.toThrow(/name its manifest in GRIDCALL_CHAIN_MANIFEST/)
    await expect(open(bare)).rejects.toThrow(
      'GRIDCALL_CHAIN_MANIFEST: expected the chain with id 31337, but id 4711 answers',
    )
    const { pool } = made.contracts
    const code = await anvil.ask('eth_getCode', pool.address, 'latest')
    for (const [other, what] of [
      ['0x6001', 'other code is there'],
      ['0x', 'nothing is there'],
    ] as const) {
      await anvil.ask('anvil_setCode', pool.address, other)
      await expect(open(anvil)).rejects.toThrow(
        `GRIDCALL_CHAIN_MANIFEST: expected the pool at ${pool.address}, but ${what}`,
      )
    }
    await anvil.ask('anvil_setCode', pool.address, code)
    const established = await open(anvil)
    expect(established).toEqual({ identity: made.identity, startBlock: made.block - 1 })
    expect(made.block).toBeGreaterThan(1)

    const line = await startBrokenLine(anvil.url)
    const from: number[] = []
    line.lie('eth_getLogs', (result, [filter]) => {
      from.push(Number((filter as { fromBlock: string }).fromBlock))
      return { result }
    })
    const rail = (identity = made.identity) =>
      createEvmRail({
        ...established,
        identity,
        rpcUrl: line.url,
        store,
        clock: handClock(),
        timer: wallTimer,
        log: listeningLog().log,
        signer: fileSigner(generatePrivateKey()),
        local: false,
        confirmations: 0,
      })
    await (await rail()).advance()
    expect(Math.min(...from)).toBe(made.block) // not one block before is asked for
    await expect(rail((await deployPool(deployment())).identity)).rejects.toThrow(
      `this database belongs to pool ${made.identity.pool}, but 0x`,
    )
    await line.stop()
  })

  it('that is torn or of something else is refused in one sentence', async () => {
    const file = join(folder, 'torn.json')
    await expect(readManifest(file)).rejects.toThrow(/expected a manifest/)
    await writeFile(file, '{"format":')
    await expect(readManifest(file)).rejects.toThrow(/it is no JSON object/)
    await writeFile(file, '{"format":"other"}')
    await expect(readManifest(file)).rejects.toThrow(/its format is "other"/)
    const text = await readFile(file, 'utf8')
    expect(text).toContain('other')
  })
})
