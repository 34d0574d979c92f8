import { type DesiredSetpoint, isRenewed } from '#domain/dispatch-instruction.ts'
import { standingAt } from '#domain/emergency-stop.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { type Permission, permit } from '#domain/permission.ts'
import type { Move } from '#domain/step-limit.ts'
import type { Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { disarm } from './order-armings.ts'
import { deviceFacts, type KnownDevice, type KnownDevices } from './device-facts.ts'
import { changeOf, firstStep, paceSetpoints } from './pace-setpoints.ts'

export type NewSetpoint = Omit<DesiredSetpoint, 'version'>

/**
 * The only way to a setpoint: whatever a call wants of its devices passes here, and is written as
 * far as owners, the law and whoever is stronger than the call allow. A device that may not be told
 * what is wanted goes back to its default. What stands already is not written again. Returns how
 * many rows were written, and how many devices are told to move.
 */
export async function orderSetpoints(
  tx: StoreTransaction,
  call: FlexibilityCall,
  wanted: readonly NewSetpoint[],
  now: Instant,
  known: KnownDevices = new Map(),
): Promise<{ written: number; told: number }> {
  const devices = await asTheyAre(tx, call, await withMissing(tx, call, wanted, now, known))
  const moves: (Move & { readonly next: NewSetpoint })[] = []
  let standing = 0
  for (const one of wanted) {
    const device = devices.get(one.resourceId)
    if (device === undefined) throw new Error(`${one.resourceId} is no candidate of ${call.id}`)
    const next = one.powerW === null ? one : allowed(call, one, device, now)
    const { row } = device.facts
    const isTheirs = row !== null && row.callId !== call.id
    // Of another call's setpoint nothing is taken back.
    if (next.powerW === null && (row === null || row.powerW === null || isTheirs)) continue
    if (isRenewed(row, next, call.program.controlCycleSeconds, now)) {
      const changeW = changeOf(device, next.powerW, now)
      moves.push({ next, changeW, mayWait: next.powerW !== null })
    } else if (next.powerW !== null) standing++
  }
  const rows = (await paceSetpoints(tx, call, moves, now)).map(({ next }) => next)
  if (rows.length > 0) await tx.setpoints.order(rows)
  const told = standing + rows.filter(({ powerW }) => powerW !== null).length
  return { written: rows.length, told }
}

/** Whether a device may be told what its part of a call asks for. */
export function permissionFor(
  { program, request }: FlexibilityCall,
  { callId, powerW, validUntil }: NewSetpoint & { readonly powerW: number },
  { facts, drawsW }: KnownDevice,
  now: Instant,
): Permission {
  const { direction } = request
  return permit({ callId, direction, powerW, validUntil, drawsW }, facts, program, now)
}

function allowed(
  call: FlexibilityCall,
  wanted: NewSetpoint,
  device: KnownDevice,
  now: Instant,
): NewSetpoint {
  if (wanted.powerW === null) return wanted
  const found = permissionFor(call, { ...wanted, powerW: wanted.powerW }, device, now)
  if (found.kind === 'refused') return backToDefault(call, wanted.resourceId, now)
  const powerW = firstStep(device, found.powerW, call.program, now)
  return { ...wanted, powerW, validUntil: found.validUntil }
}

async function withMissing(
  tx: StoreTransaction,
  call: FlexibilityCall,
  wanted: readonly NewSetpoint[],
  now: Instant,
  known: KnownDevices,
): Promise<KnownDevices> {
  const missing = wanted.map(({ resourceId }) => resourceId).filter((id) => !known.has(id))
  if (missing.length === 0) return known
  return new Map([...known, ...(await deviceFacts(tx, call, missing, now))])
}

/**
 * Stops and withdrawals are read once more under the lock that they take too: what comes before
 * this transaction's end has been seen by it, and what comes later finds its rows.
 */
async function asTheyAre(
  tx: StoreTransaction,
  { request }: FlexibilityCall,
  devices: KnownDevices,
): Promise<KnownDevices> {
  await tx.control.lock([request.congestionPointId])
  const stop = standingAt(await tx.control.stops(), request.congestionPointId)
  const limits = await tx.control.limits([...devices.keys()])
  const owners = new Map(limits.map((one) => [one.resourceId, one]))
  return new Map(
    [...devices].map(([id, { facts, drawsW }]) => {
      const owner = owners.get(id) ?? facts.owner
      return [id, { facts: { ...facts, stop, owner }, drawsW }]
    }),
  )
}

/**
 * Sends devices back to their default that hold a setpoint or a droop curve, whichever call it is
 * of. Returns how many they are.
 */
export async function letGoOf(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  now: Instant,
): Promise<number> {
  const held = (await tx.setpoints.current(ids)).filter(({ powerW }) => powerW !== null)
  const rows = held.map(({ resourceId, callId }) => backToDefault({ id: callId }, resourceId, now))
  if (rows.length > 0) await tx.setpoints.order(rows)
  const armed = await disarm(tx, ids, now)
  return new Set([...armed, ...rows.map(({ resourceId }) => resourceId)]).size
}

/** The row that sends a device back to its own default. */
export function backToDefault(
  call: Pick<FlexibilityCall, 'id'>,
  resourceId: ResourceId,
  now: Instant,
): NewSetpoint {
  const row = { resourceId, callId: call.id, powerW: null, validFrom: now, orderedAt: now }
  return { ...row, validUntil: now }
}
