import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { openSigner } from '#adapters/local-keys/keystore.ts'
import { createDrivers } from '#adapters/registry.ts'
import type { Config } from '#config.ts'
import { migrate } from '#db/migrate.ts'
import { createPostgresStore } from '#db/store.ts'
import { gatewayId } from '#domain/ids.ts'
import { runGateway } from '#gateway/run-gateway.ts'
import { openNotifications } from '#jobs/notifications.ts'
import type { GatewayPorts, Log, Timer } from '#ports.ts'
import { followClock, openClock } from './business-clock.ts'

const DEFAULT_NAME = gatewayId('gateway-1')

export type GatewayProcess = {
  readonly name: string
  /** Where charge points dial it; their identity is appended. */
  readonly ocppUrl: string
  /** Rejects with a sentence for the operator if it cannot go on. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/**
 * A gateway of its own: device connections and a signing key, on the service's database. It knows
 * neither the chain nor the queue. @throws Error with one sentence for the operator
 */
export async function startGateway(
  config: Config,
  { timer, log }: { readonly timer: Timer; readonly log: Log },
): Promise<GatewayProcess> {
  const { databaseUrl: url, dataDir } = config
  if (url === null) throw new Error('a gateway expects DATABASE_URL, got none')
  const name = config.gateway ?? DEFAULT_NAME
  await migrate({ url, log })
  const store = createPostgresStore({ url, log })
  const undo: (() => Promise<void>)[] = [() => store.close()]
  const stop = async () => {
    for (const step of undo.toReversed()) await step()
  }
  try {
    const clock = await openClock(config, { url, log })
    const following = followClock(clock, { url, log }, timer)
    undo.push(() => following.stop())
    const wakeUps = await openNotifications({ url, timer, log })
    undo.push(() => wakeUps.close())
    const drivers = createDrivers(config, { clock, timer, log })
    const ports: GatewayPorts = {
      clock,
      startedAt: clock.now(),
      timer,
      random: { bytes: (length) => randomBytes(length) },
      log,
      store,
      wakeUps,
      gateway: { id: name, signer: await openSigner(join(dataDir, 'keys'), name) },
    }
    const ocppUrl = () => config.ocppUrl ?? drivers.ocpp.url('')
    const gateway = await runGateway(ports, drivers.all, ocppUrl)
    undo.push(() => gateway.stop())
    const failed = gateway.displaced.then(() => {
      throw new Error(
        `another process runs as ${name} on this database: set GRIDCALL_GATEWAY to a name of its own`,
      )
    })
    failed.catch(() => undefined) // told by whoever waits for it
    return { name, ocppUrl: ocppUrl(), failed, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
