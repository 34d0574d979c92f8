import type { Client, Disputes, Earnings } from '../api.ts'
import { isOpen } from '../shared/dispute-words.ts'

/** So many calls are looked at, the newest first. */
const CALLS_MAX = 12

/** Reads what is objected to and on hold; of a call in which nothing can change, once. */
export function createDisputeReader(client: Client) {
  const ended = new Map<string, Disputes>()
  return async ({ lines }: Earnings): Promise<ReadonlyMap<string, Disputes>> => {
    const ids = [...new Set(lines.map(({ callId }) => callId))].slice(0, CALLS_MAX)
    const moving = new Set(lines.filter(isMoving).map(({ callId }) => callId))
    const found = await Promise.all(
      ids.map(async (id): Promise<[string, Disputes]> => {
        const known = moving.has(id) ? undefined : ended.get(id)
        if (known !== undefined) return [id, known]
        const { disputes } = client.v1['flexibility-calls'][':id']
        return [id, await (await disputes.$get({ param: { id } })).json()]
      }),
    )
    for (const [id, disputes] of found) {
      if (!moving.has(id) && !disputes.held.some(isOpen)) ended.set(id, disputes)
    }
    return new Map(found)
  }
}

/** Its figures are not final, or something of it waits for a later round. */
function isMoving({ status, heldMinor }: Earnings['lines'][number]): boolean {
  return status === 'being-verified' || heldMinor !== '0'
}
