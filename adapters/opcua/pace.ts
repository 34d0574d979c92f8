/**
 * Machines that were dialled together would go on in step for ever: timers of one length that come
 * late once fall together and stay so, and a thousand answers arrive in the same moment. So each
 * has a pace of its own, up to a tenth quicker than asked; the same at every start.
 */
export function ownPace(id: string, ms: number): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) >>> 0
  return ms - (hash % Math.max(1, Math.floor(ms / 10)))
}
