import { callId, organisationId, siteId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { STREAM_TIMING } from '#http/context.ts'
import { acceptAsDso, aResource, WINDOW_START } from '#test/support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from '#test/support/simulated-call.ts'
import {
  aTown,
  callBody,
  idempotent,
  type Service,
  startService,
  type Town,
} from '#test/http/service.ts'
import { builtPages } from './pages.ts'

/** A town with devices, its service on a real socket, and its pages. */
export type District = {
  readonly service: Service
  readonly keys: Town['keys']
  /** Business time moves on, in seconds from the window's start; verifiers look meanwhile. */
  passTo(seconds: number): Promise<void>
  /** A request over periods from an instant on, in seconds from the window's start. */
  request(powersW: readonly number[], from?: number): Promise<string>
  accept(id: string): Promise<void>
  stop(): Promise<void>
}

export async function startDistrict(): Promise<District> {
  const service = await startService({
    dashboardsFolder: await builtPages(),
    stream: { ...STREAM_TIMING, coalesceMs: 100 },
  })
  const { keys } = await aTown(service)
  await enrolDevices(service)
  return {
    service,
    keys,
    passTo: (seconds) =>
      service.world.passTo(addSeconds(WINDOW_START, seconds), () => runVerifiers(service.world)),
    async request(powersW, from = 0) {
      const at = (i: number) => formatInstant(addSeconds(WINDOW_START, from + i * 900))
      const body = callBody(powersW, {
        window: { start: at(0), end: at(powersW.length) },
        periods: powersW.map((powerW, i) => ({ start: at(i), powerW })),
      })
      const sent = { key: keys.dso, body, headers: idempotent() }
      const answer = await service.send('POST', '/v1/flexibility-calls', sent)
      if (answer.status !== 201) throw new Error(answer.text)
      return answer.body.id
    },
    accept: async (id) => void (await acceptAsDso(service.ports, callId(id))),
    stop: () => service.stop(),
  }
}

/** Anna's chargers, one of which says that it obeys and does not; Bert's batteries. */
async function enrolDevices(service: Service): Promise<void> {
  const { world } = service
  for (const [i, powerW] of [7000, 5200, 6400, 3600].entries()) {
    const charger = aResource(`charger-${i + 1}`, 'charger', 120_000n + 7_300n * BigInt(i))
    await plugCharger(world, charger, powerW, { disobeys: i === 1 })
    await enrol(service, charger, 'anna')
  }
  for (const [i, price] of [200_000n, 214_500n, 450_001n].entries()) {
    const battery = aResource(`battery-${i + 1}`, 'battery', price)
    plugBattery(world, battery)
    await enrol(service, battery, 'bert')
  }
}

/** A device in memory, enrolled as over HTTP but for its protocol. */
async function enrol(service: Service, resource: Resource, owner: 'anna' | 'bert'): Promise<void> {
  const { id, kind, rating, offer } = resource
  await enrolResource(service.ports, organisationId(owner === 'anna' ? 'agg-1' : 'agg-2'), {
    id,
    kind,
    siteId: siteId(`site-${owner}`),
    rating,
    offer,
    connection: { protocol: 'simulated', address: id },
  })
}
