/** Giving a limit: the forms of profile that stations differ in, one after the other. */
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Acknowledgement, EffectiveSetpoint } from '#ports.ts'
import { unreachable } from './call-queue.ts'
import { isOverridden } from './conditions.ts'
import { writeOnce } from './default-profiles.ts'
import { nameOf, type ProfileForm } from './forms.ts'
import { clear, connectorOf, refused, setProfile, type Status, TOO_SOON } from './profile-calls.ts'
import type { InForce } from './profile-ledger.ts'
import { givenW, heldW, type Order, type Parts, pausesAt, profileOf } from './profile-order.ts'
import { clearDisobeyed } from './profile-release.ts'
import { leftMs, PRIORITY, waitUntilHeard } from './session-rules.ts'
import type { SessionContext } from './station.ts'
import type { Transaction } from './transactions.ts'

/** A form that was not answered for so long is passed over. */
const SILENCE_MS = 1_000
/** So many silent ones fit into the time for an order. */
const ATTEMPTS = 3
const RESEND_DEADLINE_MS = 10_000
const LEAST = '6 A at least'

/** What a composite schedule said last. */
export type Told = { readonly effective: EffectiveSetpoint; readonly at: Instant }

/** What became of the forms that were tried for one order. */
type Tries = {
  readonly order: Order
  /** By the monotonic clock, when the order's time is over. */
  readonly until: number
  /** The last refusal; null: none so far. */
  refusal: string | null
  hasCleared: boolean
}

/** Tries one form after the other, and remembers the one that was accepted. */
export async function limit(
  parts: Parts,
  resource: Resource,
  { setpoint, powerW }: Pick<Order, 'setpoint' | 'powerW'>,
  deadlineMs: number,
): Promise<Acknowledgement> {
  const { context } = parts
  const { station, timer } = context
  const until = timer.monotonicMs() + deadlineMs
  const connectorId = connectorOf(resource)
  if (isOverridden(station, connectorId)) {
    const why = 'charges at full power by the wish of its driver (priority charging)'
    throw refused(station.identity, why)
  }
  const transaction =
    station.transactions.running(connectorId) ??
    (await transactionHeardOf(context, connectorId, deadlineMs))
  const atLeastW = heldW(station, resource, powerW)
  const order: Order = { resource, connectorId, setpoint, powerW: atLeastW, transaction }
  if (station.ledger.takeDisobeyed(connectorId)) await clearDisobeyed(parts, order, until)
  const tries: Tries = { order, until, refusal: null, hasCleared: false }
  const shareMs = Math.ceil(Math.max(SILENCE_MS, deadlineMs / ATTEMPTS))
  let form = station.ledger.forms(connectorId).current
  for (;;) {
    const status = await give(parts, order, form, Math.min(leftMs(context, until), shareMs))
    if (status !== 'silent' && status.accepted) break
    form = await otherForm(parts, tries, form, status)
  }
  const again = accepted(parts, order, form)
  for (let i = 0; i < again; i += 1) await give(parts, order, form, leftMs(context, until))
  if (atLeastW === powerW) return { strategy: nameOf(form) }
  return { strategy: `${nameOf(form)}, ${LEAST}`, atLeastW }
}

/** The next one to try. @throws DomainError device-refused, device-unreachable: there is none */
async function otherForm(
  { context, dialect }: Parts,
  tries: Tries,
  form: ProfileForm,
  status: Status | 'silent',
): Promise<ProfileForm> {
  const { station, log } = context
  const { identity } = station
  const choice = station.ledger.forms(tries.order.connectorId)
  if (status === 'silent') {
    if (leftMs(context, tries.until) >= SILENCE_MS) return choice.current
    throw unreachable(identity, 'no answer, no time for more')
  }
  let next: ProfileForm | null = null
  if (status.isTooSoon) {
    // What was taken before waits for its time. After refusals it is one more that is not taken.
    if (tries.refusal === null) throw unreachable(identity, 'takes no other profile yet')
    next = choice.passOver(form, 'too soon')
  } else {
    tries.refusal = status.text
    log.warn('a charging profile was refused', {
      identity,
      form: nameOf(form),
      status: status.text,
    })
    if (status.isDuplicate && status.worthAnotherTry && !tries.hasCleared) {
      // 2.0.1 (K01.FR.39): another system's profile stands on our level and is not replaced.
      const payload = dialect.clearWhere(form.purpose, form.stackLevel)
      await clear(context, payload, PRIORITY.setpoint, leftMs(context, tries.until))
      tries.hasCleared = true
      return form
    }
    if (status.worthAnotherTry) next = choice.passOver(status.refused ?? form, 'refused')
  }
  if (next !== null) return next
  const advice = station.setUp?.quirks?.advice
  const hint = advice === undefined ? '' : `: ${advice}`
  throw refused(identity, `answered SetChargingProfile with ${tries.refusal}${hint}`)
}

