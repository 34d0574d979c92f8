import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Acknowledgement, EffectiveSetpoint } from '#ports.ts'
import { unreachable } from './call-queue.ts'
import {
  clearForeign,
  installDefault,
  installStationMax,
  type Written,
  writeOnce,
} from './default-profiles.ts'
import { createDynamicProfiles } from './dynamic-profiles.ts'
import { createElsewhere } from './elsewhere.ts'
import { nameOf, type ProfileForm } from './forms.ts'
import {
  clear,
  connectorOf,
  type ProfileDialect,
  refused,
  setProfile,
  type Status,
  TOO_SOON,
} from './profile-calls.ts'
import type { InForce } from './profile-ledger.ts'
import { createPauseRecord } from './pause-record.ts'
import { givenW, heldW, type Order, type Parts, pausesAt, profileOf } from './profile-order.ts'
import { clearDisobeyed, release, writeLater } from './profile-release.ts'
import type { QuirkProfile } from './quirks.ts'
import { readBack } from './read-back.ts'
import { PRIORITY, waitUntilHeard } from './session-rules.ts'
import type { Session, SessionContext } from './station.ts'
import type { Transaction } from './transactions.ts'

/** A form that was not answered for so long is passed over. */
const SILENCE_MS = 1_000
/** So many silent ones fit into the time for an order. */
const ATTEMPTS = 3
const RESEND_DEADLINE_MS = 10_000
const LEAST = '6 A at least'

/** What a composite schedule said last. */
type Told = { readonly effective: EffectiveSetpoint; readonly at: Instant }

type Known = { readonly form: ProfileForm; readonly quirks: QuirkProfile | null }

export type ProfileControl = Pick<
  Session,
  'limit' | 'leastInstead' | 'release' | 'readBack' | 'heardState' | 'tend'
> & {
  /** Writes the default under everything else. */
  installDefault(resource: Resource, known: Known, deadlineMs: number): Promise<Written>
  installStationMax(form: ProfileForm, deadlineMs: number): Promise<Written>
  /** Clears what other systems left, up to the highest stack level; answers do not matter. */
  clearForeign(levelMax: number | null, form: ProfileForm, deadlineMs: number): Promise<void>
}

/** Sets, clears and reads charging profiles on one connection. */
export function createProfileControl(
  context: SessionContext,
  dialect: ProfileDialect,
): ProfileControl {
  const dynamic = createDynamicProfiles(context, dialect)
  const elsewhere = createElsewhere(context, dialect)
  const parts: Parts = { context, dialect, dynamic, pause: createPauseRecord(context) }
  const told = new Map<number, Told>()
  return {
    installDefault: (resource, known, deadlineMs) =>
      installDefault(context, dialect, resource, known, deadlineMs),
    installStationMax: (form, deadlineMs) => installStationMax(context, dialect, form, deadlineMs),
    clearForeign: (levelMax, form, deadlineMs) =>
      clearForeign(context, dialect, levelMax, form, deadlineMs),
    limit: (resource, setpoint, powerW, deadlineMs) =>
      limit(parts, resource, { setpoint, powerW }, deadlineMs),
    leastInstead: (resource) => leastInstead(parts, resource, told.get(connectorOf(resource))),
    release: (resource, deadlineMs) => release(parts, resource, deadlineMs),
    async readBack(resource, deadlineMs) {
      const said = await readBack(context, dialect, resource, deadlineMs)
      if (said.by !== 'composite') return said.effective
      elsewhere.saw(resource, said.effective)
      told.set(connectorOf(resource), { effective: said.effective, at: context.clock.now() })
      return said.effective
    },
    heardState(connectorId, state) {
      if (parts.pause.heard(connectorId, state)) sendAgain(parts, connectorId)
    },
    async tend(deadlineMs) {
      await dynamic.renew(deadlineMs)
      await writeLater(parts, deadlineMs)
      await elsewhere.look(deadlineMs)
      parts.pause.look()
    },
  }
}

