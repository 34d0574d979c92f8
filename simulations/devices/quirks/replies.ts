import type { Answer, Payload } from '../ocpp-link.ts'
import type { QuirkId } from './catalogue.ts'

/** An answer that the station makes instead of, or out of, what it would answer. */
export type Reply = (action: string, payload: Payload, usual: () => Answer) => Answer

/** A profile that was sent, as far as stations differ in what they make of it. */
type Sent = {
  readonly purpose: string
  readonly kind: string
  readonly stackLevel: number
  readonly unit: string
  readonly transactionId: unknown
}

const LEVEL_RULES = { B5: { told: 9, most: 5 }, B6: { told: 3, most: 0 } } as const
/** What some firmware keeps of a setting. */
const SETTING_LENGTH = 20
/** So often may a worn-out memory be written. */
const WRITES_MAX = 8

const REPLIES: Partial<Record<QuirkId, () => Reply>> = {
  A5: () => (action, payload, usual) =>
    action === 'SetChargingProfile' && sent(payload)?.transactionId === 0 ? accepted : usual(),
  A9: () => wrongForStation,
  B1: () => rejects(({ purpose }) => /^Charg(ePoint|ingStation)MaxProfile$/.test(purpose)),
  B2: () => timxon,
  B3: () => rejects(({ kind }) => kind === 'Relative'),
  B4: () => rejects(({ kind }) => kind !== 'Relative'),
  B5: () => levels(LEVEL_RULES.B5),
  B6: () => levels(LEVEL_RULES.B6),
  B7: () => (action, _payload, usual) =>
    action === 'SetChargingProfile'
      ? { error: 'NotSupported', why: 'Load balancer is disabled' }
      : usual(),
  B8: () => amperesOnly,
  B9: () => (action, _payload, usual) =>
    action === 'SetChargingProfile'
      ? { error: 'PropertyConstraintViolation', why: 'csChargingProfiles is required' }
      : usual(),
  D6: () => withoutPeriods,
  D7: () => shortSettings,
  worn: wornOut,
  refuses: () => rejects(() => true),
}

/** All that these quirks make of an answer; the first of them speaks first. */
export function replyOf(quirks: readonly QuirkId[]): Reply {
  const replies = quirks.flatMap((id) => REPLIES[id]?.() ?? [])
  return (action, payload, usual) =>
    replies.reduceRight<() => Answer>(
      (inner, reply) => () => reply(action, payload, inner),
      usual,
    )()
}

/** The profile of a SetChargingProfile of either version; null where there is none. */
function sent(payload: Payload): Sent | null {
  const profile = (payload.csChargingProfiles ?? payload.chargingProfile) as Payload | undefined
  if (profile === undefined) return null
  const schedules = [profile.chargingSchedule].flat() as Payload[]
  return {
    purpose: String(profile.chargingProfilePurpose),
    kind: String(profile.chargingProfileKind),
    stackLevel: Number(profile.stackLevel),
    unit: String(schedules[0]?.chargingRateUnit),
    transactionId: profile.transactionId,
  }
}

const accepted: Answer = { result: { status: 'Accepted' } }

/** A reason is said by 2.0.1 only; 1.6 has no field for it. */
function rejected(payload: Payload, reasonCode = 'InvalidProfile'): Answer {
  const isVersion16 = payload.csChargingProfiles !== undefined
  return { result: { status: 'Rejected', ...(isVersion16 ? {} : { statusInfo: { reasonCode } }) } }
}

function rejects(which: (profile: Sent) => boolean): Reply {
  return (action, payload, usual) => {
    const profile = action === 'SetChargingProfile' ? sent(payload) : null
    return profile !== null && which(profile) ? rejected(payload) : usual()
  }
}

function timxon(action: string, payload: Payload, usual: () => Answer): Answer {
  const profile = action === 'SetChargingProfile' ? sent(payload) : null
  if (profile === null) return usual()
  if (profile.kind === 'Absolute') return { silent: true }
  return profile.purpose === 'TxDefaultProfile' ? usual() : rejected(payload)
}

function levels({ told, most }: { told: number; most: number }): Reply {
  const refuse = rejects(({ stackLevel }) => stackLevel > most)
  return (action, payload, usual) => {
    const answer = refuse(action, payload, usual)
    return changeSetting(answer, /^(ChargeProfileMaxStackLevel|ProfileStackLevel)$/, () =>
      String(told),
    )
  }
}

function amperesOnly(action: string, payload: Payload, usual: () => Answer): Answer {
  const profile = action === 'SetChargingProfile' ? sent(payload) : null
  if (profile?.unit === 'W') return rejected(payload, 'UnsupportedRateUnit')
  return changeSetting(usual(), /^(ChargingScheduleAllowedChargingRateUnit|RateUnit)$/, (value) =>
    /^(A|W|A,W)$/.test(value) ? 'A,W' : 'Current,Power',
  )
}

/** Answers of GetConfiguration (1.6) and of GetVariables (2.x) with another value. */
function changeSetting(answer: Answer, which: RegExp, to: (value: string) => string): Answer {
  if (!('result' in answer)) return answer
  const { configurationKey, getVariableResult } = answer.result
  if (Array.isArray(configurationKey)) {
    const changed = (configurationKey as Payload[]).map((one) =>
      which.test(String(one.key)) ? { ...one, value: to(String(one.value)) } : one,
    )
    return { result: { ...answer.result, configurationKey: changed } }
  }
  if (!Array.isArray(getVariableResult)) return answer
  const changed = (getVariableResult as Payload[]).map((one) =>
    which.test(String((one.variable as Payload).name)) && one.attributeValue !== undefined
      ? { ...one, attributeValue: to(String(one.attributeValue)) }
      : one,
  )
  return { result: { ...answer.result, getVariableResult: changed } }
}

function shortSettings(_action: string, _payload: Payload, usual: () => Answer): Answer {
  return changeSetting(usual(), /./, (value) => value.slice(0, SETTING_LENGTH))
}

/** The schedule of an answer to GetCompositeSchedule, changed. */
function changeSchedule(answer: Answer, change: (schedule: Payload) => Payload): Answer {
  if (!('result' in answer)) return answer
  for (const field of ['chargingSchedule', 'schedule']) {
    const schedule = answer.result[field] as Payload | undefined
    if (schedule !== undefined) return { result: { ...answer.result, [field]: change(schedule) } }
  }
  return answer
}

function withoutPeriods(action: string, _payload: Payload, usual: () => Answer): Answer {
  if (action !== 'GetCompositeSchedule') return usual()
  return changeSchedule(usual(), (schedule) => ({ ...schedule, chargingSchedulePeriod: [] }))
}

function wrongForStation(action: string, payload: Payload, usual: () => Answer): Answer {
  const isStation = (payload.connectorId ?? payload.evseId) === 0
  if (action !== 'GetCompositeSchedule' || !isStation) return usual()
  const chargingSchedulePeriod = [{ startPeriod: 0, limit: 1 }]
  return changeSchedule(usual(), (schedule) => ({ ...schedule, chargingSchedulePeriod }))
}

function wornOut(): Reply {
  let writes = 0
  return (action, payload, usual) => {
    if (action !== 'SetChargingProfile') return usual()
    writes += 1
    return writes > WRITES_MAX ? rejected(payload, 'InternalError') : usual()
  }
}
