import type { EffectiveSetpoint } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { assert, DomainError } from '#domain/errors.ts'
import type { Connection, Resource } from '#domain/resource.ts'
import { MapRefused } from './discovery.ts'
import { type Line, openLine, reasonOf } from './line.ts'
import { type InverterContext, type InverterMemory, LiveInverter } from './live-inverter.ts'

const retryMsFirst = 500
const retryMsMax = 10_000
/** What is no battery inverter is looked at again this seldom; a changed enrolment looks at once. */
const refusedRetryMs = 30_000

type ModbusConnection = Extract<Connection, { protocol: 'modbus' }>

/** Keeps one inverter connected: whatever ends a connection, a new one is opened. */
export class InverterLink {
  readonly #context: InverterContext
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  readonly #memory: InverterMemory = {
    newestAt: null,
    newestVersion: -1,
    inForce: null,
    isInDoubt: false,
  }
  #resource: Resource
  #live: LiveInverter | null = null
  #line: Line | null = null
  #wake = new AbortController()
  #failures = 0
  /** Why it is away; null: it is connected. */
  #away: string | null = ''

  constructor(context: InverterContext, resource: Resource) {
    this.#resource = resource
    this.#context = { ...context, sink: this.#heard(context.sink) }
    this.#running = this.#run()
  }

  /** Takes up a changed address; without a change nothing happens. */
  renew(resource: Resource): void {
    const before = modbusConnection(this.#resource)
    const { host, port, unitId } = modbusConnection(resource)
    this.#resource = resource
    if (before.host === host && before.port === port && before.unitId === unitId) return
    this.#failures = 0
    this.#line?.close('its address was changed')
    this.#wake.abort()
  }

  /** @throws DomainError device-unreachable, device-refused */
  async apply(setpoint: DesiredSetpoint, deadlineMs: number): Promise<void> {
    await this.#connected().apply(setpoint, deadlineMs)
  }

  /** @throws DomainError device-unreachable, device-refused */
  async readBack(deadlineMs: number): Promise<EffectiveSetpoint> {
    return await this.#connected().readBack(deadlineMs)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#line?.close('the service stops')
    this.#wake.abort()
    await this.#running
  }

  #connected(): LiveInverter {
    if (this.#live !== null) return this.#live
    const why = this.#away || 'connecting'
    throw new DomainError('device-unreachable', `inverter ${this.#resource.id}: ${why}`)
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController()
      const pauseMs = await this.#attempt()
      await this.#context.timer.sleep(pauseMs, this.#wake.signal).catch(() => undefined) // woken
    }
  }

  /** One connection from beginning to end; answers how long to wait before the next. */
  async #attempt(): Promise<number> {
    const { timer, requestDeadlineMs } = this.#context
    const resource = this.#resource
    try {
      const address = modbusConnection(resource)
      const line = await openLine(timer, address, requestDeadlineMs, this.#stopping.signal)
      this.#line = line
      const lost = (detail: string) => this.#report(detail)
      this.#live = await LiveInverter.open(this.#context, resource, this.#memory, line, lost)
      this.#failures = 0
      await this.#live.run()
      this.#live = null
      this.#report(await line.closed)
    } catch (error) {
      this.#report(reasonOf(error))
      if (error instanceof MapRefused) return refusedRetryMs
    } finally {
      this.#live = null
      this.#line?.close('it could not be set up')
      this.#line = null
    }
    this.#failures += 1
    return Math.min(retryMsMax, retryMsFirst * 2 ** (this.#failures - 1))
  }

  /** Tells once why an inverter is away, until the reason changes. */
  #report(detail: string): void {
    if (detail === this.#away) return
    this.#away = detail
    this.#context.sink.disconnected(this.#resource.id, detail)
  }

  /** A link that is stopped tells nothing. */
  #heard(sink: InverterContext['sink']): InverterContext['sink'] {
    const { signal } = this.#stopping
    const told =
      <Args extends unknown[]>(tell: (...args: Args) => void) =>
      (...args: Args) => {
        if (!signal.aborted) tell(...args)
      }
    return {
      ...sink,
      connected: told((id, detail) => {
        this.#away = null
        sink.connected(id, detail)
      }),
      disconnected: told((id, detail) => sink.disconnected(id, detail)),
      measured: told((reading) => sink.measured(reading)),
      capability: told((id, capability) => sink.capability(id, capability)),
      limitedElsewhere: told((id, limitW, source) => sink.limitedElsewhere(id, limitW, source)),
    }
  }
}

function modbusConnection(resource: Resource): ModbusConnection {
  const { connection } = resource
  assert(connection.protocol === 'modbus', `${resource.id} is reached over ${connection.protocol}`)
  return connection
}
