import { readFile } from 'node:fs/promises'
import { readProposal } from '#adapters/evm/proposal.ts'
import { type OwnerReceipt, parseReceipt, verifyReceipt } from '#domain/receipt.ts'
import type { Difference } from '#domain/verification.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import { compareReceiptWithLedger } from './ledger.ts'

type Options = {
  readonly json: boolean
  readonly chain?: string | undefined
  readonly pool?: string | undefined
  readonly ledger?: string | undefined
}

/** Checks an owner's receipt on its own, and against the pool where a chain is named. */
export async function verifyReceiptFile(file: string, options: Options): Promise<number> {
  const text = (await readFile(file, 'utf8')).trimEnd()
  const receipt = parseReceipt(text)
  const differences = verifyReceipt(text)
  if (options.chain !== undefined) {
    if (options.pool === undefined) throw new Error('--pool: expected the address of the pool')
    differences.push(...(await compareWithPool(receipt, options.chain, options.pool)))
  }
  if (options.ledger !== undefined) {
    differences.push(...(await compareReceiptWithLedger(receipt, options.ledger)))
  }
  const isCompared = options.chain !== undefined || options.ledger !== undefined
  const ok = differences.length === 0
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ok, ...headOf(receipt), isCompared, lines: linesOf(receipt), differences })}\n`
      : describe(receipt, differences, isCompared),
  )
  return ok ? 0 : 1
}

async function compareWithPool(
  receipt: OwnerReceipt,
  rpcUrl: string,
  pool: string,
): Promise<Difference[]> {
  const { requestId, evidenceRoot } = receipt
  const timer = createWallTimer()
  const proposal = await readProposal({ rpcUrl, timer, pool: pool as `0x${string}`, requestId })
  if (proposal.evidenceRoot === evidenceRoot) return []
  const line = 'evidence root on chain'
  return [{ line, expected: proposal.evidenceRoot, got: evidenceRoot }]
}

function headOf({ callId, ownerId, version, supersededBy, evidenceRoot: root }: OwnerReceipt) {
  return { callId, ownerId, version, supersededBy: supersededBy ?? null, root }
}

function linesOf({ leaves }: OwnerReceipt) {
  return leaves.flatMap(({ leaf }) => {
    if (leaf.kind !== 'line') return []
    const { resourceId, orderedWh, deliveredWh, ownerAmount, reason } = leaf.line
    return [{ resourceId, orderedWh, deliveredWh, ownerMinor: ownerAmount.toString(), reason }]
  })
}

function describe(
  receipt: OwnerReceipt,
  differences: readonly Difference[],
  isCompared: boolean,
): string {
  const { callId, ownerId, supersededBy, root } = headOf(receipt)
  const out = [`receipt of ${ownerId} for call ${callId}`, `root ${root}`]
  for (const { resourceId, orderedWh, deliveredWh, ownerMinor, reason } of linesOf(receipt)) {
    const energies = `${deliveredWh} of ${orderedWh} Wh`
    out.push(
      `  ${resourceId.padEnd(20)} ${energies.padStart(20)} ${ownerMinor.padStart(12)} ${reason}`,
    )
  }
  if (supersededBy !== null) {
    out.push(
      `what it left on hold was settled later: ask for the receipt of version ${supersededBy}`,
    )
  }
  for (const { line, expected, got } of differences) {
    out.push(`differs: ${line}: expected ${expected}, got ${got}`)
  }
  const chain = isCompared ? 'the pool holds this root' : 'the root was not compared with a pool'
  out.push(differences.length === 0 ? `nothing differs; ${chain}` : `${differences.length} differ`)
  return `${out.join('\n')}\n`
}
