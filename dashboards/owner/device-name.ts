import type { Resource } from '../api.ts'
import { KIND } from '../shared/words.ts'

/** `Charger charger-anna`: what it is and what it is called. */
export function deviceName(resources: readonly Resource[], id: string): string {
  const kind = resources.find((resource) => resource.id === id)?.kind
  return kind === undefined ? id : `${KIND[kind]} ${id}`
}
