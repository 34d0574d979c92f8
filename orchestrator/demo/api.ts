/** Wall time for one request of the demo's parties. */
const REQUEST_MS = 20_000

/** One party's way to the service: HTTP and its own key. */
export type PartyApi = {
  /** @throws Error with the problem's text for anything but 2xx */
  get<T>(path: string): Promise<T>
  text(path: string): Promise<string>
  post<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T>
  put<T>(path: string, body: unknown): Promise<T>
}

export function partyApi(url: () => string, key: string): PartyApi {
  async function send(method: string, path: string, body?: unknown, idempotencyKey?: string) {
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
