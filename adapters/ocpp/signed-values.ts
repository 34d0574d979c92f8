/** What a meter signs itself, as stations carry it beside their own numbers. */
import type { OcppVersion, Payload } from './frames.ts'
import { optionalObject, optionalText } from './read.ts'

/** A longer text is no meter's record. */
const LENGTH_MAX = 100_000
/** Nearly all meter values: no array for each. */
const NONE: readonly string[] = []

/**
 * The OCMF records among sampled values, to the byte. 1.6: a value of the format SignedData, as
 * text or as its hex (S.A.F.E. leaves both open). 2.x: signedMeterValue, in base64. What is signed
 * in another format (EDL, Alfen) is left out.
 */
export function signedRecords(
  version: OcppVersion,
  sampledValues: readonly Payload[],
): readonly string[] {
  let found: string[] | null = null
  for (const sample of sampledValues) {
    const text = version === 'ocpp1.6' ? signedIn16(sample) : signedIn2(sample)
    if (text === null || !text.startsWith('OCMF|')) continue
    found ??= []
    found.push(text)
  }
  return found ?? NONE
}

function signedIn16(sample: Payload): string | null {
  if (sample['format'] !== 'SignedData') return null
  const value = optionalText(sample, 'value')
  if (value === null || value.length > 2 * LENGTH_MAX) return null
  const isHex = /^([0-9a-f]{2})+$/i.test(value)
  return isHex ? Buffer.from(value, 'hex').toString('utf8') : value
}

function signedIn2(sample: Payload): string | null {
  if (sample['signedMeterValue'] === undefined) return null
  const signed = optionalObject(sample, 'signedMeterValue')
  const data = signed === null ? null : optionalText(signed, 'signedMeterData')
  if (data === null || data.length > 2 * LENGTH_MAX) return null
  return Buffer.from(data, 'base64').toString('utf8')
}
