/** Taking limits back: by their ids, checked, with the default underneath them restored. */
import type { Resource } from '#domain/resource.ts'
import { unreachable } from './call-queue.ts'
import { installDefault, placeOf } from './default-profiles.ts'
import type { FlashLedger } from './flash-ledger.ts'
import {
  callOrRefuse,
  clear,
  connectorOf,
  refused,
  setpointKey,
  statusOf,
} from './profile-calls.ts'
import type { InForce } from './profile-ledger.ts'
import type { Order, Parts } from './profile-order.ts'
import { leftMs, PRIORITY } from './session-rules.ts'

/** The default itself, on level 0, stays as it is. */
function forgetLimits(flash: FlashLedger, connectorId: number): void {
  flash.forget('TxDefaultProfile', placeOf(connectorId, 1))
  for (const level of [0, 1]) flash.forget('TxProfile', placeOf(connectorId, level))
}

export async function release(parts: Parts, resource: Resource, deadlineMs: number): Promise<void> {
  const { context, dynamic, pause } = parts
  const { station, clock } = context
  const connectorId = connectorOf(resource)
  const inForce = station.ledger.inForce(connectorId)
  dynamic.forget(connectorId)
  if (inForce?.form.purpose === 'TxDefaultProfile' && inForce.form.stackLevel === 0) {
    await restoreDefault(parts, resource, deadlineMs)
  } else {
    await clearOurs(parts, connectorId, inForce, deadlineMs)
    forgetLimits(station.ledger.flash, connectorId)
  }
  const wasPaused = inForce?.limitW === 0
  station.ledger.changed(connectorId, null, clock.now())
  if (wasPaused) pause.lifted(connectorId)
}

async function clearOurs(
  { context, dialect }: Parts,
  connectorId: number,
  inForce: InForce | null,
  deadlineMs: number,
): Promise<void> {
  const { station, clock } = context
  const answer = await callOrRefuse(context, {
    action: 'ClearChargingProfile',
    payload: dialect.clearById(station.ledger.idsOf(connectorId).limitId),
    deadlineMs,
    priority: PRIORITY.setpoint,
    supersedeKey: setpointKey(connectorId),
  })
  const { text } = statusOf(answer)
  if (text === 'Accepted') return
  if (!text.startsWith('Unknown')) {
    throw refused(station.identity, `answered ClearChargingProfile with ${text}`)
  }
  // Unknown: it has expired, or went with its transaction. Else the station numbers it otherwise.
  const isGone =
    inForce === null ||
    inForce.setpoint.validUntil <= clock.now() ||
    station.transactions.running(connectorId)?.id !== inForce.transactionId
  if (isGone) return
  const { purpose, stackLevel } = inForce.form
  const payload = dialect.clearWhere(purpose, stackLevel, connectorId)
  await clear(context, payload, PRIORITY.setpoint, deadlineMs)
}

/** What was taken and not followed goes, and what others may have left above it, too. */
export async function clearDisobeyed(
  parts: Parts,
  { resource, connectorId }: Order,
  until: number,
): Promise<void> {
  const { context, dialect, dynamic } = parts
  const { ledger } = context.station
  dynamic.forget(connectorId)
  const before = ledger.inForce(connectorId)?.form
  if (before?.purpose === 'TxDefaultProfile' && before.stackLevel === 0) {
    await restoreDefault(parts, resource, leftMs(context, until))
  }
  const ours = dialect.clearById(ledger.idsOf(connectorId).limitId)
  // An old profile on a higher level wins for ever (Wallbox Pulsar Pro, evcc-io/evcc#31597).
  const all = dialect.clearWhere('TxProfile', null, connectorId)
  forgetLimits(ledger.flash, connectorId)
  for (const payload of [ours, all]) {
    await clear(context, payload, PRIORITY.setpoint, leftMs(context, until))
  }
}

async function restoreDefault(
  { context, dialect }: Parts,
  resource: Resource,
  deadlineMs: number,
): Promise<void> {
  const { station } = context
  const { quirks = null } = station.setUp ?? {}
  const form = station.ledger.forms(connectorOf(resource)).current
  const written = await installDefault(context, dialect, resource, { form, quirks }, deadlineMs)
  if (written === 'taken') return
  if (written === 'refused') throw refused(station.identity, 'did not take its default back')
  throw unreachable(station.identity, 'must not be given its default back yet')
}

/** Defaults that the station did not allow to be written one right after the other. */
export async function writeLater({ context, dialect }: Parts, deadlineMs: number): Promise<void> {
  const { setUp, resources } = context.station
  for (const connectorId of setUp?.later ?? []) {
    const resource = resources.get(connectorId)
    const written =
      setUp === null || resource === undefined
        ? 'refused'
        : await installDefault(context, dialect, resource, setUp, deadlineMs)
    if (written !== 'later') setUp?.later.delete(connectorId)
  }
}
