/** What the evidence root commits to: a salted leaf per resource and interval, and one per line. */
import type { Delivery } from './delivery.ts'
import type { EvidenceBundle } from './evidence.ts'
import type { CallId, Hex, ResourceId } from './ids.ts'
import { merkleLeaf, merkleProof, merkleRoot } from './merkle.ts'
import type { SettlementLine } from './settlement.ts'
import type { AssuranceClass } from './signed-meter/assurance.ts'

/** What one resource delivered in one interval, by which rules, and how well that is vouched for. */
export type DeliveryLeaf = {
  readonly kind: 'delivery'
  readonly callId: CallId
  readonly delivery: Delivery
  readonly assurance: AssuranceClass
  /** Of the baseline method in the call's terms. */
  readonly methodHash: Hex
  /** Of the payment policy in the call's terms. */
  readonly policyHash: Hex
  readonly salt: Hex
}

/** What one resource earned, and why. */
export type LineLeaf = {
  readonly kind: 'line'
  readonly callId: CallId
  readonly line: SettlementLine
  readonly salt: Hex
}

/** Salted, so that nobody can guess what a leaf says from the root and the other leaves. */
export type EvidenceLeaf = DeliveryLeaf | LineLeaf

/** What the leaves are made of. */
export type Leafed = Pick<
  EvidenceBundle,
  'terms' | 'deliveries' | 'settlement' | 'salts' | 'assurances'
>

/** Every leaf in the order of the tree: deliveries first, then lines. */
export function leavesOf(bundle: Leafed): EvidenceLeaf[] {
  return [...deliveryLeaves(bundle), ...lineLeaves(bundle)]
}

/** Root over every delivery and every line. */
export function evidenceRootOf(bundle: Leafed): Hex {
  return merkleRoot(leavesOf(bundle).map(merkleLeaf))
}

/** Root over the settlement lines alone. */
export function linesRootOf(bundle: Leafed): Hex {
  return merkleRoot(lineLeaves(bundle).map(merkleLeaf))
}

/** The leaves of some resources, each with the hashes that lead from it to the evidence root. */
export function provenLeaves(
  bundle: Leafed,
  resourceIds: ReadonlySet<ResourceId>,
): { readonly leaf: EvidenceLeaf; readonly proof: readonly Hex[] }[] {
  const leaves = leavesOf(bundle)
  const hashes = leaves.map(merkleLeaf)
  return leaves.flatMap((leaf, i) =>
    resourceIds.has(resourceOf(leaf)) ? [{ leaf, proof: merkleProof(hashes, i) }] : [],
  )
}

export function resourceOf(leaf: EvidenceLeaf): ResourceId {
  return leaf.kind === 'line' ? leaf.line.resourceId : leaf.delivery.resourceId
}

function deliveryLeaves(bundle: Leafed): DeliveryLeaf[] {
  const { callId, policyHash, candidates } = bundle.terms
  const methods = new Map(candidates.map((c) => [c.resourceId, c.baselineMethod.hash]))
  const classes = new Map(bundle.assurances.map((a) => [a.resourceId, a.assurance]))
  const salts = saltsOf(bundle)
  return bundle.deliveries.map((delivery) => {
    const { resourceId } = delivery
    return {
      kind: 'delivery',
      callId,
      delivery,
      assurance: known(classes, resourceId, 'assurance class'),
      methodHash: known(methods, resourceId, 'baseline method'),
      policyHash,
      salt: known(salts, resourceId, 'salt'),
    }
  })
}

function lineLeaves(bundle: Leafed): LineLeaf[] {
  const { callId } = bundle.terms
  const salts = saltsOf(bundle)
  return bundle.settlement.lines.map((line) => {
    return { kind: 'line', callId, line, salt: known(salts, line.resourceId, 'salt') }
  })
}

function saltsOf({ salts }: Leafed): ReadonlyMap<ResourceId, Hex> {
  return new Map(salts.map(({ resourceId, salt }) => [resourceId, salt]))
}

function known<T>(map: ReadonlyMap<ResourceId, T>, resourceId: ResourceId, what: string): T {
  const found = map.get(resourceId)
  if (found === undefined) throw new Error(`the bundle has no ${what} for ${resourceId}`)
  return found
}
