/** Nominal voltage of a phase against neutral. */
export const PHASE_VOLTS = 230
/** Below this a car does not charge at all (IEC 61851). */
export const LEAST_AMPERES = 6

/** A charging profile, the same for both versions of the protocol. Instants are business ms. */
export type ChargingProfile = {
  readonly id: number
  readonly purpose: 'station-max' | 'tx-default' | 'tx' | 'priority'
  readonly stackLevel: number
  /** Dynamic (2.1): `start` is that of the last update. */
  readonly kind: 'Absolute' | 'Recurring' | 'Relative' | 'Dynamic'
  readonly everySeconds: number | null
  readonly validFrom: number | null
  readonly validTo: number | null
  readonly start: number | null
  readonly durationSeconds: number | null
  readonly unit: 'A' | 'W'
  readonly periods: readonly {
    readonly startSeconds: number
    /** In the unit of the profile; of a setpoint the setpoint, below 0: give back (2.1). */
    readonly limit: number
    readonly phases: number | null
  }[]
  /** 2.1: void so long after the line was lost, and then for good or until it is back. */
  readonly offline?: { readonly maxSeconds: number; readonly forGood: boolean }
}

export type ConnectorRating = {
  readonly maxW: number
  readonly phases: 1 | 3
  /** What a bidirectional car may give back at most; absent: nothing. */
  readonly exportMaxW?: number
  /** Limits of more than nothing and less than 6 A: no charging, or 6 A all the same (a quirk). */
  readonly belowFloor?: 'pause' | 'floor'
  /** Are profiles of a transaction written to flash, too (2.0.1 K01.FR.27)? */
  readonly keepsAll?: boolean
}

/**
 * The installed profiles of a station with one connector. Per purpose the highest stack level that
 * is valid now wins; in force is the smaller of the station's maximum and the transaction's profile
 * or else its default (OCPP 1.6 section 3.13, 2.0.1 K01). A profile whose duration is over no
 * longer counts, and the next lower one applies.
 */
export class ProfileStack {
  #profiles: ChargingProfile[] = []
  /** How often a profile of the running transaction was installed. */
  transactionInstalls = 0
  /** How often what outlives a restart was written. */
  flashWrites = 0
  /** The driver wants full power now (2.1): nothing that was set for the transaction counts. */
  priority = false
  /** What an energy manager allows behind everybody's back, W. */
  externalLimitW: number | null = null
  #offlineSince: number | null = null
  readonly #rating: ConnectorRating

  constructor(rating: ConnectorRating) {
    this.#rating = rating
  }

  get installed(): readonly ChargingProfile[] {
    return this.#profiles
  }

  /** The same id, or the same purpose and stack level, is replaced. */
  install(profile: ChargingProfile): void {
    const others = this.#profiles.filter(
      ({ id, purpose, stackLevel }) =>
        id !== profile.id && (purpose !== profile.purpose || stackLevel !== profile.stackLevel),
    )
    this.#profiles = [...others, profile]
    if (profile.purpose === 'tx') this.transactionInstalls += 1
    if (profile.purpose !== 'tx' || this.#rating.keepsAll === true) this.flashWrites += 1
  }

  /** The profile of this id with other contents: no new one, and nothing is written to flash. */
  update(profile: ChargingProfile): void {
    this.#profiles = this.#profiles.map((one) => (one.id === profile.id ? profile : one))
  }

  /** The line is lost, or back. */
  lineChanged(offlineSince: number | null, now: number): void {
    const since = this.#offlineSince
    this.#offlineSince = offlineSince === null ? null : (since ?? offlineSince)
    if (since === null || offlineSince !== null) return
    this.clear(
      ({ offline }) => offline?.forGood === true && now - since >= offline.maxSeconds * 1000,
    )
  }

  /** Removes what matches; returns how many that were. */
  clear(matches: (profile: ChargingProfile) => boolean): number {
    const before = this.#profiles.length
    this.#profiles = this.#profiles.filter((profile) => !matches(profile))
    return before - this.#profiles.length
  }

  /** The profile of the running transaction that is in force, if there is one. */
  transactionProfile(at: number, transactionStart: number | null): ChargingProfile | null {
    return this.#winner('tx', at, transactionStart)?.profile ?? null
  }

