import { stamp } from './devices/station.ts'
import type { LogLine } from './fleet-log.ts'
import type { FleetReport } from './fleet-messages.ts'
import { feederLoad, type FeederSpec } from './models/feeder.ts'
import type { Scenario, ScenarioFeeder } from './scenarios/scenario.ts'

/** Measures what flows at a congestion point, as a mean per settlement period. */
export class FeederMeter {
  readonly #spec: FeederSpec
  readonly #refs: readonly string[]
  readonly #periodMs: number
  readonly #done: { start: string; meanW: number }[] = []
  #last: number | null = null
  #current: { start: number; wattMs: number; ms: number } | null = null

  constructor(scenario: Scenario, feeder: ScenarioFeeder) {
    const sites = scenario.sites
      .filter(({ congestionPoint }) => congestionPoint === feeder.congestionPoint)
      .map(({ ref }) => ref)
    this.#refs = scenario.devices.filter(({ site }) => sites.includes(site)).map(({ ref }) => ref)
    this.#periodMs = scenario.settlementPeriodSeconds * 1000
    this.#spec = {
      congestionPoint: feeder.congestionPoint,
      firmLimitW: feeder.firmLimitW,
      baseLoad: feeder.baseLoad.map(({ at, powerW }) => ({ at: Date.parse(at), powerW })),
    }
  }

  /** Takes the powers as those since the last call; returns a line for each period that ended. */
  advance(now: number, powers: ReadonlyMap<string, number>): LogLine[] {
    const last = this.#last ?? now
    this.#last = now
    if (now <= last) return []
    const devicesW = this.#refs.reduce((sum, ref) => sum + (powers.get(ref) ?? 0), 0)
    const lines: LogLine[] = []
    for (let from = last; from < now; ) {
      const start = Math.floor(from / this.#periodMs) * this.#periodMs
      const until = Math.min(now, start + this.#periodMs)
      this.#current ??= { start, wattMs: 0, ms: 0 }
      const { loadW } = feederLoad(this.#spec, from, devicesW)
      this.#current.wattMs += loadW * (until - from)
      this.#current.ms += until - from
      if (until === start + this.#periodMs) lines.push(this.#close())
      from = until
    }
    return lines
  }

  report(): FleetReport['feeders'][number] {
    const { congestionPoint, firmLimitW } = this.#spec
    return { congestionPoint, firmLimitW, periods: this.#done }
  }

  #close(): LogLine {
    const { start, wattMs, ms } = this.#current ?? { start: 0, wattMs: 0, ms: 1 }
    this.#current = null
    const meanW = Math.round(wattMs / ms)
    const { congestionPoint, firmLimitW } = this.#spec
    this.#done.push({ start: stamp(start), meanW })
    const at = stamp(start + this.#periodMs)
    return { at, ref: congestionPoint, kind: 'feeder', start: stamp(start), meanW, firmLimitW }
  }
}
