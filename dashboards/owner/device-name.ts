import type { Resource } from '../api.ts'
import { KIND } from '../shared/words.ts'

/** `Charger anna-1`: what it is and what it is called, unless the name says it already. */
export function deviceName(resources: readonly Resource[], id: string): string {
  const kind = resources.find((resource) => resource.id === id)?.kind
  return kind === undefined || id.includes(kind) ? id : `${KIND[kind]} ${id}`
}
