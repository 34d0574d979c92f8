import { signal } from '@preact/signals'
import { type Client, createClient, Refused } from '../api.ts'
import { hearTime } from './business-time.ts'

export type PageRole = 'dso' | 'aggregator' | 'owner' | 'operator'

/**
 * Who uses the page: a bearer key, kept for this tab only. A key is taken after the service has
 * answered to it, and forgotten when it no longer does.
 */
export function createSession(role: PageRole, probe: (client: Client) => Promise<unknown>) {
  const place = `gridcall-key-${role}`
  const client = signal<Client | null>(null)
  const message = signal<string | null>(null)
  const isChecking = signal(false)

  async function enter(key: string): Promise<void> {
    isChecking.value = true
    message.value = null
    try {
      const candidate = createClient(key, hearTime)
      await probe(candidate)
      sessionStorage.setItem(place, key)
      client.value = candidate
    } catch (error) {
      message.value = why(error)
    } finally {
      isChecking.value = false
    }
  }

  function forget(reason: string | null = null): void {
    sessionStorage.removeItem(place)
    client.value = null
    message.value = reason
  }

  const kept = sessionStorage.getItem(place)
  if (kept !== null) client.value = createClient(kept, hearTime)
  return { client, message, isChecking, enter, forget }
}

export type Session = ReturnType<typeof createSession>

function why(error: unknown): string {
  if (!(error instanceof Refused)) throw error
  if (error.status === 401) return 'This key is not known here. Check that all of it was pasted.'
  if (error.status === 404) return 'This key is valid, but it belongs to another role’s page.'
  return error.message
}
