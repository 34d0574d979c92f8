import type { Resource } from '#domain/resource.ts'
import { type BatterySession, type Nameplate, Refused } from './battery-session.ts'
import { capabilityOf, type Limit, limitOf } from './condition.ts'
import { policyName, reasonOf } from './endpoint.ts'
import type { BatteryContext, LiveOptions } from './live-battery.ts'
import { armedPoints, type PointName, pointsOf } from './product.ts'
import { isLocal } from './wire.ts'

const armed: ReadonlySet<PointName> = new Set(armedPoints)

/** What a client has learned of its battery: read at the start, kept fresh by what is monitored. */
export class Onboarding {
  readonly values = new Map<PointName, unknown>()
  readonly #context: BatteryContext
  readonly #options: LiveOptions
  #session: BatterySession | null = null
  #nameplate: Nameplate | null = null
  #limit: Limit | null = null
  #beats = 0
  #mayBeat = true

  constructor(context: BatteryContext, options: LiveOptions) {
    this.#context = context
    this.#options = options
  }

  /** Is a setpoint in force, as far as the battery told? */
  get isSetpointOn(): boolean {
    const enabled = this.values.get('SetpointEnable')
    const isRemote = isLocal(this.#options.product, this.values.get('ControlMode')) === false
    return isRemote && (enabled === true || enabled === 1)
  }

  /** Reads the whole model, sets the battery up and tells what it can do. Answers in words. */
  async run(session: BatterySession): Promise<string> {
    const { product, endpoint } = this.#options
    const isFirst = this.#session === null // then they were read a moment ago
    if (!isFirst && !(await session.sameNamespaces())) {
      throw new Error('the namespaces have another order now')
    }
    const names = pointsOf(product).filter((name) => !armed.has(name))
    for (const [name, value] of await session.read(names)) this.values.set(name, value)
    this.#session = session
    await this.#setUp(session)
    this.#nameplate ??= await session.nameplate()
    this.#tellCapability()
    this.#tellLimit()
    const mode = isLocal(product, this.values.get('ControlMode')) ? 'LOCAL' : 'REMOTE'
    const charge = Math.round(Number(this.values.get('StateOfCharge')))
    const rights = this.#mayBeat ? '' : ', our user may only read'
    return `${policyName(endpoint.policyUri)}, ${mode}, state of charge ${charge} %${rights}`
  }

  /** A monitored point has another value. */
  changed(name: PointName, value: unknown): void {
    const before = this.values.get(name)
    this.values.set(name, value)
    if (this.#nameplate === null || before === value) return
    if (limits.includes(name)) this.#tellCapability()
    if (limits.includes(name) || name === 'ControlMode') this.#tellLimit()
  }

  /** Our own sign of life, where the battery wants one. */
  async beat(session: BatterySession): Promise<void> {
    if (!this.#mayBeat || !session.has('ControllerHeartbeat')) return
    this.#beats = (this.#beats + 1) % 2 ** 32
    await session.write([['ControllerHeartbeat', this.#beats]])
  }

  /** A user who may only read is no reason to go without the readings. */
  async #setUp(session: BatterySession): Promise<void> {
    const { log, meteringIntervalSeconds } = this.#context
    try {
      this.#mayBeat = true
      if (session.has('MeteringInterval')) {
        await session.write([['MeteringInterval', meteringIntervalSeconds]])
      }
      await this.beat(session)
    } catch (error) {
      if (!(error instanceof Refused) || !error.message.includes('BadUserAccessDenied')) throw error
      this.#mayBeat = false
      const resource = this.#options.resource.id
      log.warn('a battery can be read only', { resource, reason: reasonOf(error) })
    }
  }

  #tellCapability(): void {
    if (this.#session === null || this.#nameplate === null) return
    const { sink, meteringIntervalSeconds } = this.#context
    const { product, resource } = this.#options
    sink.capability(
      resource.id,
      capabilityOf(product, this.#session, this.#nameplate, this.values, meteringIntervalSeconds),
    )
  }

  #tellLimit(): void {
    const { product, resource } = this.#options
    const limit = limitOf(product, this.values)
    if (limit.limitW === this.#limit?.limitW && limit.source === this.#limit.source) return
    this.#limit = limit
    this.#context.sink.limitedElsewhere(resource.id, limit.limitW, limit.source)
  }
}

const limits: readonly PointName[] = [
  'EnergyRating',
  'MaxChargeRating',
  'MaxDischargeRating',
  'MaxChargePower',
  'MaxDischargePower',
]

/** What is enrolled above the battery's own rating would be refused when it is ordered. */
export function compareRating(
  { log }: BatteryContext,
  { id, rating }: Resource,
  values: ReadonlyMap<PointName, unknown>,
): void {
  const importMaxW = Number(values.get('MaxChargeRating'))
  const exportMaxW = Number(values.get('MaxDischargeRating'))
  if (rating.importMaxW <= importMaxW && rating.exportMaxW <= exportMaxW) return
  const enrolled = { importMaxW: rating.importMaxW, exportMaxW: rating.exportMaxW }
  log.warn('enrolled above its rating', {
    resource: id,
    enrolled,
    battery: { importMaxW, exportMaxW },
  })
}

/** A server that looks at its record more seldom than it is written would lose some. */
export function compareSampling(
  { clock, log, meteringIntervalSeconds }: BatteryContext,
  { id }: Resource,
  samplingMs: number | null,
): void {
  const recordEveryMs = (meteringIntervalSeconds * 1000) / clock.speed
  if (samplingMs === null || samplingMs * 2 <= recordEveryMs) return
  log.warn('samples its records too seldom', { resource: id, samplingMs })
}
