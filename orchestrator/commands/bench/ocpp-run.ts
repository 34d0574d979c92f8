import type { Timer } from '#ports.ts'
import { type Child, startChild } from './child.ts'
import type { GatewayState } from './ocpp-gateway.ts'
import type { Dial } from './ocpp-load.ts'

/** Of one load process: it holds a socket per station, and has a limit of open files, too. */
const STATIONS_PER_LOAD = 10_000

/**
 * A young generation in which an order to thousands of stations finds room until it is answered, as
 * the README of adapters/ocpp advises for large gateways. Whoever is compared with one has it, too.
 */
export const GATEWAY_FLAGS = ['--max-semi-space-size=64']

/** A gateway process and as many load processes as its stations need. */
export type OcppRun = {
  readonly gateway: Child
  /** In the order of their stations. */
  readonly loads: readonly Child[]
  /** Attaches and connects more stations; resolves when each is set up. */
  grow(count: number): Promise<void>
  state(): Promise<GatewayState>
  stop(): Promise<void>
}

/** @throws Error if the processes do not start */
export async function startOcppRun(timer: Timer): Promise<OcppRun> {
  const gateway = startChild('./ocpp-gateway.ts', timer, [...GATEWAY_FLAGS, '--expose-gc'])
  const loads: Child[] = []
  const stop = async () => {
    await Promise.all([gateway, ...loads].map((child) => child.stop()))
  }
  const state = () => gateway.ask<GatewayState>('state', null, 60_000)
  let total = 0

  async function grow(count: number): Promise<void> {
    const url = await started
    await gateway.ask('attach', { first: total, count }, 60_000)
    const end = total + count
    const deadlineMs = 60_000 + count * 10
    while (total < end) {
      const index = Math.floor(total / STATIONS_PER_LOAD)
      const load = (loads[index] ??= startChild('./ocpp-load.ts', timer))
      const room = STATIONS_PER_LOAD * (index + 1) - total
      const part = Math.min(room, end - total)
      const dial: Dial = { url, first: total, count: part, boots: true }
      await load.ask('connect', dial, deadlineMs)
      total += part
    }
    await untilSetUp(end, deadlineMs)
  }

  async function untilSetUp(wanted: number, deadlineMs: number): Promise<void> {
    const until = timer.monotonicMs() + deadlineMs
    for (;;) {
      const { connected } = await state()
      if (connected >= wanted) return
      if (timer.monotonicMs() > until) {
        const warnings = await gateway.ask<string[]>('warnings', null, 10_000)
        throw new Error(`${connected} of ${wanted} stations were set up: ${warnings.join('; ')}`)
      }
      await timer.sleep(100)
    }
  }

  const started = gateway.ask<string>('start', null, 30_000)
  try {
    await started
    return { gateway, loads, grow, state, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
