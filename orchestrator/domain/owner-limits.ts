import type { ResourceId } from './ids.ts'
import type { ChargingSession, Rating, Resource } from './resource.ts'
import { formatInstant, type Instant, nextLocalMinute } from './time.ts'
import type { BasisPoints } from './units.ts'

/** That a device may be told what to do at all. */
type Consent = {
  readonly givenAt: Instant
  /** From then on nobody tells it anything; null: the consent stands. */
  readonly withdrawnAt: Instant | null
  /** Absent: its owner withdrew it. */
  readonly withdrawnBy?: 'aggregator'
}

/** Each day at this minute of the local day a car has had this much since it was plugged in. */
export type ReadyBy = { readonly minuteOfDay: number; readonly energyWh: number }

/** The owner wants full power now. */
type ChargeNow = { readonly since: Instant; readonly until: Instant }

/** What the owner of a device allows, beside what was said when it was enrolled. */
export type OwnerLimits = {
  readonly resourceId: ResourceId
  readonly consent: Consent
  /** A battery, or a car that gives power back, keeps at least this; null: as enrolled. */
  readonly leastSocBp: BasisPoints | null
  readonly readyBy: ReadyBy | null
  readonly chargeNow: ChargeNow | null
}

/** Who enrols a device consents; nothing else was said yet. */
export function asEnrolled({ id, enrolledAt }: Pick<Resource, 'id' | 'enrolledAt'>): OwnerLimits {
  const consent = { givenAt: enrolledAt, withdrawnAt: null }
  return { resourceId: id, consent, leastSocBp: null, readyBy: null, chargeNow: null }
}

/** Who withdrew the consent, and when; null: it stands. */
export function sayWithdrawn({ withdrawnAt, withdrawnBy }: Consent): string | null {
  if (withdrawnAt === null) return null
  return `its ${withdrawnBy ?? 'owner'} withdrew the consent at ${formatInstant(withdrawnAt)}`
}

/**
 * Could less stay in it, or a car be ready later or with less, than its owner said? Any other time of
 * day is looser, an earlier one, too: a car that is plugged in after it and before the owner's would
 * be ready a day later. A car that is there is no reason: the wish outlasts it.
 */
export function isLooser(
  before: Pick<OwnerLimits, 'leastSocBp' | 'readyBy'>,
  after: { readonly leastSocBp: number | null; readonly readyBy: ReadyBy | null },
): boolean {
  if (before.leastSocBp !== null && (after.leastSocBp ?? -1) < before.leastSocBp) return true
  if (before.readyBy === null) return false
  const { readyBy } = after
  if (readyBy === null || readyBy.energyWh < before.readyBy.energyWh) return true
  return readyBy.minuteOfDay !== before.readyBy.minuteOfDay
}

/** Is the wish for full power in force? Its end is exclusive. */
export function chargesNow({ chargeNow }: OwnerLimits, at: Instant): boolean {
  return chargeNow !== null && chargeNow.since <= at && at < chargeNow.until
}

/** What stays in it, Wh: the higher of what was enrolled and what the owner said since. */
export function reserveOf(rating: Rating, { leastSocBp }: OwnerLimits): number {
  const saidWh = leastSocBp === null ? 0 : Math.ceil((leastSocBp * rating.energyWh) / 10_000)
  return Math.max(rating.reserveWh, saidWh)
}

/** The rating that may be promised of a device, with what its owner wants to keep in it. */
export function ratingWithReserve(rating: Rating, limits: OwnerLimits): Rating {
  const reserveWh = Math.min(rating.energyWh, reserveOf(rating, limits))
  return reserveWh === rating.reserveWh ? rating : { ...rating, reserveWh }
}

/**
 * A car as its owner's standing wish has it: ready by the earlier of what car and owner say, with
 * the greater of both energies.
 */
export function asWished(
  session: ChargingSession,
  { readyBy }: OwnerLimits,
  timeZone: string,
): ChargingSession {
  if (readyBy === null) return session
  const wishedAt = nextLocalMinute(session.startedAt, readyBy.minuteOfDay, timeZone)
  const saidAt = session.departureAt
  return {
    ...session,
    departureAt: saidAt !== null && saidAt < wishedAt ? saidAt : wishedAt,
    energyNeededWh: Math.max(session.energyNeededWh ?? 0, readyBy.energyWh),
  }
}
