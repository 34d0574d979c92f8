import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { genesisHash } from '#adapters/evm/identity.ts'
import { createChainClient } from '#adapters/evm/rpc.ts'
import { type LocalChain, startAnvil } from '#adapters/local-chain/local-chain.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

const chainId = 31_337
const timestamp = 1_700_000_000

let dataDir: string
let started: LocalChain[]

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'gridcall-chain-'))
  started = []
})

afterEach(async () => {
  for (const chain of started) await chain.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(options: { stateFile?: string; port?: number } = {}): Promise<LocalChain> {
  const fixed = { dataDir, chainId, timestamp, noMining: true, timer: wallTimer }
  const chain = await startAnvil({ ...fixed, ...options })
  started.push(chain)
  return chain
}

async function call(chain: LocalChain, method: string, ...params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(chain.url, { method: 'POST', headers, body })
  const { result, error } = (await response.json()) as { result?: unknown; error?: unknown }
  expect(error).toBeUndefined()
  return result
}

type Block = { number: string; timestamp: string; hash: string }

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function untilGone(pid: number): Promise<void> {
  const gone = async () => {
    while (isAlive(pid)) await wallTimer.sleep(20)
  }
  await wallTimer.deadline(gone(), 5_000, 'the end of the process')
}

describe('refusals', () => {
  test('a damaged state is named, and no process is left', async () => {
    const stateFile = join(dataDir, 'state.json')
    writeFileSync(stateFile, '{"block": {"num')
    await expect(start({ stateFile })).rejects.toThrow(
      `the local chain's state in ${stateFile} is damaged`,
    )
  })

  test('a taken port is named', async () => {
    const first = await start()
    const port = Number(new URL(first.url).port)
    const other = mkdtempSync(join(tmpdir(), 'gridcall-chain-'))
    try {
      await expect(
        startAnvil({ dataDir: other, chainId: 1, timestamp, port, timer: wallTimer }),
      ).rejects.toThrow(`port ${port}, wanted for the local chain, is taken`)
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  })

  test('a chain of the same id that another folder runs there is not taken for the wanted one', async () => {
    const first = await start()
    const port = Number(new URL(first.url).port)
    const other = mkdtempSync(join(tmpdir(), 'gridcall-chain-'))
    try {
      const wanted = { dataDir: other, chainId, timestamp, port, timer: wallTimer }
      await expect(startAnvil(wanted)).rejects.toThrow(`port ${port}`)
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  })

  test('a running chain of another id is not taken for the wanted one', async () => {
    await start()
    await expect(startAnvil({ dataDir, chainId: 5, timestamp, timer: wallTimer })).rejects.toThrow(
      `has chain id ${chainId}, expected 5`,
    )
  })
})

describe('the local chain', () => {
  test('begins at the given time and mines only when told to', async () => {
    const chain = await start()
    const first = (await call(chain, 'eth_getBlockByNumber', 'latest', false)) as Block
    expect(Number(first.timestamp)).toBe(timestamp)
    await call(chain, 'evm_setNextBlockTimestamp', timestamp + 90)
    await call(chain, 'evm_mine')
    const second = (await call(chain, 'eth_getBlockByNumber', 'latest', false)) as Block
    expect(second).toMatchObject({ number: '0x1', timestamp: `0x${(timestamp + 90).toString(16)}` })
  })

  test('is found again, and two starts at once make one chain', async () => {
    const [one, other] = await Promise.all([start(), start()])
    expect(other.pid).toBe(one.pid)
    expect(await start()).toMatchObject({ pid: one.pid, url: one.url, isReused: true })
  })

  test('keeps blocks and their times over a restart', async () => {
    const stateFile = join(dataDir, 'state.json')
    const before = await start({ stateFile })
    await call(before, 'evm_setNextBlockTimestamp', timestamp + 1_000)
    await call(before, 'evm_mine')
    const last = (await call(before, 'eth_getBlockByNumber', 'latest', false)) as Block
    await before.stop()
    await untilGone(before.pid)

    const after = await start({ stateFile })
    expect(after.isReused).toBe(false)
    expect(await call(after, 'eth_getBlockByNumber', 'latest', false)).toMatchObject({
      number: last.number,
      hash: last.hash,
    })
    await call(after, 'evm_mine')
    const next = (await call(after, 'eth_getBlockByNumber', 'latest', false)) as Block
    expect(Number(next.timestamp)).toBeGreaterThan(timestamp + 1_000)
  })

  test('is started anew where the last one was killed', async () => {
    const killed = await start()
    process.kill(killed.pid, 'SIGKILL')
    await untilGone(killed.pid)
    const next = await start()
    expect(next.pid).not.toBe(killed.pid)
    expect(await call(next, 'eth_blockNumber')).toBe('0x0')
  })
})

test('a chain that went on from its state again and again begins as it began', async () => {
  const stateFile = join(dataDir, 'state.json')
  const beginning = (chain: LocalChain) =>
    genesisHash(createChainClient({ rpcUrl: chain.url, timer: wallTimer }))
  const first = await start({ stateFile })
  await call(first, 'anvil_mine', '0x3')
  const began = await beginning(first)
  await first.stop()
  for (let restart = 0; restart < 5; restart++) {
    const again = await start({ stateFile })
    expect(await beginning(again)).toBe(began)
    await again.stop()
  }
})
