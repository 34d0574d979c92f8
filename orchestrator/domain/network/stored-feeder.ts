import { keccakText } from '../canonical.ts'
import { DomainError, fieldError } from '../errors.ts'
import type { CongestionPointId, Hex, SiteId } from '../ids.ts'
import type { Resource } from '../resource.ts'
import type { Instant } from '../time.ts'
import type { Feeder } from './feeder.ts'
import { importFeeder, type ImportOptions } from './import-feeder.ts'
import { sweepFlow } from './sweep.ts'

/** A feeder as its DSO gave it for one congestion point; a version, once saved, stays. */
export type StoredFeeder = {
  readonly congestionPointId: CongestionPointId
  /** Counts up from 1. */
  readonly version: number
  /** The branch that is short: the congestion point is its end nearer the root. */
  readonly branchId: string
  /** JSON without white space, to the byte what the hash is of. */
  readonly text: string
  readonly hash: Hex
  readonly importedAt: Instant
}

/** By which feeder effects were counted; fixed in a call's terms. */
export type NetworkStatement = {
  readonly feederHash: Hex
  readonly feederVersion: number
  readonly branchId: string
  /** Candidates that the feeder does not place: what they move counts as moved at the point. */
  readonly unplaced: number
  /** Resources that would have created a new congestion, in the window or right after it. */
  readonly leftOut: number
}

/** More are no feeder that an offer can wait for. */
const BUSES_MAX = 5_000

/**
 * A feeder that can be used for a congestion point: it is one, has the branch and a solution. One
 * that was taken before is read with `strict: false`: it stays usable whatever is refused since.
 * @throws DomainError malformed, each problem with its field
 */
export function readFeeder(
  raw: unknown,
  branchId: string,
  options: ImportOptions = {},
): { feeder: Feeder; text: string } {
  const feeder = imported(raw, options)
  if (feeder.buses.length > BUSES_MAX) {
    throw fieldError('malformed', 'feeder.buses', `at most ${BUSES_MAX}`, feeder.buses.length)
  }
  if (!feeder.branches.some(({ id }) => id === branchId)) {
    throw fieldError('malformed', 'branch', `a branch of ${feeder.name}`, branchId)
  }
  if (sweepFlow(feeder) === null) {
    throw fieldError('malformed', 'feeder.buses', 'loads that some voltage carries', 'too much')
  }
  return { feeder, text: JSON.stringify(raw) }
}

/** The hash of a feeder's text: JSON without white space. */
export function feederHash(text: string): Hex {
  return keccakText(text)
}

/** The place of a resource's bus: its own, or its site's; null: the feeder places neither. */
export function busesOf(
  feeder: Feeder,
): (resource: Pick<Resource, 'id' | 'siteId'>) => number | null {
  const places = new Map(feeder.buses.map(({ id }, index) => [id, index]))
  const own = new Map(feeder.resources.map((one) => [one.resourceId, places.get(one.bus) ?? null]))
  const sites = new Map<SiteId, number | null>(
    feeder.sites.map((one) => [one.siteId, places.get(one.bus) ?? null]),
  )
  return ({ id, siteId }) => own.get(id) ?? sites.get(siteId) ?? null
}

function imported(raw: unknown, options: ImportOptions): Feeder {
  try {
    return importFeeder(raw, options)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const problems = error.problems.map((one) => ({ ...one, field: `feeder.${one.field}` }))
    throw new DomainError(error.code, error.message, problems)
  }
}
