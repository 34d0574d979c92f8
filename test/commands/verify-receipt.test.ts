import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashOf } from '#domain/canonical.ts'
import type { EvidenceLeaf } from '#domain/evidence-leaves.ts'
import { callId, organisationId, ownerId, resourceId } from '#domain/ids.ts'
import { merkleLeaf, merkleProof, merkleRoot } from '#domain/merkle.ts'
import { microEur } from '#domain/money.ts'
import { type OwnerReceipt, receiptText } from '#domain/receipt.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '../support/builders.ts'

const cli = join(resolve(import.meta.dirname, '..', '..'), 'orchestrator', 'cli.ts')
const id = resourceId('charger-anna')
const salt = hashOf('salt')

/** An owner's delivery and line in a tree of five leaves. */
function aReceipt(): OwnerReceipt {
  const delivery: EvidenceLeaf = {
    kind: 'delivery',
    callId: callId('call-1'),
    delivery: {
      resourceId: id,
      start: WINDOW_START,
      end: addSeconds(WINDOW_START, 900),
      orderedWh: 1750,
      baselineWh: 1760,
      measuredWh: 12,
      deliveredWh: 1748,
    },
    assurance: 'B',
    methodHash: hashOf('method'),
    policyHash: hashOf('policy'),
    salt,
  }
  const line: EvidenceLeaf = {
    kind: 'line',
    callId: callId('call-1'),
    line: {
      resourceId: id,
      ownerId: ownerId('anna'),
      aggregatorId: organisationId('agg-1'),
      orderedWh: 1750,
      deliveredWh: 1748,
      eligibleWh: 1748,
      gross: microEur(209_760n),
      held: microEur(0n),
      ownerAmount: microEur(178_296n),
      aggregatorAmount: microEur(31_464n),
      reason: 'paid',
    },
    salt,
  }
  const others = ['x', 'y', 'z'].map(merkleLeaf)
  const tree = [merkleLeaf(delivery), ...others, merkleLeaf(line)]
  return {
    format: 'gridcall-receipt',
    formatVersion: 1,
    callId: callId('call-1'),
    ownerId: ownerId('anna'),
    version: 1,
    requestId: hashOf('request'),
    evidenceRoot: merkleRoot(tree),
    leaves: [
      { leaf: delivery, proof: merkleProof(tree, 0) },
      { leaf: line, proof: merkleProof(tree, 4) },
    ],
  }
}

describe('gridcall verify --receipt', () => {
  const text = receiptText(aReceipt())
  let folder: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gridcall-receipt-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function verify(content: string, ...more: string[]) {
    const file = join(folder, 'receipt.json')
    writeFileSync(file, `${content}\n`)
    const args = [cli, 'verify', '--receipt', file, ...more]
    return promisify(execFile)(process.execPath, args, { timeout: 30_000 }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
  }

  test('accepts what leads to the root, and says that no pool was asked', async () => {
    const { code, stdout } = await verify(text)
    expect(code).toBe(0)
    expect(stdout).toContain('receipt of anna for call call-1')
    expect(stdout).toMatch(/charger-anna +1748 of 1750 Wh +178296 paid/)
    expect(stdout).toContain('nothing differs; the root was not compared with a pool')
  })

  test('refuses it with one digit changed, and names the line', async () => {
    const { code, stdout } = await verify(text.replace('178296', '178396'), '--json')
    expect(code).toBe(1)
    const report = JSON.parse(stdout)
    expect(report.ok).toBe(false)
    expect(report.differences.map((d: { line: string }) => d.line)).toEqual([
      'proof of line charger-anna',
      'shares of line charger-anna',
    ])
  })

  test('says what is wrong with a file that is no receipt', async () => {
    const { code, stderr } = await verify('{"format":"gridcall-evidence"}')
    expect(code).not.toBe(0)
    expect(stderr).toContain('expected a gridcall-receipt of format version 1')
  })
})
