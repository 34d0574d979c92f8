import { DomainError } from '#domain/errors.ts'
import {
  CHAIN_START,
  type DeviceReading,
  type Reading,
  type ReadingQuality,
  readingHash,
} from '#domain/telemetry.ts'
import type { GatewayPorts } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { Hex, ResourceId } from '#domain/ids.ts'

/**
 * Takes readings in: each is stored once whatever the order of arrival, signed by this gateway
 * and chained to the reading it received before from the same resource. Safe to run twice.
 * Returns how many were new.
 */
export async function recordTelemetry(
  ports: GatewayPorts,
  readings: readonly DeviceReading[],
  quality: ReadingQuality = 'measured',
): Promise<number> {
  return ports.store.transaction((tx) => recordReadings(ports, tx, readings, quality))
}

/** The same inside a transaction of the caller's. */
export async function recordReadings(
  { clock, gateway }: GatewayPorts,
  tx: StoreTransaction,
  readings: readonly DeviceReading[],
  quality: ReadingQuality,
): Promise<number> {
  if (readings.length === 0) return 0
  // The heads come first: from here on nobody else adds to these chains.
  const heads = new Map<ResourceId, { sequence: number; hash: Hex }>()
  for (const head of await tx.readings.chainHeads(gateway.id)) heads.set(head.resourceId, head)
  const fresh = await unknownOnes(tx, readings)
  const signed = fresh.map((reading) => {
    const head = heads.get(reading.resourceId)
    const unsigned: Omit<Reading, 'hash' | 'signature'> = {
      resourceId: reading.resourceId,
      at: reading.at,
      powerW: reading.powerW,
      registerWh: reading.registerWh,
      socBp: reading.socBp,
      quality,
      receivedAt: clock.now(),
      gatewayId: gateway.id,
      sequence: head ? head.sequence + 1 : 0,
      previousHash: head ? head.hash : CHAIN_START,
    }
    const hash = readingHash(unsigned)
    heads.set(reading.resourceId, { sequence: unsigned.sequence, hash })
    return { ...unsigned, hash, signature: gateway.signer.sign(hash) }
  })
  const appended = await tx.readings.append(signed)
  if (appended === signed.length) return appended
  // Another gateway was quicker with one of them: signed without it, or the chain had a hole.
  throw new DomainError('unavailable', 'a reading has just come in through another gateway')
}

/** Drops what is stored already, and repetitions within the batch. */
async function unknownOnes(
  tx: StoreTransaction,
  readings: readonly DeviceReading[],
): Promise<DeviceReading[]> {
  const first = readings[0]
  if (first === undefined) return []
  const ids = [...new Set(readings.map((reading) => reading.resourceId))]
  let from = first.at
  let until = first.at
  for (const { at } of readings) {
    if (at < from) from = at
    if (at > until) until = at
  }
  const known = new Set(
    (await tx.readings.between(ids, from, until)).map((r) => `${r.resourceId} ${r.at}`),
  )
  return readings.filter((reading) => {
    const key = `${reading.resourceId} ${reading.at}`
    if (known.has(key)) return false
    known.add(key)
    return true
  })
}
