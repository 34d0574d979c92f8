import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Instant } from '#domain/time.ts'
import { FlashLedger } from './flash-ledger.ts'
import { createFormChoice, type FormChoice, type FormOptions, type ProfileForm } from './forms.ts'

/** A limit that the station has taken and that nobody has taken back. */
export type InForce = {
  readonly form: ProfileForm
  readonly setpoint: DesiredSetpoint
  /** What was given to the station, W. */
  readonly limitW: number
  readonly transactionId: string
}

/** Above what other back ends tend to number their profiles with. */
const DEFAULT_ID_BASE = 710_000
const LIMIT_ID_BASE = 720_000
const FALLBACK_FORM: FormOptions = {
  preferred: { purpose: 'TxProfile', kind: 'Absolute', unit: 'A', stackLevel: 1 },
  units: [],
}

/** One connector. */
type Place = {
  wanted: DesiredSetpoint | null
  inForce: InForce | null
  changedAt: Instant | null
  forms: FormChoice | null
  isDisobeyed: boolean
  offered: { readonly ampere: number; readonly at: Instant } | null
}

/**
 * Which charging profiles are ours on one station, per connector. A charger's own list is often
 * incomplete or not to be had, and clearing without an id clears what belongs to others.
 */
export class ProfileLedger {
  readonly flash = new FlashLedger()
  readonly #places = new Map<number, Place>()
  #options = FALLBACK_FORM
  #above = 0

  /** Ids are unique within the station and the same after a restart: the same id replaces. */
  idsOf(connectorId: number): { readonly defaultId: number; readonly limitId: number } {
    return {
      defaultId: this.#above + DEFAULT_ID_BASE + connectorId,
      limitId: this.#above + LIMIT_ID_BASE + connectorId,
    }
  }

  /** Ids up to this one belong to other systems (2.1, MaxExternalConstraintsId). */
  numberAbove(id: number): void {
    this.#above = id < DEFAULT_ID_BASE ? 0 : id
  }

  /** In which form limits are given at a connector; begins anew with each set-up. */
  forms(connectorId: number): FormChoice {
    const place = this.#place(connectorId)
    place.forms ??= createFormChoice(this.#options)
    return place.forms
  }

  beginForms(options: FormOptions): void {
    this.#options = options
    for (const place of this.#places.values()) place.forms = null
  }

  /** The newest setpoint asked for. */
  wanted(connectorId: number): DesiredSetpoint | null {
    return this.#places.get(connectorId)?.wanted ?? null
  }

  /** @throws DomainError device-refused for a version older than one asked for before. */
  want(connectorId: number, setpoint: DesiredSetpoint): void {
    const place = this.#place(connectorId)
    const known = place.wanted
    if (known !== null && setpoint.version < known.version) {
      throw new DomainError(
        'device-refused',
        `setpoint ${setpoint.version} is older than ${known.version}, which was asked for before`,
      )
    }
    place.wanted = setpoint
  }

  inForce(connectorId: number): InForce | null {
    return this.#places.get(connectorId)?.inForce ?? null
  }

  /** The station acknowledged a limit, or (null) that there is none. */
  changed(connectorId: number, inForce: InForce | null, at: Instant): void {
    const place = this.#place(connectorId)
    place.changedAt = at
    place.inForce = inForce
  }

  /** When the station acknowledged the last change, business time. */
  changedAt(connectorId: number): Instant | null {
    return this.#places.get(connectorId)?.changedAt ?? null
  }

  /** What was not obeyed is cleared before the next limit. */
  disobeyed(connectorId: number): void {
    this.#place(connectorId).isDisobeyed = true
  }

  /** True once per disobedience. */
  takeDisobeyed(connectorId: number): boolean {
    const place = this.#places.get(connectorId)
    if (place?.isDisobeyed !== true) return false
    place.isDisobeyed = false
    return true
  }

  /** The current that the station says it offers. */
  lastOffered(connectorId: number): { readonly ampere: number; readonly at: Instant } | null {
    return this.#places.get(connectorId)?.offered ?? null
  }

  offered(connectorId: number, ampere: number, at: Instant): void {
    const place = this.#place(connectorId)
    if (place.offered === null || at >= place.offered.at) place.offered = { ampere, at }
  }

  #place(connectorId: number): Place {
    const known = this.#places.get(connectorId)
    if (known !== undefined) return known
    const place: Place = {
      wanted: null,
      inForce: null,
      changedAt: null,
      forms: null,
      isDisobeyed: false,
      offered: null,
    }
    this.#places.set(connectorId, place)
    return place
  }
}
