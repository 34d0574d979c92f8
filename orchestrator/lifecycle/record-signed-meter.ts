import type { ResourceId } from '#domain/ids.ts'
import { hashOfRecord, type SignedRecord } from '#domain/signed-meter/meter-key.ts'
import { parseOcmf } from '#domain/signed-meter/ocmf.ts'
import { instant } from '#domain/time.ts'
import type { GatewayPorts } from '#ports.ts'

/**
 * Keeps a record that a meter signed, to the byte; whether its signature holds is found out when it
 * is used, by whoever uses it. What is no record is told and not kept. Safe to run twice.
 */
export async function recordSignedMeter(
  { store, clock, log, gateway }: Pick<GatewayPorts, 'store' | 'clock' | 'log' | 'gateway'>,
  resourceId: ResourceId,
  text: string,
): Promise<void> {
  const record = readable(text)
  if (typeof record === 'string') {
    log.warn('a signed meter record cannot be read', { resourceId, why: record })
    return
  }
  const at = instant(Math.max(...record.readings.map((reading) => reading.at)))
  const row: SignedRecord = {
    resourceId,
    hash: hashOfRecord(record.text),
    text: record.text,
    at,
    receivedAt: clock.now(),
    gatewayId: gateway.id,
  }
  await store.transaction((tx) => tx.signedRecords.append([row]))
}

/** The record, or why it is none; what the device wrote is not repeated, it may name a person. */
function readable(text: string): ReturnType<typeof parseOcmf> | string {
  if (text.includes('\0')) return 'a NUL in it'
  try {
    return parseOcmf(text)
  } catch (error) {
    if (error instanceof SyntaxError) return error.message.replace(/, got [\s\S]*$/, '')
    throw error
  }
}
