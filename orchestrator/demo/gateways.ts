import { join } from 'node:path'
import type { Timer } from '#ports.ts'
import { type Child, startChild } from '#supervisor.ts'
import type { PartyApi } from './api.ts'
import { freePort } from './stage.ts'

const BOOT_MS = 60_000

export type StartedGateway = {
  readonly id: string
  readonly pid: number
  /** Charge points append their identity. */
  readonly ocppUrl: string
}

/** What a gateway holds at the end, as the operator sees it. */
export type GatewayLine = { readonly id: string; readonly pid: number; readonly devices: number }

export type GatewaysKeeper = {
  readonly all: readonly StartedGateway[]
  /** How many devices each holds now. */
  lines(operator: PartyApi): Promise<GatewayLine[]>
  stop(): Promise<void>
}

/** Free ports for gateways, the first of them what the service tells installers. */
export async function gatewayPorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let i = 0; i < count; i++) ports.push(await freePort((ports.at(-1) ?? 8886) + 1))
  return ports
}

/**
 * Starts gateways as processes of their own beside a service. One that dies is not started again:
 * the others take its devices over.
 */
export async function startGateways(options: {
  readonly ports: readonly number[]
  readonly environment: Readonly<Record<string, string>>
  readonly databaseUrl: string
  readonly timer: Timer
  readonly say: (line: string) => void
}): Promise<GatewaysKeeper> {
  const { ports, environment, databaseUrl, timer, say } = options
  const cli = join(import.meta.dirname, '..', 'cli.ts')
  const children: Child[] = []
  let stopping = false
  const stop = async () => {
    stopping = true
    await Promise.all(children.map((child) => child.stop()))
  }
  const start = async (port: number, index: number): Promise<StartedGateway> => {
    const id = `gateway-${index + 1}`
    const child = startChild(id, [cli, 'start', '--role', 'gateway'], {
      ...environment,
      DATABASE_URL: databaseUrl,
      OCPP_PORT: String(port),
      GRIDCALL_GATEWAY: id,
    })
    children.push(child)
    const ocppUrl = await timer.deadline(untilStarted(id, child), BOOT_MS, `the start of ${id}`)
    child.process.once('exit', () => {
      if (!stopping) say(`${id} is gone; its devices go to the others`)
    })
    return { id, pid: child.pid, ocppUrl }
  }
  try {
    const all = await Promise.all(ports.map(start))
    return { all, stop, lines: (operator) => linesOf(operator, all) }
  } catch (error) {
    await stop()
    throw error
  }
}

function untilStarted(id: string, { process: child }: Child): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${id} ended before it was up`)))
    child.on('message', (message: { type?: string; ocppUrl?: string }) => {
      if (message.type === 'started' && message.ocppUrl !== undefined) resolve(message.ocppUrl)
    })
  })
}

async function linesOf(operator: PartyApi, all: readonly StartedGateway[]): Promise<GatewayLine[]> {
  const known = await operator.get<{ id: string; devices: number }[]>('/v1/operator/gateways')
  return all.map(({ id, pid }) => ({
    id,
    pid,
    devices: known.find((gateway) => gateway.id === id)?.devices ?? 0,
  }))
}

/** Each charge point is configured with one gateway, in turn, and knows the others, too. */
export function splitStations<T extends { readonly ref: string; readonly url: string }>(
  stations: readonly T[],
  gateways: readonly StartedGateway[],
): (T & { readonly others: readonly string[] })[] {
  return stations.map((station, index) => {
    const urls = gateways.map(({ ocppUrl }) => `${ocppUrl}${encodeURIComponent(station.ref)}`)
    const turn = index % Math.max(1, urls.length)
    const [url = station.url, ...others] = [...urls.slice(turn), ...urls.slice(0, turn)]
    return { ...station, url, others }
  })
}
