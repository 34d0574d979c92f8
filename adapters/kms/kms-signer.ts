import { isAddressEqual, recoverAddress } from 'viem'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import type { Timer, TransactionSigner } from '#ports.ts'
import { type KmsCredentials, signatureHeaders } from './request-signature.ts'
import { addressOf, base64, fromBase64, parseDerSignature, signatureHex } from './wire.ts'

export type KmsSignerOptions = {
  /** Where the KMS answers, such as https://kms.eu-central-1.amazonaws.com. */
  readonly url: string
  readonly region: string
  /** Id, ARN or alias of a key of the kind ECC_SECG_P256K1 that may sign. */
  readonly keyId: string
  /** null: a KMS behind a proxy that signs the requests itself. */
  readonly credentials: KmsCredentials | null
  /** Wall time: a signed request is worth something for five minutes only. */
  readonly wallMs: () => number
  readonly timer: Timer
  /** Wall time for one answer. */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 5_000

type Ask = (action: 'GetPublicKey' | 'Sign', fields: object) => Promise<Record<string, unknown>>

/**
 * A key that never leaves its KMS, by AWS's JSON protocol: a digest goes in, a signature comes out.
 * What comes out is checked against the key's own address before anybody uses it.
 * @throws DomainError 'unavailable' if the KMS does not answer; Error if the key is of another kind
 */
export async function createKmsSigner(options: KmsSignerOptions): Promise<TransactionSigner> {
  const ask = client(options)
  const { keyId } = options
  const known = await ask('GetPublicKey', { KeyId: keyId })
  const address = addressOf(fromBase64('PublicKey', known['PublicKey']))
  return {
    address,
    async signDigest(digest: Hex): Promise<Hex> {
      const answer = await ask('Sign', {
        KeyId: keyId,
        Message: base64(digest),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      })
      const parts = parseDerSignature(fromBase64('Signature', answer['Signature']))
      for (const v of [27, 28] as const) {
        const signature = signatureHex(parts, v)
        const signer = await recoverAddress({ hash: digest, signature })
        if (isAddressEqual(signer, address)) return signature
      }
      throw new Error(`the KMS signed with another key than that of ${address}`)
    },
  }
}

function client(options: KmsSignerOptions): Ask {
  const { region, credentials, wallMs, timer, deadlineMs = DEADLINE_MS } = options
  const url = new URL(options.url)
  return async (action, fields) => {
    const body = JSON.stringify(fields)
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `TrentService.${action}`,
    }
    const request = { method: 'POST', url, headers, body, region, service: 'kms', atMs: wallMs() }
    const proof = credentials === null ? {} : signatureHeaders(request, credentials)
    const what = `the KMS to answer ${action}`
    const abort = new AbortController()
    const exchange = async () => {
      const init = { method: 'POST', headers: { ...headers, ...proof }, body, signal: abort.signal }
      const response = await fetch(url, init)
      return { status: response.status, text: await response.text() }
    }
    try {
      const { status, text } = await timer.deadline(exchange(), deadlineMs, what)
      return answerOf(action, status, text)
    } catch (error) {
      if (error instanceof TypeError) throw unavailable(`waited for ${what}: no connection`)
      throw error
    } finally {
      abort.abort()
    }
  }
}

/** What the KMS says is wrong, in its words; busy and broken ones are worth another try. */
function answerOf(action: string, status: number, text: string): Record<string, unknown> {
  const answer = parsed(text)
  if (status === 200 && answer !== null) return answer
  const kind = String(answer?.['__type'] ?? `status ${status}`).replace(/^.*#/, '')
  const words = String(answer?.['message'] ?? answer?.['Message'] ?? 'no reason')
  const isBusy = status >= 500 || status === 429 || /Throttling|LimitExceeded|Timeout/.test(kind)
  if (isBusy || answer === null) throw unavailable(`the KMS did not ${action}: ${kind}`)
  throw new Error(`the KMS refused ${action}: ${kind}: ${words}`)
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null // a page of some proxy
  }
}

function unavailable(message: string): DomainError {
  return new DomainError('unavailable', message)
}
