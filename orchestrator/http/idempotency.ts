import type { Context } from 'hono'
import { canonicalJson, keccakText } from '#domain/canonical.ts'
import { type DomainError, fieldError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import type { ApiKey, Ports, Topic, WakeUps } from '#ports.ts'
import type { ApiEnv } from './auth.ts'

/** What a request that creates something answers, now and when it is repeated. */
export type Created<T> = { readonly answer: T; readonly repeated: boolean }

/**
 * Runs a request that creates something at most once per key. The effect, the key and the answer
 * stand in one transaction; a refusal takes nothing, so the key may be used again. What is shown
 * only once (`withoutSecrets` takes it out) is neither kept nor repeated.
 * @throws DomainError idempotency-key-reused, and whatever `run` throws
 */
export async function once<T>(
  ports: Ports,
  by: ApiKey,
  request: { readonly key: string; readonly route: string; readonly body: unknown },
  run: (ports: Ports) => Promise<T>,
  withoutSecrets: (answer: T) => T,
): Promise<Created<T>> {
  const requestHash = hashRequest(request.route, request.body)
  const woken = new Set<Topic>()
  const created = await ports.store.transaction(async (tx): Promise<Created<T>> => {
    const known = await tx.requests.begin(by.organisationId, request.key, requestHash)
    if (known !== null) {
      if (known.requestHash !== requestHash) throw reused(request.key)
      return { answer: JSON.parse(known.body) as T, repeated: true }
    }
    const inside: Ports = {
      ...ports,
      store: { transaction: (work) => work(tx), close: () => Promise.resolve() },
      wakeUps: afterCommit(ports.wakeUps, woken),
    }
    const answer = await run(inside)
    const kept = JSON.stringify(withoutSecrets(answer))
    await tx.requests.finish(by.organisationId, request.key, 201, kept)
    return { answer, repeated: false }
  })
  for (const topic of woken) await ports.wakeUps.notify(topic)
  return created
}

/**
 * Answers a request that creates something: once per key, and the same again where it is repeated,
 * with a header that says so. @throws DomainError as `once` does
 */
export async function createOnce<T>(
  c: Context<ApiEnv>,
  ports: Ports,
  run: (inside: Ports, by: ApiKey) => Promise<T>,
  withoutSecrets: (answer: T) => T = (answer) => answer,
): Promise<T> {
  const by = c.get('key')
  const request = await requestOf(c)
  const { answer, repeated } = await once(
    ports,
    by,
    request,
    (inside) => run(inside, by),
    withoutSecrets,
  )
  if (repeated) c.header('idempotency-replayed', 'true')
  return answer
}

/** What a request is known by: its key, its route and its body as it came. */
async function requestOf(c: Context): Promise<{ key: string; route: string; body: unknown }> {
  const key = idempotencyKey(c.req.header('idempotency-key'))
  return { key, route: `${c.req.method} ${c.req.path}`, body: await c.req.json<unknown>() }
}

/** The key of a request. @throws DomainError idempotency-key-missing */
export function idempotencyKey(header: string | undefined): string {
  const key = header?.trim().replace(/^"(.*)"$/, '$1') // the draft standard sends it quoted
  if (key === undefined || key === '') {
    const expected = 'a key that the caller makes, the same for each retry'
    throw fieldError('idempotency-key-missing', 'header.idempotency-key', expected, 'nothing')
  }
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    const expected = '1 to 200 visible ASCII characters'
    throw fieldError('malformed', 'header.idempotency-key', expected, key)
  }
  return key
}

/**
 * What tells one request from another. Of an account number four hexadecimal digits of its hash
 * go in: enough to notice another one, too little to find it out from the database.
 */
function hashRequest(route: string, body: unknown): Hex {
  const text = JSON.stringify(body ?? null, (name, value: unknown) =>
    name === 'iban' ? keccakText(String(value)).slice(2, 6) : value,
  )
  return keccakText(canonicalJson({ route, body: JSON.parse(text) as unknown }))
}

function reused(key: string): DomainError {
  const expected = 'a new key for another request'
  return fieldError('idempotency-key-reused', 'header.idempotency-key', expected, key)
}

/** Hints go out only when there is something to see. */
function afterCommit(wakeUps: WakeUps, woken: Set<Topic>): WakeUps {
  return {
    wakeCall: (callId, at) => wakeUps.wakeCall(callId, at),
    notify: async (topic) => {
      woken.add(topic)
    },
    subscribe: (topic, handler) => wakeUps.subscribe(topic, handler),
  }
}
