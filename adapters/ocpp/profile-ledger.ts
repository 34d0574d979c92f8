import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Instant } from '#domain/time.ts'
import { createFormChoice, type FormChoice, type FormOptions, type ProfileForm } from './forms.ts'

/** A limit that the station has taken and that nobody has taken back. */
export type InForce = {
  readonly form: ProfileForm
  readonly setpoint: DesiredSetpoint
  /** What was given to the station, W. */
  readonly limitW: number
  readonly transactionId: string
}

/**
 * Which charging profiles are ours on one station, per connector. A charger's own list is often
 * incomplete or not to be had, and clearing without an id clears what belongs to others.
 */
export type ProfileLedger = {
  /** Ids are unique within the station and the same after a restart: the same id replaces. */
  idsOf(connectorId: number): { readonly defaultId: number; readonly limitId: number }
  /** Ids up to this one belong to other systems (2.1, MaxExternalConstraintsId). */
  numberAbove(id: number): void
  /** In which form limits are given at a connector; begins anew with each set-up. */
  forms(connectorId: number): FormChoice
  beginForms(options: FormOptions): void
  /** The newest setpoint asked for. */
  wanted(connectorId: number): DesiredSetpoint | null
  /** @throws DomainError device-refused for a version older than one asked for before. */
  want(connectorId: number, setpoint: DesiredSetpoint): void
  inForce(connectorId: number): InForce | null
  /** The station acknowledged a limit, or (null) that there is none. */
  changed(connectorId: number, inForce: InForce | null, at: Instant): void
  /** When the station acknowledged the last change, business time. */
  changedAt(connectorId: number): Instant | null
  /** What was not obeyed is cleared before the next limit; true once per disobedience. */
  disobeyed(connectorId: number): void
  takeDisobeyed(connectorId: number): boolean
  /** The current that the station says it offers. */
  lastOffered(connectorId: number): { readonly ampere: number; readonly at: Instant } | null
  offered(connectorId: number, ampere: number, at: Instant): void
  readonly flash: FlashLedger
}

/** Above what other back ends tend to number their profiles with. */
const DEFAULT_ID_BASE = 710_000
const LIMIT_ID_BASE = 720_000
const FALLBACK_FORM: FormOptions = {
  preferred: { purpose: 'TxProfile', kind: 'Absolute', unit: 'A', stackLevel: 1 },
  units: [],
}

export function createProfileLedger(): ProfileLedger {
  const wants = new Map<number, DesiredSetpoint>()
  const standing = new Map<number, InForce>()
  const changes = new Map<number, Instant>()
  const offers = new Map<number, { ampere: number; at: Instant }>()
  const choices = new Map<number, FormChoice>()
  const ignored = new Set<number>()
  let options = FALLBACK_FORM
  let above = 0
  return {
    idsOf: (connectorId) => ({
      defaultId: above + DEFAULT_ID_BASE + connectorId,
      limitId: above + LIMIT_ID_BASE + connectorId,
    }),
    numberAbove: (id) => void (above = id < DEFAULT_ID_BASE ? 0 : id),
    forms(connectorId) {
      const choice = choices.get(connectorId) ?? createFormChoice(options)
      choices.set(connectorId, choice)
      return choice
    },
    beginForms(given) {
      options = given
      choices.clear()
    },
    wanted: (connectorId) => wants.get(connectorId) ?? null,
    want(connectorId, setpoint) {
      const known = wants.get(connectorId)
      if (known !== undefined && setpoint.version < known.version) {
        throw new DomainError(
          'device-refused',
          `setpoint ${setpoint.version} is older than ${known.version}, which was asked for before`,
        )
      }
      wants.set(connectorId, setpoint)
    },
    inForce: (connectorId) => standing.get(connectorId) ?? null,
    changed(connectorId, inForce, at) {
      changes.set(connectorId, at)
      if (inForce === null) standing.delete(connectorId)
      else standing.set(connectorId, inForce)
    },
    changedAt: (connectorId) => changes.get(connectorId) ?? null,
    disobeyed: (connectorId) => void ignored.add(connectorId),
    takeDisobeyed: (connectorId) => ignored.delete(connectorId),
    lastOffered: (connectorId) => offers.get(connectorId) ?? null,
    offered(connectorId, ampere, at) {
      const known = offers.get(connectorId)
      if (known === undefined || at >= known.at) offers.set(connectorId, { ampere, at })
    },
    flash: createFlashLedger(),
  }
}

export type FlashPurpose = 'TxProfile' | 'TxDefaultProfile' | 'StationMax'

/**
 * What we wrote into a station's flash. One write every ten seconds wears a charger out within
 * "3 days to 3 years" (flashg1/SolarCharger#1, EVerest/libocpp#543): nothing is written twice, and
 * nothing faster than the station (2.1, UpdateRateLimit) or we allow.
 */
export type FlashLedger = {
  holds(purpose: FlashPurpose, place: string, content: string): boolean
  /** May a profile of this purpose be written now? */
  isFree(purpose: FlashPurpose, place: string, now: Instant): boolean
  /** The pace that the station names; null: it names none. */
  pace(everyS: number | null): void
  wrote(purpose: FlashPurpose, place: string, content: string, at: Instant): void
  /** It was cleared: the next one is written whatever it holds; all of them: a set-up anew. */
  forget(purpose: FlashPurpose, place?: string): void
}

type FlashEntry = {
  readonly purpose: FlashPurpose
  readonly content: string | null
  readonly at: Instant
  readonly isSetUpAnew: boolean
}

/** Business time, for one profile, where a station names no limit of its own. */
const WRITE_EVERY_S = 30

function createFlashLedger(): FlashLedger {
  const written = new Map<string, FlashEntry>()
  let everyS: number | null = null
  const key = (purpose: FlashPurpose, place: string) => `${purpose} ${place}`
  return {
    holds: (purpose, place, content) => written.get(key(purpose, place))?.content === content,
    pace: (told) => void (everyS = told),
    isFree(purpose, place, now) {
      // What a station names holds for all profiles of one purpose together.
      const mine = written.get(key(purpose, place))
      const concerned =
        everyS === null
          ? [mine].filter((one) => one !== undefined).filter((one) => !one.isSetUpAnew)
          : [...written.values()].filter((one) => one.purpose === purpose)
      return concerned.every(({ at }) => now - at >= (everyS ?? WRITE_EVERY_S) * 1000)
    },
    wrote: (purpose, place, content, at) =>
      void written.set(key(purpose, place), { purpose, content, at, isSetUpAnew: false }),
    forget(purpose, place) {
      for (const [one, entry] of written) {
        const isMeant = place === undefined || one === key(purpose, place)
        if (entry.purpose === purpose && isMeant) {
          written.set(one, { ...entry, content: null, isSetUpAnew: place === undefined })
        }
      }
    },
  }
}