/**
 * One attempt in one form. Silence is held against the form, if the connection stands. Like what it
 * calls it is not async: thousands of orders wait at a time, each of them for as little as possible.
 * @throws DomainError device-refused at once, for what no profile can say
 */
function give(
  parts: Parts,
  order: Order,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Status | 'silent'> {
  const { station, timer, isLive } = parts.context
  const begun = timer.monotonicMs()
  return send(parts, order, form, deadlineMs).catch((error: unknown) => {
    const wasSilent = timer.monotonicMs() - begun >= Math.max(SILENCE_MS, deadlineMs - 50)
    const isSilence = error instanceof DomainError && error.code === 'device-unreachable'
    if (!isSilence || !wasSilent || !isLive()) throw error
    station.ledger.forms(order.connectorId).passOver({ kind: form.kind }, 'silent')
    return 'silent'
  })
}

function send(
  { context, dialect, dynamic }: Parts,
  order: Order,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Status> {
  const { station, clock } = context
  const isLater = order.setpoint.validFrom > clock.now()
  if (form.kind === 'Dynamic' && !isLater) return dynamic.set(order, form, deadlineMs)
  // A Dynamic profile holds from now on: what begins later is Absolute.
  const profile = profileOf(
    context,
    order,
    form.kind === 'Dynamic' ? { ...form, kind: 'Absolute' } : form,
  )
  const { purpose } = profile
  if (purpose === 'TxProfile' && station.setUp?.abilities.persistsTxProfiles !== true) {
    return setProfile(context, dialect, order.connectorId, profile, deadlineMs)
  }
  return writeInTime(context, dialect, order.connectorId, { ...profile, purpose }, deadlineMs)
}

/** Into the station's flash, where its pace allows. */
async function writeInTime(
  ...[context, dialect, connectorId, profile, deadlineMs]: Parameters<typeof writeOnce>
): Promise<Status> {
  const { setUp, identity } = context.station
  const status = await writeOnce(context, dialect, connectorId, profile, deadlineMs)
  if (status !== 'later') return status
  // A pace that the station names may be longer than a window; our own is soon over.
  if (setUp?.abilities.updateEverySeconds != null) return TOO_SOON
  throw unreachable(identity, `must not be given another ${profile.purpose} yet`)
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
export function sendAgain(parts: Parts, connectorId: number): void {
  const { station, log, clock } = parts.context
  const resource = station.resources.get(connectorId)
  const inForce = station.ledger.inForce(connectorId)
  if (resource === undefined || inForce === null) return
  const { setpoint, form } = inForce
  // A newer one is on its way to the station: the old one must not come after it.
  if (station.ledger.wanted(connectorId)?.version !== setpoint.version) return
  const transaction = station.transactions.running(connectorId)
  const { powerW, validUntil } = setpoint
  const isOver = powerW === null || validUntil <= clock.now()
  if (isOver || transaction === null || form.purpose !== 'TxProfile') return
  const heldAtW = heldW(parts.context.station, resource, powerW)
  const order = { resource, connectorId, setpoint, powerW: heldAtW, transaction }
  const again = async () => await give(parts, order, form, RESEND_DEADLINE_MS)
  again().catch((error: unknown) => {
    const { identity } = station
    log.warn('a limit could not be sent again', { identity, error: String(error) })
  })
}

/**
 * A limit of 0 that was taken and is not followed, where the station does not say by itself that
 * something else is in force (that would be another's profile, or a form that it ignores). What does
 * not follow its least, either, has shown nothing about pauses.
 */
export function leastInstead(
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
