/**
 * Asks the running service, as whoever holds the key; with a body it is told something.
 * @throws Error with what it answered
 */
export async function askService(path: string, body?: object): Promise<Record<string, unknown>> {
  const url = process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const key = process.env.GRIDCALL_API_KEY
  if (key === undefined)
    throw new Error('GRIDCALL_API_KEY: expected a key of the service, got none')
  const response = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
  return JSON.parse(text) as Record<string, unknown>
}

/** One JSON object: on one line for machines, over several for people. */
export function printAnswer(isJson: boolean, answer: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(answer, null, isJson ? 0 : 2)}\n`)
}
