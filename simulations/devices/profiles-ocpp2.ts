import type { OCPP20 } from 'typed-ocpp'
import type { ChargePoint } from './charge-point.ts'
import { PURPOSES, type Reading, type WireProfile } from './messages-ocpp201.ts'
import type { Payload } from './ocpp-link.ts'
import { type DeviceHooks, limitInUnit, profileEnd, stamp } from './station.ts'

export type ProfilesParts = {
  readonly point: ChargePoint
  readonly hooks: DeviceHooks
  readonly transactionId: () => string | null
  /** A profile as the version spells it, or why it is refused. */
  readonly read: (wire: WireProfile, rateUnit: 'A' | 'W', now: number) => Reading
}

/** Setting, clearing and telling charging profiles, as 2.0.1 and 2.1 have it in common. */
export class ProfilesOcpp2 {
  readonly #parts: ProfilesParts

  constructor(parts: ProfilesParts) {
    this.#parts = parts
  }

  set({ evseId, chargingProfile }: OCPP20.SetChargingProfileRequest): Payload {
    const refuse = (reasonCode: string) => ({ status: 'Rejected', statusInfo: { reasonCode } })
    const { session, device } = this.#parts.point
    const profile = this.#parts.read(chargingProfile, device.rateUnit, this.#parts.hooks.now())
    if ('refusal' in profile) return refuse(profile.refusal)
    if (evseId > 1) return refuse('UnknownEvse') // FR.28
    if (profile.purpose === 'station-max' && evseId !== 0) return refuse('InvalidProfile')
    if (profile.purpose === 'tx') {
      const { transactionId } = chargingProfile
      if (evseId === 0 || transactionId === undefined) return refuse('InvalidProfile')
      // FR.09 and FR.33: no transaction, or another one.
      if (transactionId !== this.#parts.transactionId()) return refuse('TxNotFound')
    }
    if (this.#collides(profile.id, profile.purpose, profile.stackLevel)) {
      return refuse('DuplicateProfile') // FR.06, FR.39
    }
    this.#parts.point.stack.install(profile)
    if (profile.purpose === 'tx' && session !== null) {
      const now = this.#parts.hooks.now()
      this.#parts.hooks.setpoint({
        powerW: this.#parts.point.limitAt(now),
        validUntil: profileEnd(profile, now, session.departureAt),
      })
    }
    return { status: 'Accepted' }
  }

  /** Another id with the same purpose and level, whose time is not over. */
  #collides(id: number, purpose: string, stackLevel: number): boolean {
    const now = this.#parts.hooks.now()
    return this.#parts.point.stack.installed.some((other) => {
      if (other.id === id || other.purpose !== purpose || other.stackLevel !== stackLevel)
        return false
      return profileEnd(other, now, Number.POSITIVE_INFINITY) > now
    })
  }

  clear(payload: Payload): 'Accepted' | 'Unknown' {
    const { chargingProfileId, chargingProfileCriteria } =
      payload as OCPP20.ClearChargingProfileRequest
    const wire = chargingProfileCriteria?.chargingProfilePurpose
    const purpose = wire && (PURPOSES as Record<string, string | undefined>)[wire]
    const level = chargingProfileCriteria?.stackLevel
    const cleared = this.#parts.point.stack.clear((profile) => {
      if (chargingProfileId !== undefined) return profile.id === chargingProfileId
      if (wire !== undefined && profile.purpose !== purpose) return false
      return level === undefined || profile.stackLevel === level
    })
    return cleared > 0 ? 'Accepted' : 'Unknown'
  }

  composite(payload: Payload): Payload {
    const { evseId, duration, chargingRateUnit } =
      payload as unknown as OCPP20.GetCompositeScheduleRequest
    const { rateUnit, rating } = this.#parts.point.device
    if (evseId > 1 || duration <= 0 || (chargingRateUnit ?? rateUnit) !== rateUnit) {
      return { status: 'Rejected', statusInfo: { reasonCode: 'UnsupportedRateUnit' } } // K08.FR.07
    }
    const now = this.#parts.hooks.now()
    return {
      status: 'Accepted',
      schedule: {
        evseId,
        duration,
        scheduleStart: stamp(now),
        chargingRateUnit: rateUnit,
        chargingSchedulePeriod: this.#parts.point.scheduleFrom(now, duration).map((period) => ({
          startPeriod: period.startSeconds,
          limit: limitInUnit(period.limitW, rateUnit, rating.phases),
          numberPhases: rating.phases,
        })),
      },
    }
  }
}
