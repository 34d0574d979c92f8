import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A meter with a key of its own, as signed meters write their records (OCMF 1.3.1). */
export function signingMeter(curve = 'prime256v1', algorithm = 'ECDSA-secp256r1-SHA256') {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const key = publicKey.export({ format: 'der', type: 'spki' }).toString('hex')
  return {
    publicKey: key,
    privateKey,
    algorithm,
    record: (fields: Record<string, unknown>) => signRecord(fields, privateKey, algorithm),
  }
}

/** One record of a meter, every field given or the usual one. */
export function recordFields(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    FV: '1.0',
    GI: 'Gate',
    GS: 'G-1',
    MS: 'M-1',
    PG: 'T1',
    RD: [readingFields()],
    ...changes,
  }
}

export function readingFields(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    TM: '2024-01-17T17:00:00,000+0000 S',
    TX: 'B',
    RV: 10.5,
    RI: '1-b:1.8.0',
    RU: 'kWh',
    RT: 'AC',
    EF: '',
    ST: 'G',
    ...changes,
  }
}

export function signRecord(
  fields: Record<string, unknown>,
  privateKey: KeyObject,
  algorithm: string,
): string {
  const payload = JSON.stringify(fields)
  const data = sign('sha256', Buffer.from(payload, 'utf8'), privateKey).toString('hex')
  return `OCMF|${payload}|${JSON.stringify({ SA: algorithm, SD: data })}`
}
