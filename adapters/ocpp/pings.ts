import type { Timer } from '#ports.ts'
import type { Link } from './link.ts'

const AT_ONCE = 200
const PAUSE_MS = 10

/** Asks each for a pong and cuts off who gives none. A closed link is left alone. */
export async function pingAll(
  links: readonly Pick<Link, 'ping' | 'terminate'>[],
  { timer, pingTimeoutMs }: { readonly timer: Timer; readonly pingTimeoutMs: number },
): Promise<void> {
  const asked: Promise<void>[] = []
  for (let first = 0; first < links.length; first += AT_ONCE) {
    // Orders and readings come in between: twenty thousand pings take half a second.
    if (first > 0) await timer.sleep(PAUSE_MS)
    for (const link of links.slice(first, first + AT_ONCE)) {
      asked.push(cutOffIfDead(link, pingTimeoutMs))
    }
  }
  await Promise.all(asked)
}

/** A ping that cannot be sent is not answered: nothing is thrown. */
async function cutOffIfDead(
  link: Pick<Link, 'ping' | 'terminate'>,
  pingTimeoutMs: number,
): Promise<void> {
  if (!(await link.ping(pingTimeoutMs))) link.terminate('no pong')
}
