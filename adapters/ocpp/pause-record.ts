/**
 * Whether a charger can be paused and its car comes back from there, learnt from what it does: some
 * cars sleep for good (Zoe, OpenEVSE/ESP8266_WiFi_v2.x#223; Dacia Spring, evcc-io/evcc#21293).
 */
import type { Capability } from '#domain/capability.ts'
import type { Instant } from '#domain/time.ts'
import type { SessionContext } from './station.ts'

/** By connector; only what was seen. */
export type PauseRecords = Map<number, Partial<Pick<Capability, 'pauses' | 'resumes'>>>

export type PauseRecord = {
  /** The station took a limit above 0 after one of 0. */
  lifted(connectorId: number): void
  /** It took another limit, or none: nothing is waited for. */
  over(connectorId: number): void
  /** True: the car charges again for the first time since the pause. */
  heard(connectorId: number, state: string): boolean
  /** It took a limit of 0 and did not go there; taken back where it does not follow its least either. */
  learn(connectorId: number, pauses: false | null): void
  /** Is there a car that has not come back yet? */
  isWaiting(): boolean
  /** Gives up on cars that have not come back. */
  look(): void
}

/** Business time: evcc wakes a car after 30 s, and some take minutes. */
const RESUME_MS = 600_000

export function createPauseRecord(context: SessionContext): PauseRecord {
  const { station, clock, sink } = context
  let liftedAt: Map<number, Instant> | null = null // few stations are paused
  /** The car says that it does not want to. */
  let unwilling: Set<number> | null = null

  function learn(connectorId: number, seen: Partial<Pick<Capability, 'pauses' | 'resumes'>>): void {
    const before = station.pauses.get(connectorId) ?? {}
    const now = { ...before, ...seen }
    if (now.pauses === before.pauses && now.resumes === before.resumes) return
    station.pauses.set(connectorId, now)
    const resource = station.resources.get(connectorId)
    if (resource === undefined || station.setUp === null) return
    sink.capability(resource.id, station.setUp.capability(resource))
  }

  return {
    lifted(connectorId) {
      // It never stood still: that it charges says nothing.
      if (station.pauses.get(connectorId)?.pauses === false) return
      liftedAt ??= new Map()
      liftedAt.set(connectorId, clock.now())
      unwilling?.delete(connectorId)
    },
    learn: (connectorId, pauses) => learn(connectorId, { pauses }),
    over: (connectorId) => void liftedAt?.delete(connectorId),
    heard(connectorId, state) {
      if (state === 'SuspendedEVSE' && station.ledger.inForce(connectorId)?.limitW === 0) {
        learn(connectorId, { pauses: true })
      }
      if (state === 'SuspendedEV') (unwilling ??= new Set()).add(connectorId)
      else unwilling?.delete(connectorId)
      if (state !== 'Charging' || liftedAt?.delete(connectorId) !== true) return false
      learn(connectorId, { pauses: true, resumes: true })
      return true
    },
    isWaiting: () => liftedAt !== null && liftedAt.size > 0,
    look() {
      for (const [connectorId, since] of liftedAt ?? []) {
        if (clock.now() - since < RESUME_MS) continue
        liftedAt?.delete(connectorId)
        if (unwilling?.has(connectorId) === true) learn(connectorId, { resumes: false })
      }
    },
  }
}
