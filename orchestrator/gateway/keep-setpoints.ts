import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import type { GatewayPorts } from '#ports.ts'
import { applySetpoint } from './apply-setpoint.ts'
import type { Attached } from './attachments.ts'
import { knownTerms } from './call-terms.ts'
import { createHeldSetpoints } from './held-setpoints.ts'
import { createLooks } from './looks.ts'
import { observeSetpoints } from './observe-setpoints.ts'

/** Brings each device that this gateway holds to its newest desired row. */
export function keepSetpoints(ports: GatewayPorts, attached: ReadonlyMap<ResourceId, Attached>) {
  const { log } = ports
  const terms = knownTerms(ports.store)
  const observer = observeSetpoints(ports, terms, attached)
  const held = createHeldSetpoints()
  const newest = new Map<ResourceId, number>()
  const busy = new Map<ResourceId, Promise<void>>()
  const looks = createLooks(applyAll, 'applying setpoints', log)
  let isStopping = false

  async function applyAll(): Promise<void> {
    const rows = await rowsHeld(ports, attached)
    for (const { resourceId, version } of rows) newest.set(resourceId, version)
    for (const row of rows) if (held.find(row) === null) apply(row)
    const missed = await observer.look(rows, (row) => held.find(row)?.since ?? null)
    for (const row of missed) tryNextForm(row)
  }

  function apply(row: SetpointRow): void {
    const device = attached.get(row.resourceId)
    if (!device || busy.has(row.resourceId)) return
    busy.set(row.resourceId, make(device, row))
  }

  async function make(device: Attached, row: SetpointRow): Promise<void> {
    const { resourceId, version } = row
    const hold = held.begin(row)
    const isWanted = () => !isStopping && newest.get(resourceId) === version
    try {
      const call = await terms.of(row.callId)
      const done = await applySetpoint(ports, { ...device, row, terms: call, isWanted })
      if (done.kind === 'unreached') return
      // At its least it does all it can: the next row asks for no more than that.
      hold({ since: done.since, isLast: done.isLeast })
      looks.wake() // a newer row may have come meanwhile
    } catch (error) {
      log.error('a setpoint was not recorded', { resourceId, error: String(error) })
    } finally {
      busy.delete(resourceId)
    }
  }

  /** It took its setpoint and its meter says otherwise: once more, in another form. */
  function tryNextForm(row: SetpointRow): void {
    const { resourceId } = row
    const driver = attached.get(resourceId)?.driver
    if (!driver || held.find(row)?.isLast !== false) return
    // Looked at again when what is under way is over.
    if (busy.has(resourceId)) return void observer.heard([row])
    const next = driver.nextStrategy(resourceId)
    log.warn('a device does not follow its setpoint', { resourceId, next })
    if (next === null) held.isLast(row)
    else apply(row)
  }

  return {
    wake: looks.wake,
    /** Readings were stored: they may show what a setpoint has done. */
    heard(readings: readonly DeviceReading[]): void {
      if (observer.heard(readings)) looks.wake()
    },
    /** A new connection: what stands on the device has to be made true again. */
    forget: held.forget,
    async stop(): Promise<void> {
      isStopping = true
      await looks.stop()
      await Promise.all(busy.values())
    },
  }
}

/** Who holds a device is read together with its row: nobody acts on what he has lost. */
async function rowsHeld(
  { store, gateway }: GatewayPorts,
  attached: ReadonlyMap<ResourceId, Attached>,
): Promise<SetpointRow[]> {
  return store.transaction(async (tx) => {
    const owners = await tx.gateways.owners({ gatewayId: gateway.id })
    const mine = owners.filter(({ resourceId, isHeld }) => isHeld && attached.has(resourceId))
    return tx.setpoints.current(mine.map(({ resourceId }) => resourceId))
  })
}
