import type { Clock, DeviceDriver, Log, Timer } from '#ports.ts'
import { assert, DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { BatteryLink, type Doors } from './battery-link.ts'
import { type ClientCertificate, type ClientPki, openClientPki } from './certificates.ts'
import { reasonOf } from './endpoint.ts'
import { Discovery } from './discovery.ts'
import { loadOpcua, type Opcua } from './library.ts'
import { Turnstiles } from './turnstile.ts'

export type OpcuaDriverOptions = {
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  /** Our key and certificate, and the certificates we trust. */
  readonly pkiFolder: string
  readonly meteringIntervalSeconds: number
}

export type OpcuaDriver = DeviceDriver &
  Required<Pick<DeviceDriver, 'arm' | 'recording'>> & {
    /** What the battery's owner must trust there; made at the first call. */
    clientCertificate(): Promise<ClientCertificate>
    /** The certificate a battery showed last, whether we trust it or not; null: none seen. */
    presentedThumbprint(resourceId: ResourceId): string | null
  }

const stopDeadlineMs = 5_000
/**
 * So many sessions are opened at once. It costs both sides RSA: a server, mostly one thread, does
 * not get faster with more at a time, they only run into deadlines.
 */
const openedAtOnce = { eachServer: 4, all: 16 }

/** Batteries as OPC UA servers that we connect to, one client each. */
export function createOpcuaDriver(options: OpcuaDriverOptions): OpcuaDriver {
  const { clock, timer, log, pkiFolder, meteringIntervalSeconds } = options
  const links = new Map<ResourceId, BatteryLink>()
  const waiting = new Map<ResourceId, Resource>()
  let connect: ((resource: Resource) => BatteryLink) | null = null
  let opening: Promise<{ opcua: Opcua; pki: ClientPki }> | null = null

  const open = async () => {
    opening ??= openStack(log, timer, pkiFolder)
    try {
      return await opening
    } catch (error) {
      opening = null // a full disk may have room again
      throw error
    }
  }
  const link = (id: ResourceId): BatteryLink => {
    const found = links.get(id)
    if (found) return found
    throw new DomainError('device-unreachable', `battery ${id} is not known to this gateway`)
  }

  return {
    protocol: 'opcua',
    async start(sink) {
      assert(connect === null, 'the OPC UA driver is started once')
      const { opcua, pki } = await open()
      const context = { clock, timer, log, opcua, pki, sink, meteringIntervalSeconds }
      const { eachServer, all } = openedAtOnce
      const opening = new Turnstiles(eachServer, all)
      const doors: Doors = { discovery: new Discovery(context), opening }
      connect = (resource) => new BatteryLink(context, resource, doors)
      for (const resource of waiting.values()) links.set(resource.id, connect(resource))
      waiting.clear()
    },
    async stop() {
      const stopping = Promise.all([...links.values()].map((one) => one.stop()))
      try {
        await timer.deadline(stopping, stopDeadlineMs, 'the batteries to be let go')
      } catch (error) {
        log.warn('OPC UA connections were cut', { reason: reasonOf(error) })
      }
      links.clear()
      await (await opening)?.pki.close()
      opening = null
      connect = null
    },
    async attach(resource) {
      const known = links.get(resource.id)
      if (known) known.renew(resource)
      else if (connect) links.set(resource.id, connect(resource))
      else waiting.set(resource.id, resource)
    },
    async apply(id, setpoint, deadlineMs) {
      await link(id).apply(setpoint, deadlineMs)
      return { strategy: null }
    },
    nextStrategy: () => null,
    readBack: async (id, deadlineMs) => await link(id).readBack(deadlineMs),
    async detach(id) {
      waiting.delete(id)
      const known = links.get(id)
      links.delete(id)
      await known?.stop()
    },
    arm: async (id, order, sequence, deadlineMs) => await link(id).arm(order, sequence, deadlineMs),
    recording: async (id, answers, window, deadlineMs) =>
      await link(id).recording(answers, window, deadlineMs),
    clientCertificate: async () => (await open()).pki.certificate,
    presentedThumbprint: (id) => links.get(id)?.presentedThumbprint ?? null,
  }
}

async function openStack(
  log: Log,
  timer: Timer,
  pkiFolder: string,
): Promise<{ opcua: Opcua; pki: ClientPki }> {
  const opcua = await loadOpcua(log)
  return { opcua, pki: await openClientPki(opcua, timer, pkiFolder) }
}
