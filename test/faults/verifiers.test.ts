import { afterEach, describe, expect, it } from 'vitest'
import { type DemoRun, startDemo } from '../support/demo-run.ts'

/** Faster than the demo's own pace: the refund's deadline lies half an hour of business time away. */
const SPEED = '90'

describe('verifiers that are gone', () => {
  let run: DemoRun
  afterEach(() => run?.stop())

  it('do no harm while two of three are left: the call is paid', async () => {
    run = startDemo('--once', '--disobey', '0', '--speed', SPEED)
    await run.line(/^\S+ call: escrow of/)
    process.kill(run.pidOf('verifier-2'), 'SIGKILL')
    const json = await run.json()
    expect(json.state).toBe('paid')
    expect(json.attestations).toMatchObject({ required: 2, signed: 2 })
    expect(new Set(json.attestations.verifierPids).size).toBe(3)
    expect(await run.ended()).toBe(0)
    expect(run.left()).toEqual([])
  })

  it('leave nothing paid when only one is left: the DSO is refunded at the deadline', async () => {
    run = startDemo('--once', '--disobey', '0', '--speed', SPEED)
    await run.line(/^\S+ call: escrow of/)
    process.kill(run.pidOf('verifier-1'), 'SIGKILL')
    process.kill(run.pidOf('verifier-3'), 'SIGKILL')
    const json = await run.json()
    expect(json.state).toBe('refunded')
    expect(json.attestations).toMatchObject({ required: 2, signed: 1 })
    expect(json.escrow).toMatchObject({ paidMinor: '0', feeMinor: '0', heldMinor: '0' })
    expect(json.escrow?.refundMinor).toBe(json.escrow?.fundedMinor)
    expect(json.chain.refundTx).toMatch(/^0x[0-9a-f]{64}$/)
    expect(json.chain.payTx).toBeNull()
    expect(json.reconciled).toBe(true)
    expect(await run.ended()).not.toBe(0)
    expect(run.left()).toEqual([])
  })
})