/** Tries the forms of profile that stations differ in, and remembers the one that was accepted. */
async function limit(
  parts: Parts,
  resource: Resource,
  { setpoint, powerW }: Pick<Order, 'setpoint' | 'powerW'>,
  deadlineMs: number,
): Promise<Acknowledgement> {
  const { station, timer, log } = parts.context
  const { identity } = station
  const until = timer.monotonicMs() + deadlineMs
  const connectorId = connectorOf(resource)
  if (station.conditions.overridden.has(connectorId)) {
    throw refused(identity, 'charges at full power by the wish of its driver (priority charging)')
  }
  const transaction =
    station.transactions.running(connectorId) ??
    (await transactionHeardOf(parts.context, connectorId, deadlineMs))
  const atLeastW = heldW(station, resource, powerW)
  const order: Order = { resource, connectorId, setpoint, powerW: atLeastW, transaction }
  const choice = station.ledger.forms(connectorId)
  const remainingMs = (): number => {
    const left = Math.ceil(until - timer.monotonicMs())
    if (left <= 0) throw unreachable(identity, 'no time left for another profile')
    return left
  }
  if (station.ledger.takeDisobeyed(connectorId)) await clearDisobeyed(parts, order, remainingMs)
  let last = 'nothing'
  let hasCleared = false
  for (let form: ProfileForm | null = choice.current; form !== null; ) {
    const share = Math.max(SILENCE_MS, deadlineMs / ATTEMPTS)
    const status = await give(parts, order, form, Math.min(remainingMs(), Math.ceil(share)))
    if (status === 'silent') {
      if (remainingMs() < SILENCE_MS) throw unreachable(identity, 'no answer, no time for more')
      form = choice.current
      continue
    }
    if (status.accepted) {
      const again = accepted(parts, order, form)
      for (let i = 0; i < again; i += 1) await give(parts, order, form, remainingMs())
      if (atLeastW === powerW) return { strategy: nameOf(form) }
      return { strategy: `${nameOf(form)}, ${LEAST}`, atLeastW }
    }
    if (status.isTooSoon) {
      // What was taken before waits for its time. After refusals it is one more that is not taken.
      if (last === 'nothing') throw unreachable(identity, 'takes no other profile yet')
      form = choice.passOver(form, 'too soon')
      continue
    }
    last = status.text
    log.warn('a charging profile was refused', { identity, form: nameOf(form), status: last })
    if (!status.worthAnotherTry) break
    if (status.isDuplicate && !hasCleared) {
      // 2.0.1 (K01.FR.39): another system's profile stands on our level and is not replaced.
      const payload = parts.dialect.clearWhere(form.purpose, form.stackLevel)
      await clear(parts.context, payload, PRIORITY.setpoint, remainingMs())
      hasCleared = true
    } else {
      form = choice.passOver(status.refused ?? form, 'refused')
    }
  }
  const advice = station.setUp?.quirks?.advice
  const hint = advice === undefined ? '' : `: ${advice}`
  throw refused(identity, `answered SetChargingProfile with ${last}${hint}`)
}

