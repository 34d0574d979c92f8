/** What both versions do the same way when they listen to a station. */
import { DomainError } from '#domain/errors.ts'
import type { Instant } from '#domain/time.ts'
import { unreachable } from './call-queue.ts'
import { type Payload, StationError } from './frames.ts'
import { optionalText } from './read.ts'
import type { SessionContext, Station } from './station.ts'
import { fromTimestamp } from './wire.ts'

/** The first two are what is settled on; the offered current helps where nothing can be read back. */
export const ALIGNED_MEASURANDS = [
  'Power.Active.Import',
  'Energy.Active.Import.Register',
  'Current.Offered',
] as const

/** What goes first when several CALLs wait for their turn. */
export const PRIORITY = { setpoint: 0, readBack: 1, setUp: 2 } as const

/** Wall time; the WebSocket's own pings find dead connections, heartbeats set the station's clock. */
export const HEARTBEAT_S = 300
const HEARD_DEADLINE_MS = 2_000

/**
 * When something happened; now, where the station's clock tells nothing of it. A clock that is off
 * is asked for a heartbeat, whose answer sets it.
 */
export function eventTime(context: SessionContext, timestamp: string): Instant {
  const { clock, log, station } = context
  const now = clock.now()
  const stamp = fromTimestamp(timestamp)
  const at = stamp === null ? null : station.stationClock.judge(stamp, now)
  if (at === null || at !== stamp) {
    log.warn('a stamp cannot be right', {
      identity: station.identity,
      timestamp: timestamp.slice(0, 40),
    })
    askForHeartbeat(context)
  }
  return at ?? now
}

/** Once in a while: a station that does not listen is not asked with each message. */
export function askForHeartbeat(context: SessionContext): void {
  const { clock, log, station } = context
  if (!station.stationClock.isAskedFor(clock.now())) return
  const payload = { requestedMessage: 'Heartbeat' }
  callQuietly(context, 'TriggerMessage', payload).catch((error: unknown) => {
    const { identity } = station
    log.warn('a station could not be asked for a heartbeat', { identity, error: String(error) })
  })
}

/** Of the time until a monotonic instant. @throws DomainError device-unreachable if it is over */
export function leftMs({ timer, station }: SessionContext, until: number): number {
  const left = Math.ceil(until - timer.monotonicMs())
  if (left <= 0) throw unreachable(station.identity, 'no time left for another profile')
  return left
}

/** The connector of a message that does not name it; null where there are several. */
export function soleConnector(station: Station): number | null {
  const [first, ...more] = station.resources.keys()
  return first === undefined || more.length > 0 ? null : first
}

/**
 * Waits for the first message that tells whether a transaction runs, at most two seconds. A station
 * that stays silent is no obstacle.
 */
export async function waitUntilHeard(
  { timer, station }: SessionContext,
  connectorId: number,
  deadlineMs = HEARD_DEADLINE_MS,
): Promise<void> {
  try {
    const heard = station.transactions.whenHeard(connectorId)
    await timer.deadline(heard, Math.min(deadlineMs, HEARD_DEADLINE_MS), 'word of a transaction')
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'unavailable')) throw error
  }
}

/** The newest stamp of a message. */
export function latestOf(values: readonly { at: Instant | null }[]): Instant | null {
  const stamps = values.map((value) => value.at).filter((at) => at !== null)
  return stamps.reduce<Instant | null>((a, b) => (a === null || b > a ? b : a), null)
}

/** The status of an answer; for a CALLERROR its code. */
export async function ask(
  context: SessionContext,
  action: string,
  payload: Payload,
): Promise<string> {
  const answer = await callQuietly(context, action, payload)
  return answer === null ? 'an error' : (optionalText(answer, 'status') ?? 'no status')
}

/**
 * null for a CALLERROR or, where that is tolerated, no answer: some stations pass over what they do
 * not understand, and no set-up fails because one thing is lacking.
 * @throws DomainError device-unreachable
 */
export async function callQuietly(
  { call, log, station, isLive, setUpDeadlineMs }: SessionContext,
  action: string,
  payload: Payload,
  silence: 'tolerated' | 'fatal' = 'tolerated',
): Promise<Payload | null> {
  try {
    return await call({
      action,
      payload,
      priority: PRIORITY.setUp,
      deadlineMs: setUpDeadlineMs,
    })
  } catch (error) {
    const isSilence = error instanceof DomainError && isLive() && silence === 'tolerated'
    if (!isSilence && !(error instanceof StationError)) throw error
    log.warn('a station refused', { identity: station.identity, action, error: error.message })
    return null
  }
}

/** A configured value as a number; null where there is none. */
export function wholeNumber(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,6}$/.test(value.trim()) ? Number(value) : null
}
