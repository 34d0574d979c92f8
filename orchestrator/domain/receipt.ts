/** What an owner keeps: their own lines of one call, provable without anybody's help. */
import { canonicalJson } from './canonical.ts'
import { type EvidenceBundle, parseEvidence } from './evidence.ts'
import { type EvidenceLeaf, evidenceRootOf, provenLeaves, resourceOf } from './evidence-leaves.ts'
import type { CallId, Hex, OwnerId } from './ids.ts'
import { merkleLeaf, rootOfProof } from './merkle.ts'
import type { Difference } from './verification.ts'

/** Deliveries and lines of one owner with their salts and the hashes that lead to the root. */
export type OwnerReceipt = {
  readonly format: 'gridcall-receipt'
  readonly formatVersion: 1
  readonly callId: CallId
  readonly ownerId: OwnerId
  /** Of the evidence: a correction is a new version with a receipt of its own. */
  readonly version: number
  /**
   * The version of a later round that settled what this one had left on hold; absent while there is
   * none. The service says so, and no root proves it: ask for that receipt.
   */
  readonly supersededBy?: number
  /** Under this id the pool holds the root: the request, or what of it a later round settled. */
  readonly requestId: Hex
  readonly evidenceRoot: Hex
  readonly leaves: readonly { readonly leaf: EvidenceLeaf; readonly proof: readonly Hex[] }[]
}

/**
 * The receipt of one owner in a closed bundle; null: nothing in it is theirs. `supersededBy`: the
 * version that settled later what this one had left on hold; null: none has.
 */
export function receiptFor(
  bundle: EvidenceBundle,
  ownerId: OwnerId,
  supersededBy: number | null = null,
): OwnerReceipt | null {
  const mine = new Set(
    bundle.settlement.lines
      .filter((line) => line.ownerId === ownerId)
      .map(({ resourceId }) => resourceId),
  )
  if (mine.size === 0) return null
  return {
    format: 'gridcall-receipt',
    formatVersion: 1,
    callId: bundle.terms.callId,
    ownerId,
    version: bundle.version,
    ...(supersededBy === null ? {} : { supersededBy }),
    requestId: bundle.rest?.requestId ?? bundle.escrow.requestId,
    evidenceRoot: evidenceRootOf(bundle),
    leaves: provenLeaves(bundle, mine),
  }
}

/** The receipt's one text. */
export function receiptText(receipt: OwnerReceipt): string {
  return canonicalJson(receipt)
}

/** Reads a receipt's text. @throws SyntaxError for anything but JSON of this format. */
export function parseReceipt(text: string): OwnerReceipt {
  const receipt = parseEvidence(text) as OwnerReceipt
  if (receipt?.format !== 'gridcall-receipt' || receipt.formatVersion !== 1) {
    throw new SyntaxError('expected a gridcall-receipt of format version 1')
  }
  if (!Array.isArray(receipt.leaves) || receipt.leaves.length === 0) {
    throw new SyntaxError('leaves: expected at least one, got none')
  }
  const hashes = [receipt.evidenceRoot, ...receipt.leaves.flatMap(({ proof }) => proof)]
  const wrong = hashes.find((hash) => !/^0x[0-9a-f]{64}$/.test(String(hash)))
  if (wrong !== undefined) {
    throw new SyntaxError(`proof: expected 0x and 64 hexadecimal digits, got ${String(wrong)}`)
  }
  return receipt
}

/**
 * Does every line and delivery lead to the receipt's root, and do they add up? An empty list: it
 * does. Whether the pool holds that root is asked of the chain. A line that says more than its
 * deliveries do is found too: both are in the tree.
 */
export function verifyReceipt(text: string): Difference[] {
  const receipt = parseReceipt(text)
  const isCanonical = receiptText(receipt) === text
  return [
    ...differing('receipt', isCanonical ? 'canonical' : 'other', 'canonical'),
    ...receipt.leaves.flatMap(({ leaf, proof }) => [
      ...differing(
        `proof of ${nameOf(leaf)}`,
        rootOfProof(merkleLeaf(leaf), proof),
        receipt.evidenceRoot,
      ),
      ...differing(`call of ${nameOf(leaf)}`, leaf.callId, receipt.callId),
    ]),
    ...receipt.leaves.flatMap(({ leaf }) =>
      leaf.kind === 'line' ? lineDifferences(receipt, leaf) : [],
    ),
  ]
}

type LineLeaf = Extract<EvidenceLeaf, { kind: 'line' }>

function lineDifferences({ ownerId, leaves }: OwnerReceipt, { line }: LineLeaf): Difference[] {
  const mine = leaves.flatMap(({ leaf }) =>
    leaf.kind === 'delivery' && resourceOf(leaf) === line.resourceId ? [leaf.delivery] : [],
  )
  const orderedWh = mine.reduce((sum, delivery) => sum + delivery.orderedWh, 0)
  const shares = line.ownerAmount + line.aggregatorAmount
  return [
    ...differing(`owner of line ${line.resourceId}`, line.ownerId, ownerId),
    ...differing(`ordered Wh of line ${line.resourceId}`, line.orderedWh, orderedWh),
    ...differing(`shares of line ${line.resourceId}`, String(shares), String(line.gross)),
  ]
}

function nameOf(leaf: EvidenceLeaf): string {
  return `${leaf.kind} ${resourceOf(leaf)}`
}

function differing(line: string, got: unknown, expected: unknown): Difference[] {
  return got === expected ? [] : [{ line, expected: String(expected), got: String(got) }]
}
