import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { openRelayerSigner } from '#processes/relayer-signer.ts'
import { wallTimer } from '../support/wall-timer.ts'

let dataDir: string
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gridcall-relayer-'))
})
afterAll(() => rm(dataDir, { recursive: true }))

async function open(isLocalChain: boolean, environment: Record<string, string> = {}) {
  const said: { level: string; message: string; fields: unknown }[] = []
  const at = (level: string) => (message: string, fields?: unknown) =>
    void said.push({ level, message, fields })
  const log = { info: at('info'), warn: at('warn'), error: at('error') }
  const rest = { timer: wallTimer, wallMs: () => Date.now(), log }
  return { signer: await openRelayerSigner({ environment, dataDir, isLocalChain, ...rest }), said }
}

describe('the relayer’s key in a file', () => {
  test('is warned of at every start on a chain of others, with its address and never the key', async () => {
    for (let start = 0; start < 2; start += 1) {
      const { signer, said } = await open(false)
      const relayer = signer.address
      expect(said).toEqual([
        {
          level: 'warn',
          message: expect.stringMatching(/^DEVELOPMENT KEY: /),
          fields: { relayer },
        },
      ])
      const { privateKey } = await makeOrLoadKey(join(dataDir, 'keys'), 'relayer')
      expect(JSON.stringify(said)).not.toContain(privateKey.slice(2))
      expect(said[0]?.message).toContain('GRIDCALL_KMS_KEY')
    }
  })

  test('is nothing to warn of where all money is play money', async () => {
    expect((await open(true)).said).toEqual([])
  })

  test('is not even looked at where a KMS is named, which needs its region', async () => {
    const opening = open(false, { GRIDCALL_KMS_KEY: 'alias/relayer' })
    await expect(opening).rejects.toThrow('GRIDCALL_KMS_REGION: expected the region')
  })
})
