import { afterEach, describe, expect, test } from 'vitest'
import { witnessChain } from '../support/chain-witness.ts'
import { type DemoJson, type DemoRun, rpcUrlOf, startDemo } from '../support/demo-run.ts'

describe('verifiers are killed before anything is to be signed', () => {
  let run: DemoRun
  afterEach(() => run?.stop())

  async function startWithout(...roles: string[]): Promise<DemoJson> {
    run = startDemo('--disobey', '0', '--seed', '3')
    await run.line(/^\S+ call: \d+ resources are told to/)
    for (const role of roles) process.kill(run.pidOf(role), 'SIGKILL')
    return run.json()
  }

  test('one of three: the two others suffice, and all is paid', async () => {
    const json = await startWithout('verifier-2')
    expect(run.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
    expect(json).toMatchObject({ state: 'paid', reconciled: true })
    expect(json.attestations).toMatchObject({ required: 2, signed: 2, refusals: [] })
    expect(json.devices).toMatchObject({ disobeyed: 0, replacements: 0 })
    expect(json.repairs).toEqual([])
    await run.stop()
    expect(await run.ended()).toBe(0)
    expect(run.left()).toEqual([])
  })

  test('two of three: nothing is paid, and the DSO has all of it back at the deadline', async () => {
    const json = await startWithout('verifier-1', 'verifier-3')
    expect(json.attestations).toMatchObject({ required: 2, signed: 1 })
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
})
