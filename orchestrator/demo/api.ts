/** Wall time for one request of the demo's parties. */
const REQUEST_MS = 20_000

/** What a request ends with whose connection the service closed, idle, as it was sent. */
const CLOSED_UNDER_IT = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** One party's way to the service: HTTP and its own key. */
export type PartyApi = {
  /** @throws Error with the problem's text for anything but 2xx */
  get<T>(path: string): Promise<T>
  text(path: string): Promise<string>
  post<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T>
  put<T>(path: string, body: unknown): Promise<T>
}

/**
 * A request that says the same when it is said twice is sent once more if its connection was closed
 * under it, as happens to a process that stood still for longer than an idle connection is kept.
 */
export function partyApi(url: () => string, key: string): PartyApi {
  async function send(method: string, path: string, body?: unknown, idempotencyKey?: string) {
    try {
      return await sendOnce(method, path, body, idempotencyKey)
    } catch (error) {
      const isRepeatable = method !== 'POST' || idempotencyKey !== undefined
      const { code = '' } = ((error as Error).cause ?? {}) as { code?: string }
      if (!isRepeatable || !CLOSED_UNDER_IT.has(code)) throw error
      return await sendOnce(method, path, body, idempotencyKey)
    }
  }
  async function sendOnce(method: string, path: string, body?: unknown, idempotencyKey?: string) {
    const response = await fetch(`${url()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return text
  }
  return {
    get: async <T>(path: string) => JSON.parse(await send('GET', path)) as T,
    text: (path) => send('GET', path),
    post: async <T>(path: string, body: unknown, idempotencyKey?: string) =>
      JSON.parse(await send('POST', path, body, idempotencyKey)) as T,
    put: async <T>(path: string, body: unknown) => JSON.parse(await send('PUT', path, body)) as T,
  }
}
