import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { watts } from '#domain/units.ts'
import type { Clock } from '#ports.ts'
import type { BatterySession } from './battery-session.ts'
import type { Product, WriteControl } from './product.ts'
import { isLocal, powerToProduct, readEffectiveSetpoint } from './wire.ts'

type Written = Product & { readonly control: WriteControl }

/** Is a product driven by writing variables? */
export function isWritten(product: Product): product is Written {
  return product.control.kind === 'writes'
}

/**
 * The orders of a battery whose setpoint is a variable. Nothing on the wire says when such an order
 * ends or which is the newer one, so this does, over all clients of one battery: what stands there
 * without an order of ours that is in force is taken back, also after a restart of this process,
 * because then nobody knows until when it was meant.
 */
export class WrittenOrders {
  readonly #clock: Clock
  #newest = -1
  #standing: DesiredSetpoint | null = null
  /** One order, or one look for a stray, at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Until when what was ordered last holds; null: nothing does. */
  get standingUntil(): number | null {
    return this.#standing?.validUntil ?? null
  }

  /**
   * Writes an order, each step only while `mayWrite`. Answers why it was not done; null: done.
   * @throws whatever a write ends with: then nothing is known to stand
   */
  async send(
    session: BatterySession,
    product: Written,
    setpoint: DesiredSetpoint,
    mayWrite: () => void,
  ): Promise<string | null> {
    return await this.#inTurn(async () => {
      if (setpoint.version < this.#newest) return 'a newer order was sent before'
      mayWrite()
      const control = await readControl(session)
      mayWrite()
      if (isLocal(product, control.get('ControlMode')) !== false) {
        return 'the battery is in LOCAL control'
      }
      this.#newest = setpoint.version
      this.#standing = null
      if (setpoint.powerW === null) {
        await session.write([['SetpointEnable', false]])
        return null
      }
      const refusal = await this.#write(session, product, setpoint, setpoint.powerW, mayWrite)
      if (refusal === null) this.#standing = setpoint
      return refusal
    })
  }

  /** Takes back what stands there and should not. Answers whether there was something. */
  async takeBackStray(session: BatterySession, product: Written): Promise<boolean> {
    return await this.#inTurn(async () => {
      if ((this.standingUntil ?? 0) > this.#clock.now()) return false
      this.#standing = null
      const values = await readControl(session)
      if (readEffectiveSetpoint(product, values).kind !== 'limited') return false
      await session.write([['SetpointEnable', false]])
      return true
    })
  }

  async #write(
    session: BatterySession,
    product: Written,
    { validUntil }: DesiredSetpoint,
    powerW: number,
    mayWrite: () => void,
  ): Promise<string | null> {
    const before = product.control.before.map(({ point, value }) => [point, value] as const)
    const seconds = () => Math.floor((validUntil - this.#clock.now()) / 1000)
    if (session.has('RevertSeconds')) {
      if (seconds() < 1) return 'the order would have expired at once'
      await session.write([...before, ['RevertSeconds', seconds()]])
    } else if (before.length > 0) {
      await session.write(before)
    }
    mayWrite()
    const power = powerToProduct(product, watts(powerW))
    await session.write([['ActivePowerSetpoint', power]])
    mayWrite()
    if (validUntil <= this.#clock.now()) return 'the order expired while it was sent'
    await session.write([['SetpointEnable', true]])
    return null
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work)
    // The next one waits for this one and does not care how it ended.
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}

function readControl(session: BatterySession) {
  return session.read(['SetpointEnable', 'ActivePowerSetpoint', 'ControlMode'])
}
