import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyTypedData } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { run } from '#commands/dso.ts'
import type { Hex } from '#domain/ids.ts'
import {
  asPlainJson,
  cancellationTypedData,
  openingTypedData,
  permitTypedData,
} from '#domain/pool-messages.ts'
import { partiesFolder } from '#processes/local-parties.ts'

const pool = { chainId: 31337, pool: `0x${'ab'.repeat(20)}` } as const
const token = { name: 'Permit Euro', version: '1', chainId: 31337, verifyingContract: pool.pool }
const requestId: Hex = `0x${'12'.repeat(32)}`

let folder: string
let address: Hex

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridcall-dso-'))
  address = (await makeOrLoadKey(partiesFolder(folder), 'dso')).address
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})
afterAll(() => rm(folder, { recursive: true }))

/** The body that `gridcall dso sign` prints for what the service showed. */
async function signed(data: unknown): Promise<Record<string, unknown> & { signature: Hex }> {
  const file = join(folder, 'shown.json')
  await writeFile(file, JSON.stringify(data))
  vi.stubEnv('GRIDCALL_DATA_DIR', folder)
  const said: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0)
  expect(await run(['sign', file])).toBe(0)
  return JSON.parse(said.join(''))
}

const isSigned = (data: unknown, signature: Hex) =>
  verifyTypedData({ ...(data as Parameters<typeof verifyTypedData>[0]), address, signature })

describe('gridcall dso sign', () => {
  test('refuses what no DSO signs here', async () => {
    await expect(signed({ primaryType: 'Settlement' })).rejects.toThrow(
      'expected typed data of ReceiveWithAuthorization, Open, Permit, Cancel; got "Settlement"',
    )
  })

  test('prints the body of an acceptance or cancellation that has no times', async () => {
    for (const data of [
      openingTypedData(pool, requestId),
      cancellationTypedData(pool, requestId),
    ]) {
      const { signature, ...rest } = await signed(asPlainJson(data))
      expect(rest).toEqual({})
      expect(await isSigned(data, signature)).toBe(true)
    }
  })

  test('prints a permit as the acceptance takes it', async () => {
    const owner = address
    const terms = { owner, spender: pool.pool, value: 100n, nonce: 0n, deadline: 1_800_000_000 }
    const data = permitTypedData(token, terms)
    const { signature, ...rest } = await signed(asPlainJson(data))
    expect(rest).toEqual({ value: '100', deadline: 1_800_000_000 })
    expect(await isSigned(data, signature)).toBe(true)
  })
})
