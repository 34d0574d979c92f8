import { readApiKey, sameText } from '#domain/api-key.ts'
import type { ApiKey, Ports } from '#ports.ts'

/** Who holds this bearer key; null for nobody. Malformed keys never reach the database. */
export async function authenticate(ports: Ports, bearer: string): Promise<ApiKey | null> {
  const presented = readApiKey(bearer)
  if (presented === null) return null
  const key = await ports.store.transaction((tx) => tx.keys.find(presented.sha256))
  if (key === null || !sameText(key.keySha256, presented.sha256)) return null
  return key.role === presented.role ? key : null
}
