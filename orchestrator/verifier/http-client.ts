import { parseEvidence, type VerificationTask } from '#domain/evidence.ts'
import type { Timer } from '#ports.ts'
import type { VerificationClient } from './verifier.ts'

/** Wall time for one request. */
const REQUEST_MS = 10_000

/** A verifier's way to the service: HTTP and its own key, nothing else. */
export function createVerificationClient(options: {
  readonly apiUrl: string
  readonly apiKey: string
  readonly timer: Timer
}): VerificationClient {
  const { apiUrl, apiKey, timer } = options

  async function request(path: string, body?: unknown): Promise<string> {
    const answer = fetch(`${apiUrl}/v1/verification/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    }).then(async (response) => {
      const text = await response.text()
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
      return text
    })
    return timer.deadline(answer, REQUEST_MS, path)
  }

  return {
    async tasks() {
      return parseEvidence(await request('tasks')) as VerificationTask[]
    },
    bundle: (callId, version) => request(`bundles/${callId}/${version}`),
    async attest({ subject, subjectId, version }, verifier, signature) {
      await request('attestations', { subject, subjectId, version, verifier, signature })
    },
    async refuse({ subject, subjectId, version }, verifier, { line, expected, got }) {
      const cut = (text: string, length: number) => text.slice(0, length)
      await request('refusals', {
        subject,
        subjectId,
        version,
        verifier,
        line: cut(line, 300),
        expected: cut(expected, 4000),
        got: cut(got, 4000),
      })
    },
  }
}
