/** What a running service says to a feeder, or why it does not take it. */
export type ImportAnswer =
  | { readonly ok: true; readonly version: number; readonly hash: string }
  | {
      readonly ok: false
      readonly status: number
      readonly problems: readonly { field: string; expected: string; got: string }[]
    }

/** The service to which a DSO gives its feeder. */
export type Service = { readonly url: string; readonly key: string }

const DEADLINE_MS = 60_000

/** Where the service listens and the key it is told with. @throws Error without a key */
export function serviceFrom(environment: Readonly<Record<string, string | undefined>>): Service {
  const { GRIDCALL_API_URL: url = 'http://127.0.0.1:8080', GRIDCALL_API_KEY: key } = environment
  if (key === undefined) throw new Error("GRIDCALL_API_KEY: expected the DSO's key, got none")
  return { url, key }
}

/** Gives the feeder to the service at one congestion point. @throws Error for any other answer */
export async function giveFeeder(
  { url, key }: Service,
  point: string,
  body: { readonly branch: string; readonly feeder: unknown },
): Promise<ImportAnswer> {
  const response = await fetch(`${url}/v1/congestion-points/${encodeURIComponent(point)}/feeder`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  const text = await response.text()
  const { status } = response
  if (response.ok) {
    const { version, hash } = JSON.parse(text) as { version: number; hash: string }
    return { ok: true, version, hash }
  }
  if (status === 400) {
    const { errors = [] } = JSON.parse(text) as { errors?: [] }
    return { ok: false, status, problems: errors }
  }
  if (status === 404) {
    const problem = { field: '--point', expected: 'one of your congestion points', got: point }
    return { ok: false, status, problems: [problem] }
  }
  throw new Error(`the service answered ${status}: ${text.slice(0, 300)}`)
}
