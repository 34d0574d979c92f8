import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import type { Instant } from '#domain/time.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import { applySetpoint } from './apply-setpoint.ts'
import { knownTerms } from './call-terms.ts'
import type { Attached } from './attachments.ts'
import { observeSetpoints } from './observe-setpoints.ts'

/** What was last made true on the connection that stands now. */
type Held = {
  readonly version: number
  /** When the device took it in the form that stands; null: it did not, or it is over. */
  readonly since: Instant | null
  /** The driver knows no other form. */
  readonly isLast: boolean
}

/** Brings each device that this gateway holds to its newest desired row. */
export function keepSetpoints(ports: GatewayPorts, attached: ReadonlyMap<ResourceId, Attached>) {
  const { store, log, gateway } = ports
  const terms = knownTerms(store)
  const observer = observeSetpoints(ports, terms, attached)
  const held = new Map<ResourceId, Held>()
  const newest = new Map<ResourceId, number>()
  /** Counts connections: what was made true on an earlier one says nothing of this one. */
  const connections = new Map<ResourceId, number>()
  const busy = new Map<ResourceId, Promise<void>>()
  const stopping = new AbortController()

  /** Who holds a device is read together with its row: nobody acts on what he has lost. */
  async function rowsHeld(): Promise<SetpointRow[]> {
    return store.transaction(async (tx) => {
      const owners = await tx.gateways.owners({ gatewayId: gateway.id })
      const mine = owners.filter(({ resourceId, isHeld }) => isHeld && attached.has(resourceId))
      return tx.setpoints.current(mine.map(({ resourceId }) => resourceId))
    })
  }

  async function applyAll(): Promise<void> {
    const rows = await rowsHeld()
    for (const { resourceId, version } of rows) newest.set(resourceId, version)
    for (const row of rows) {
      if (held.get(row.resourceId)?.version !== row.version) apply(row)
    }
    const missed = await observer.look(rows, ({ resourceId, version }) => {
      const known = held.get(resourceId)
      return known?.version === version ? known.since : null
    })
    for (const row of missed) tryNextForm(row)
  }

  function apply(row: SetpointRow): void {
    const { resourceId, version } = row
    const device = attached.get(resourceId)
    if (!device || busy.has(resourceId)) return
    const connection = connections.get(resourceId)
    const work = make(device.driver, device.resource, row).then(
      (done) => {
        busy.delete(resourceId)
        if (done.kind === 'unreached') return
        if (connections.get(resourceId) === connection) {
          // At its least it does all it can: the next row asks for no more than that.
          held.set(resourceId, { version, since: done.since, isLast: done.isLeast })
        }
        wake() // a newer row may have come meanwhile
      },
      (error: unknown) => {
        busy.delete(resourceId)
        log.error('a setpoint was not recorded', { resourceId, error: String(error) })
      },
    )
    busy.set(resourceId, work)
  }

  async function make(driver: DeviceDriver, resource: Resource, row: SetpointRow) {
    const { resourceId, version } = row
    const isWanted = () => !stopping.signal.aborted && newest.get(resourceId) === version
    const call = await terms.of(row.callId)
    return await applySetpoint(ports, { driver, resource, row, terms: call, isWanted })
  }

  /** It took its setpoint and its meter says otherwise: once more, in another form. */
  function tryNextForm(row: SetpointRow): void {
    const { resourceId } = row
    const known = held.get(resourceId)
    const driver = attached.get(resourceId)?.driver
    if (!driver || known?.version !== row.version || known.isLast) return
    if (busy.has(resourceId)) {
      observer.heard([row]) // looked at again when that is over
      return
    }
    const next = driver.nextStrategy(resourceId)
    log.warn('a device does not follow its setpoint', { resourceId, next })
    if (next === null) held.set(resourceId, { ...known, isLast: true })
    else apply(row)
  }

  let running: Promise<void> | null = null
  let again = false
  function wake(): void {
    again = true
    if (running || stopping.signal.aborted) return
    running = applyWhileAsked().finally(() => {
      running = null
    })
  }

  async function applyWhileAsked(): Promise<void> {
    while (again && !stopping.signal.aborted) {
      again = false
      try {
        await applyAll()
      } catch (error) {
        log.error('applying setpoints failed', { error: String(error) })
      }
    }
  }

  return {
    /** Looks at the rows now, or again as soon as the look that runs is over. */
    wake,
    /** Readings were stored: they may show what a setpoint has done. */
    heard(readings: readonly DeviceReading[]): void {
      if (observer.heard(readings)) wake()
    },
    /** A new connection: what stands on the device has to be made true again. */
    forget(resourceId: ResourceId): void {
      connections.set(resourceId, (connections.get(resourceId) ?? 0) + 1)
      held.delete(resourceId)
    },
    async stop(): Promise<void> {
      stopping.abort()
      await running
      await Promise.all(busy.values())
    },
  }
}
