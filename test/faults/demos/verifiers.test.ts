import { readFileSync, writeFileSync } from 'node:fs'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, describe, expect, test } from 'vitest'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { createEscrowReader } from '#adapters/evm/escrow-reader.ts'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { ceilDiv } from '#domain/money.ts'
import type { ChainIdentity } from '#ports.ts'
import { createVerificationClient } from '#verifier/http-client.ts'
import { createVerifier } from '#verifier/verifier.ts'
import { witnessChain } from '../../support/chain-witness.ts'
import {
  apiUrlOf,
  type DemoJson,
  type DemoRun,
  gridcall,
  operatorEnvironment,
  operatorOf,
  rpcUrlOf,
  startDemo,
} from '../../support/demo-run.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { wallTimer } from '../../support/wall-timer.ts'
import { signedInMemory } from '#test/support/signed-rounds.ts'

describe('verifiers', () => {
  let run: DemoRun
  afterEach(() => run?.stop())

  async function startWithout(...roles: string[]): Promise<void> {
    run = startDemo('--disobey', '0', '--seed', '3')
    await run.line(/^\S+ call: \d+ resources are told to/)
    for (const role of roles) process.kill(run.pidOf(role), 'SIGKILL')
  }

  test('one of three is killed and a stranger rounds otherwise: two suffice, all is paid', async () => {
    await startWithout('verifier-2')
    const stranger = await registerOne(ceilDiv)
    await run.line(/^\S+ call: the window has ended/)
    // The others wait, so that the call does not go on before the stranger has looked at it.
    const others = ['verifier-1', 'verifier-3'].map((role) => run.pidOf(role))
    for (const pid of others) process.kill(pid, 'SIGSTOP')
    try {
      await run.line(/^\S+ call: delivered/)
      await stranger.verifier.tick()
    } finally {
      for (const pid of others) process.kill(pid, 'SIGCONT')
    }
    await expectReconciledBeside(run)

    const json = await run.json()
    expect(run.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
    expect(json).toMatchObject({ state: 'paid', reconciled: true })
    expect(json.attestations).toMatchObject({ required: 2, signed: 2 })
    expectRefusal(json, stranger.address)
    expect(json.devices).toMatchObject({ disobeyed: 0, replacements: 0 })
    expect(json.repairs).toEqual([])
    await expectReconciledBeside(run)
    await run.stop()
    expect(await run.ended()).toBe(0)
    expect(run.left()).toEqual([])
    await expectReconciledOffline(json)
  })

  test('two of three are killed: nothing is paid, and the DSO has all back at the deadline', async () => {
    await startWithout('verifier-1', 'verifier-3')
    const json = await run.json()
    expect(json.attestations).toMatchObject({ required: 2, signed: 1, refusals: [] })
    const escrows = [json, ...json.otherCalls]
    expect(escrows.map(({ state }) => state)).toEqual(['refunded', 'refunded'])
    for (const { escrow } of escrows) {
      expect(escrow).toMatchObject({ paidMinor: '0', feeMinor: '0', heldMinor: '0' })
      expect(escrow?.refundMinor).toBe(escrow?.fundedMinor)
    }
    for (const { minor } of [...json.owners, ...json.aggregators]) expect(minor).toBe('0')
    expect(json.chain).toMatchObject({ proposeTx: null, finalizeTx: null, payTx: null })
    expect(json.chain.refundTx).toMatch(/^0x[0-9a-f]{64}$/)
    expect(json).toMatchObject({ reconciled: true, differences: [] })

    const chain = await witnessChain(rpcUrlOf(run), json.chain.pool)
    expect(chain.refunded.toSorted()).toEqual(chain.opened.toSorted())
    const funded = escrows.reduce((sum, { escrow }) => sum + BigInt(escrow?.fundedMinor ?? 0), 0n)
    expect(chain).toMatchObject({ into: funded, withdrawn: funded, balance: 0n, paid: [] })
    await run.stop()
    expect(await run.ended()).toBe(1)
    expect(run.left()).toEqual([])
  })

  /** A verifier of somebody else's making, with a key of its own, over HTTP like all others. */
  async function registerOne(round: typeof ceilDiv) {
    const key = generatePrivateKey()
    const { address } = privateKeyToAccount(key)
    const operator = operatorOf(run)
    const body = { id: 'verifier-odd', kind: 'verifier', name: 'Rounds otherwise', address }
    const { key: apiKey } = await operator.post<{ key: string }>('/v1/organisations', body, body.id)
    const identity = await operator.get<ChainIdentity>('/v1/operator/parties')
    const verifier = createVerifier({
      signed: signedInMemory(),
      client: createVerificationClient({ apiUrl: apiUrlOf(run), apiKey, timer: wallTimer }),
      attestor: createAttestor(key, identity),
      chain: createEscrowReader({ rpcUrl: rpcUrlOf(run), timer: wallTimer, identity }),
      verifySignature: verifyEd25519,
      checkMeterSignature,
      log: recordingLog(),
      round,
    })
    return { verifier, address }
  }

  /** It names the first line that differs, and by how little; the DSO is told. */
  function expectRefusal(json: DemoJson, address: string): void {
    const [refusal] = json.attestations.refusals
    expect(json.attestations.refusals).toHaveLength(1)
    expect(refusal?.verifier.toLowerCase()).toBe(address.toLowerCase())
    expect(refusal?.line).toMatch(/^line res-/)
    const gross = (text?: string) => BigInt((JSON.parse(text ?? '') as { gross: string }).gross)
    expect(gross(refusal?.expected)).toBe(gross(refusal?.got) + 1n)
    const told = json.notices.filter(({ kind }) => kind === 'verifier-refused')
    expect(told.map(({ message }) => message)).toEqual([
      expect.stringContaining(`refuses: ${refusal?.line}: expected `),
    ])
  }
})

const RECONCILE = ['chain', 'reconcile', '--json']

/** While money moves the books are a moment apart; then they agree, and the command says so. */
async function expectReconciledBeside(run: DemoRun): Promise<void> {
  const wrongKey = { ...operatorEnvironment(run), GRIDCALL_API_KEY: 'gc_operator_nobody' }
  expect((await gridcall(RECONCILE, wrongKey)).code).not.toBe(0)
  for (let tries = 1; ; tries += 1) {
    const { code, stdout } = await gridcall(RECONCILE, operatorEnvironment(run))
    if (code !== 0 && tries < 10) continue
    expect([code, JSON.parse(stdout)]).toEqual([0, { reconciled: true, differences: [] }])
    return
  }
}

/** From the saved file alone: everything has ended, and one changed digit is named. */
async function expectReconciledOffline({ chainFile, chain, escrow }: DemoJson): Promise<void> {
  const offline = (file: string) => gridcall([...RECONCILE, '--offline', file])
  const { code, stdout } = await offline(chainFile)
  const { byLogs, ...found } = JSON.parse(stdout) as { byLogs: Record<string, string> }
  const { chainId, pool } = chain
  expect([code, found]).toMatchObject([0, { reconciled: true, differences: [], chainId, pool }])
  expect(byLogs).toMatchObject({ locked: '0', credits: '0', tokenBalance: '0' })
  expect(BigInt(byLogs['claimed'] ?? 0)).toBeGreaterThanOrEqual(BigInt(escrow?.paidMinor ?? 0))

  const changed = `${chainFile}.changed`
  const amount = `"feeTotal":"${escrow?.feeMinor}"`
  const text = readFileSync(chainFile, 'utf8')
  expect(text).toContain(amount)
  writeFileSync(changed, text.replace(amount, `"feeTotal":"${BigInt(escrow?.feeMinor ?? 0) + 1n}"`))
  const refused = await offline(changed)
  expect(refused.code).toBe(1)
  const { differences } = JSON.parse(refused.stdout) as { differences: string[] }
  expect(differences.some((each) => each.startsWith('fee of 0x'))).toBe(true)
  expect(differences.some((each) => each.startsWith('events: not what was saved'))).toBe(true)
}
