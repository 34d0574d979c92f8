import type { ResourceId } from '#domain/ids.ts'
import type { Instant } from '#domain/time.ts'

/** What was last made true on the connection that stands now. */
type Held = {
  readonly version: number
  /** When the device took it in the form that stands; null: it did not, or it is over. */
  readonly since: Instant | null
  /** The driver knows no other form. */
  readonly isLast: boolean
}

type Row = { readonly resourceId: ResourceId; readonly version: number }

/** Which row each device holds, by the connection on which it took it. */
export type HeldSetpoints = {
  /** null: it does not hold this row. */
  find(row: Row): Held | null
  /** What comes of a row counts for the connection that stands at its beginning, and no later one. */
  begin(row: Row): (done: Omit<Held, 'version'>) => void
  /** The driver knows no other form of what the device holds. */
  isLast(row: Row): void
  /** A new connection: what was made true on an earlier one says nothing of this one. */
  forget(resourceId: ResourceId): void
}

export function createHeldSetpoints(): HeldSetpoints {
  const held = new Map<ResourceId, Held>()
  const connections = new Map<ResourceId, number>()
  const find = ({ resourceId, version }: Row): Held | null => {
    const known = held.get(resourceId)
    return known?.version === version ? known : null
  }
  return {
    find,
    begin({ resourceId, version }) {
      const connection = connections.get(resourceId)
      return (done) => {
        if (connections.get(resourceId) === connection) held.set(resourceId, { version, ...done })
      }
    },
    isLast(row) {
      const known = find(row)
      if (known !== null) held.set(row.resourceId, { ...known, isLast: true })
    },
    forget(resourceId) {
      connections.set(resourceId, (connections.get(resourceId) ?? 0) + 1)
      held.delete(resourceId)
    },
  }
}