/** One attempt in one form. Silence is held against the form, if the connection stands. */
async function give(
  parts: Parts,
  order: Order,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Status | 'silent'> {
  const { context, dialect, dynamic } = parts
  const { station, timer, clock } = context
  const begun = timer.monotonicMs()
  try {
    const isLater = order.setpoint.validFrom > clock.now()
    if (form.kind === 'Dynamic' && !isLater) return await dynamic.set(order, form, deadlineMs)
    // A Dynamic profile holds from now on: what begins later is Absolute.
    const kind = form.kind === 'Dynamic' ? 'Absolute' : form.kind
    const profile = profileOf(context, order, { ...form, kind })
    const isFlash =
      profile.purpose !== 'TxProfile' || station.setUp?.abilities.persistsTxProfiles === true
    if (!isFlash) {
      return await setProfile(context, dialect, order.connectorId, profile, deadlineMs)
    }
    const status = await writeOnce(context, dialect, order.connectorId, profile, deadlineMs)
    if (status !== 'later') return status
    // A pace that the station names may be longer than a window; our own is soon over.
    if (station.setUp?.abilities.updateEverySeconds != null) return TOO_SOON
    throw unreachable(station.identity, `must not be given another ${profile.purpose} yet`)
  } catch (error) {
    const wasSilent = timer.monotonicMs() - begun >= Math.max(SILENCE_MS, deadlineMs - 50)
    const isSilence = error instanceof DomainError && error.code === 'device-unreachable'
    if (!isSilence || !wasSilent || !context.isLive()) throw error
    station.ledger.forms(order.connectorId).passOver({ kind: form.kind }, 'silent')
    return 'silent'
  }
}

/** Keeps in mind what stands there now; how often it has to be given again. */
function accepted(parts: Parts, order: Order, form: ProfileForm): number {
  const { context, pause } = parts
  const { station, clock } = context
  const { connectorId, setpoint, transaction } = order
  const wasPaused = station.ledger.inForce(connectorId)?.limitW === 0
  const limitW = givenW(context, order, form)
  const inForce: InForce = { form, setpoint, limitW, transactionId: transaction.id }
  station.ledger.changed(connectorId, inForce, clock.now())
  pause.over(connectorId)
  if (!wasPaused || limitW === 0) return 0
  pause.lifted(connectorId)
  return (station.setUp?.quirks?.timesAfterPause ?? 1) - 1
}

/**
 * The car charges again after a pause: some stations have forgotten the limit by then and charge
 * without any until they get the next one (go-e, goecharger/go-eCharger-API-v2#155).
 */
function sendAgain(parts: Parts, connectorId: number): void {
  const { station, log, clock } = parts.context
  const resource = station.resources.get(connectorId)
  const inForce = station.ledger.inForce(connectorId)
  if (resource === undefined || inForce === null) return
  const { setpoint, form } = inForce
  const transaction = station.transactions.running(connectorId)
  const { powerW, validUntil } = setpoint
  const isOver = powerW === null || validUntil <= clock.now()
  if (isOver || transaction === null || form.purpose !== 'TxProfile') return
  const heldAtW = heldW(parts.context.station, resource, powerW)
  const order = { resource, connectorId, setpoint, powerW: heldAtW, transaction }
  give(parts, order, form, RESEND_DEADLINE_MS).catch((error: unknown) => {
    const { identity } = station
    log.warn('a limit could not be sent again', { identity, error: String(error) })
  })
}

/**
 * A limit of 0 that was taken and is not followed, where the station does not say by itself that
 * something else is in force (that would be another's profile, or a form that it ignores). What does
 * not follow its least, either, has shown nothing about pauses.
 */
function leastInstead(
  { context, pause }: Parts,
  resource: Resource,
  told: Told | undefined,
): string | null {
  const { ledger, setUp } = context.station
  const connectorId = connectorOf(resource)
  const inForce = ledger.inForce(connectorId)
  if (inForce === null || setUp === null || !resource.rating.pausable) return null
  if (!pausesAt(context.station, connectorId)) {
    if (setUp.quirks?.pauses !== false) pause.learn(connectorId, null)
    return null
  }
  if (inForce.limitW !== 0) return null
  const isNews = told !== undefined && told.at >= (ledger.changedAt(connectorId) ?? told.at)
  const isZero = told?.effective.kind === 'limited' && told.effective.powerW === 0
  if (isNews && !isZero) return null
  pause.learn(connectorId, false)
  return LEAST
}

/** A limit stands on a transaction. Where nothing was heard of one yet, a little patience. */
async function transactionHeardOf(
  context: SessionContext,
  connectorId: number,
  deadlineMs: number,
): Promise<Transaction> {
  const { transactions, identity } = context.station
  await waitUntilHeard(context, connectorId, deadlineMs)
  const heard = transactions.running(connectorId)
  if (heard !== null) return heard
  throw refused(identity, `has no transaction running at ${connectorId}`)
}
