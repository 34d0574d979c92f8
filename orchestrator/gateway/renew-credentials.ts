import { sha256Hex, stationPassword } from '#domain/api-key.ts'
import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import { adoptPassword, offerPassword, recordOffer } from '#lifecycle/renew-credential.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import type { Attached } from './attachments.ts'

/** Wall time for the station's answer. */
const OFFER_DEADLINE_MS = 10_000

/**
 * Hands new passwords to stations that are connected here and for which one was asked. It is valid
 * before the station hears of it, is never written down and never leaves this process another way.
 */
export function renewCredentials(ports: GatewayPorts, attached: ReadonlyMap<ResourceId, Attached>) {
  const connected = new Set<ResourceId>()
  /** One thing at a time for each: what is answered is recorded before what follows from it. */
  const busy = new Map<ResourceId, Promise<void>>()

  function inTurn(resourceId: ResourceId, work: () => Promise<void>): void {
    const before = busy.get(resourceId) ?? Promise.resolve()
    const mine = before.then(work).catch((error: unknown) => {
      ports.log.error('a password could not be renewed', { resourceId, error: String(error) })
    })
    busy.set(resourceId, mine)
    void mine.then(() => {
      if (busy.get(resourceId) === mine) busy.delete(resourceId)
    })
  }

  async function renew(resourceId: ResourceId, driver: DeviceDriver): Promise<void> {
    const password = stationPassword(ports.random.bytes(20))
    const sha256 = sha256Hex(password)
    const offered = await offerPassword(ports, resourceId, sha256)
    if (offered === null) return
    await driver.attach(offered)
    const outcome = await hand(driver, resourceId, password)
    await recordOffer(ports, resourceId, sha256, outcome)
    ports.log.info('a new password was offered to a station', { resourceId, outcome })
  }

  return {
    note(resourceId: ResourceId, isConnected: boolean): void {
      if (isConnected) connected.add(resourceId)
      else connected.delete(resourceId)
    },
    adopt(resourceId: ResourceId, passwordSha256: string): void {
      inTurn(resourceId, () => adoptPassword(ports, resourceId, passwordSha256))
    },
    /** Begins what was asked for meanwhile. */
    look(): void {
      for (const resourceId of connected) {
        const device = attached.get(resourceId)
        if (device === undefined || busy.has(resourceId)) continue
        const { connection } = device.resource
        if (connection.protocol !== 'ocpp' || connection.renewal?.state !== 'requested') continue
        inTurn(resourceId, () => renew(resourceId, device.driver))
      }
    },
    async stop(): Promise<void> {
      await Promise.all(busy.values())
    },
  }
}

async function hand(
  driver: DeviceDriver,
  resourceId: ResourceId,
  password: string,
): Promise<'taken' | 'refused' | 'unanswered'> {
  try {
    if (driver.renewCredential === undefined) return 'refused'
    await driver.renewCredential(resourceId, password, OFFER_DEADLINE_MS)
    return 'taken'
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return error.code === 'device-refused' ? 'refused' : 'unanswered'
  }
}
