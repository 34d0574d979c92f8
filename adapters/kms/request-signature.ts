import { createHash, createHmac } from 'node:crypto'

export type KmsCredentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of credentials that are lent for a while. */
  readonly sessionToken?: string
}

export type RequestToSign = {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly region: string
  readonly service: string
  /** Wall time, milliseconds since 1970. */
  readonly atMs: number
}

/**
 * The headers that AWS Signature Version 4 adds to a request: date, session token, authorisation.
 * All given headers are signed. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signatureHeaders(
  request: RequestToSign,
  { accessKeyId, secretAccessKey, sessionToken }: KmsCredentials,
): Record<string, string> {
  const { method, url, body, region, service } = request
  const stamp = stampOf(request.atMs)
  const day = stamp.slice(0, 8)
  const added: Record<string, string> = { 'x-amz-date': stamp }
  if (sessionToken !== undefined) added['x-amz-security-token'] = sessionToken
  const all = Object.entries({ ...request.headers, ...added, host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const names = all.map(([name]) => name).join(';')
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .toSorted()
    .join('&')
  const lines = all.map(([name, value]) => `${name}:${value}\n`).join('')
  const canonical = [method, url.pathname, query, lines, names, sha256(body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
  const signature = hmac(key, toSign).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { ...added, authorization }
}

/** 20260115T120000Z */
function stampOf(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
