import { createPublicKey } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hexToBytes } from 'viem'
import { privateKeyToAccount, sign } from 'viem/accounts'
import { type KmsCredentials, signatureHeaders } from '#adapters/kms/request-signature.ts'
import type { Hex } from '#domain/ids.ts'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

export const CREDENTIALS: KmsCredentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

/** What the server does instead of what it should. */
export type Mood =
  | { readonly kind: 'well' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'says'; readonly status: number; readonly body: string }
  | { readonly kind: 'other-key'; readonly privateKey: Hex }

export type LocalKms = Awaited<ReturnType<typeof startLocalKms>>

/** A key store over a real socket, with AWS's words: GetPublicKey and Sign, requests proven. */
export async function startLocalKms(privateKey: Hex) {
  let mood: Mood = { kind: 'well' }
  let isUpper = false
  const asked: string[] = []
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(JSON.stringify({ __type: 'KMSInternalException', error }))
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks).toString()
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '')
    asked.push(action)
    if (mood.kind === 'silent') return
    if (mood.kind === 'says') return void response.writeHead(mood.status).end(mood.body)
    const refusal = refusalOf(request, body)
    if (refusal !== null) return void response.writeHead(400).end(JSON.stringify(refusal))
    const fields = JSON.parse(body) as Record<string, string>
    const key = mood.kind === 'other-key' ? mood.privateKey : privateKey
    const said = action === 'Sign' ? await signed(fields, key) : { PublicKey: publicKey(key) }
    response.writeHead(200).end(JSON.stringify({ KeyId: fields['KeyId'], ...said }))
  }

  /** As a KMS does: s is in the upper half every second time. */
  async function signed(fields: Record<string, string>, key: Hex) {
    if (fields['MessageType'] !== 'DIGEST' || fields['SigningAlgorithm'] !== 'ECDSA_SHA_256') {
      throw new Error('expected a digest')
    }
    const hash: Hex = `0x${Buffer.from(fields['Message'] ?? '', 'base64').toString('hex')}`
    const { r, s } = await sign({ hash, privateKey: key })
    isUpper = !isUpper
    return { Signature: der(BigInt(r), isUpper ? ORDER - BigInt(s) : BigInt(s)) }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    be: (next: Mood) => void (mood = next),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The proof of the request must be that of exactly what has arrived. */
function refusalOf({ headers, url = '/' }: IncomingMessage, body: string) {
  const stamp = String(headers['x-amz-date'])
  if (headers.authorization === undefined) return { __type: 'MissingAuthenticationTokenException' }
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? []
  const proven = {
    'content-type': String(headers['content-type']),
    'x-amz-target': String(headers['x-amz-target']),
  }
  const expected = signatureHeaders(
    {
      method: 'POST',
      url: new URL(url, `http://${headers.host}`),
      headers: proven,
      body,
      region: 'eu-central-1',
      service: 'kms',
      atMs: Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`),
    },
    CREDENTIALS,
  )
  if (headers.authorization === expected['authorization']) return null
  return { __type: 'InvalidSignatureException', message: 'the request was signed otherwise' }
}

function publicKey(privateKey: Hex): string {
  const point = Buffer.from(hexToBytes(privateKeyToAccount(privateKey).publicKey))
  const word = (from: number) => point.subarray(from, from + 32).toString('base64url')
  const jwk = { kty: 'EC', crv: 'secp256k1', x: word(1), y: word(33) }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return key.export({ type: 'spki', format: 'der' }).toString('base64')
}

function der(r: bigint, s: bigint): string {
  const integer = (value: bigint) => {
    const digits = value.toString(16)
    const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
    const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
    return Buffer.concat([Buffer.from([2, positive.length]), positive])
  }
  const both = Buffer.concat([integer(r), integer(s)])
  return Buffer.concat([Buffer.from([0x30, both.length]), both]).toString('base64')
}