  /** What the car may draw, W; below 6 A per phase that is nothing. */
  limitW(at: number, transactionStart: number | null, withTransaction = true): number {
    const ofTransaction = this.priority
      ? this.#winner('priority', at, transactionStart)
      : (this.#winner(withTransaction ? 'tx' : 'tx-default', at, transactionStart) ??
        this.#winner('tx-default', at, transactionStart))
    const station = this.#winner('station-max', at, transactionStart)
    const limits = [ofTransaction, station].map((found) => found?.limitW ?? this.#rating.maxW)
    const external = this.externalLimitW ?? this.#rating.maxW
    const limitW = Math.min(this.#rating.maxW, external, ...limits)
    if (limitW < 0) return Math.max(limitW, -(this.#rating.exportMaxW ?? 0)) + 0
    const amperes = limitW / (PHASE_VOLTS * this.#rating.phases)
    if (amperes >= LEAST_AMPERES - 1e-9) return limitW
    const isFloored = amperes > 0 && this.#rating.belowFloor === 'floor'
    return isFloored ? LEAST_AMPERES * PHASE_VOLTS * this.#rating.phases : 0
  }

  /** The limits of the seconds ahead, one entry per change; what a composite schedule tells. */
  schedule(
    from: number,
    seconds: number,
    transactionStart: number | null,
  ): { startSeconds: number; limitW: number }[] {
    const changes = new Set([0])
    for (const profile of this.#profiles) {
      for (const edge of this.#edges(profile, from, transactionStart)) {
        const offset = Math.ceil((edge - from) / 1000)
        if (offset > 0 && offset < seconds) changes.add(offset)
      }
    }
    const entries: { startSeconds: number; limitW: number }[] = []
    for (const startSeconds of [...changes].sort((a, b) => a - b)) {
      const limitW = this.limitW(from + startSeconds * 1000, transactionStart)
      if (entries.at(-1)?.limitW !== limitW) entries.push({ startSeconds, limitW })
    }
    return entries
  }

  #winner(
    purpose: ChargingProfile['purpose'],
    at: number,
    transactionStart: number | null,
  ): { profile: ChargingProfile; limitW: number } | null {
    let found: { profile: ChargingProfile; limitW: number } | null = null
    for (const profile of this.#profiles) {
      if (profile.purpose !== purpose || this.#isVoidOffline(profile, at)) continue
      if (found !== null && found.profile.stackLevel >= profile.stackLevel) continue
      const limitW = profileLimitW(profile, at, transactionStart, this.#rating.phases)
      if (limitW !== null) found = { profile, limitW }
    }
    return found
  }

  #isVoidOffline({ offline }: ChargingProfile, at: number): boolean {
    if (offline === undefined || this.#offlineSince === null) return false
    return at - this.#offlineSince >= offline.maxSeconds * 1000
  }

  #edges(profile: ChargingProfile, at: number, transactionStart: number | null): number[] {
    const start = scheduleStart(profile, at, transactionStart)
    const edges = [profile.validFrom, profile.validTo].filter((edge) => edge !== null)
    if (start === null) return edges
    edges.push(start, ...profile.periods.map(({ startSeconds }) => start + startSeconds * 1000))
    if (profile.durationSeconds !== null) edges.push(start + profile.durationSeconds * 1000)
    return edges
  }
}

/** null where the profile says nothing about this instant. */
function profileLimitW(
  profile: ChargingProfile,
  at: number,
  transactionStart: number | null,
  phases: 1 | 3,
): number | null {
  if (profile.validFrom !== null && at < profile.validFrom) return null
  if (profile.validTo !== null && at >= profile.validTo) return null
  const start = scheduleStart(profile, at, transactionStart)
  if (start === null || at < start) return null
  const seconds = (at - start) / 1000
  if (profile.durationSeconds !== null && seconds >= profile.durationSeconds) return null
  const period = profile.periods.findLast(({ startSeconds }) => startSeconds <= seconds)
  if (period === undefined) return null
  // A is per phase. W is the total and is spread over numberPhases, absent = 3: a single-phase
  // car under such a limit gets a third (OCPP 1.6 section 7.14, 2.0.1 K01.FR.49).
  const amperes =
    profile.unit === 'A' ? period.limit : period.limit / (PHASE_VOLTS * (period.phases ?? 3))
  return amperes * PHASE_VOLTS * phases
}

function scheduleStart(
  profile: ChargingProfile,
  at: number,
  transactionStart: number | null,
): number | null {
  if (profile.kind === 'Relative') return transactionStart ?? at
  if (profile.start === null) return null
  if (profile.kind !== 'Recurring' || profile.everySeconds === null) return profile.start
  const every = profile.everySeconds * 1000
  return profile.start + Math.floor((at - profile.start) / every) * every
}
