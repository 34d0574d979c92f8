import { generateKeyPairSync, sign } from 'node:crypto'
import { hashOf } from '#domain/canonical.ts'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import { type Hex, hex } from '#domain/ids.ts'
import { completeBundle } from '#domain/measurement.ts'
import { microEur } from '#domain/money.ts'
import { type Reading, readingHash } from '#domain/telemetry.ts'

/*
 * Forgeries of an evidence bundle, each with everything recomputed that its forger could recompute:
 * canonical text, hash chains, deliveries, amounts and, by whoever asks for them, the roots.
 */

/** One who was paid gets more, at the cost of the DSO's refund; all sums still agree. */
export function withMoreMoney(bundle: EvidenceBundle, more = 1000n) {
  const paid = bundle.settlement.lines.find((line) => line.reason === 'paid')
  if (!paid) throw new Error('nobody was paid')
  const richer = {
    ...paid,
    gross: microEur(paid.gross + more),
    ownerAmount: microEur(paid.ownerAmount + more),
  }
  const { settlement } = bundle
  const forged: EvidenceBundle = {
    ...bundle,
    settlement: {
      ...settlement,
      lines: settlement.lines.map((line) => (line === paid ? richer : line)),
      payout: microEur(settlement.payout + more),
      refund: microEur(settlement.refund - more),
    },
  }
  return { text: bundleText(forged), line: paid }
}

/** A meter that turned more: the later readings of one who was paid, and what follows from them. */
export function withOtherReadings(bundle: EvidenceBundle, moreWh = 500) {
  const resourceId = bundle.settlement.lines.find((line) => line.reason === 'paid')?.resourceId
  const mine = bundle.readings.filter((reading) => reading.resourceId === resourceId)
  const from = mine[Math.floor(mine.length / 2)]
  if (from === undefined) throw new Error('no readings of anybody who was paid')
  const readings = rechained(bundle.readings, (reading) =>
    reading.resourceId === resourceId && reading.at >= from.at
      ? { ...reading, registerWh: reading.registerWh + moreWh }
      : reading,
  )
  const forged = completeBundle({ ...bundle, readings })
  if (forged.settlement.payout === bundle.settlement.payout) throw new Error('nothing follows')
  return { bundle: forged, text: bundleText(forged), resourceId, at: from.at }
}

/** The same readings signed with a key of the forger's own, and with it in the terms if wanted. */
export function resigned(bundle: EvidenceBundle, where: 'readings' | 'readings and terms') {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const bytes = (hash: Hex) => Buffer.from(hash.slice(2), 'hex')
  const signature = (hash: Hex) => toHex(sign(null, bytes(hash), privateKey))
  const all = (readings: readonly Reading[]) =>
    readings.map((reading) => ({ ...reading, signature: signature(reading.hash) }))
  const { history, before, readings, terms } = bundle
  const gatewayKeys = terms.gatewayKeys.map(({ id }) => ({ id, publicKey: toHex(raw) }))
  return {
    ...bundle,
    history: all(history),
    before: all(before),
    readings: all(readings),
    terms: where === 'readings' ? terms : { ...terms, gatewayKeys },
  } satisfies EvidenceBundle
}

/** The escrow's terms name the forged rules; the request's id follows from them. */
export function withOwnEscrow(
  bundle: EvidenceBundle,
  requestId: (terms: EvidenceBundle['escrow']['terms']) => Hex,
): EvidenceBundle {
  const terms = { ...bundle.escrow.terms, termsHash: hashOf(bundle.terms) }
  return { ...bundle, escrow: { terms, requestId: requestId(terms) } }
}

/** Every hash and every hash before it, made anew over changed readings. */
function rechained(
  readings: readonly Reading[],
  change: (reading: Reading) => Reading,
): readonly Reading[] {
  const heads = new Map<string, Hex>()
  const made = new Map<Reading, Reading>()
  const inOrder = readings.toSorted((a, b) => a.sequence - b.sequence)
  for (const reading of inOrder) {
    const name = (sequence: number) => `${reading.gatewayId} ${reading.resourceId} ${sequence}`
    const previousHash = heads.get(name(reading.sequence - 1)) ?? reading.previousHash
    const changed = { ...change(reading), previousHash }
    const hash = readingHash(changed)
    heads.set(name(reading.sequence), hash)
    made.set(reading, { ...changed, hash })
  }
  return readings.map((reading) => made.get(reading) ?? reading)
}

function toHex(bytes: Uint8Array): Hex {
  return hex(`0x${Buffer.from(bytes).toString('hex')}`)
}
