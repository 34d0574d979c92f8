import type { Answered } from '#domain/armed-curve.ts'
import { type Arming, curveOrder, packSamples } from '#domain/arming.ts'
import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { recordArming } from '#lifecycle/record-arming.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import type { Attached } from './attachments.ts'
import { createLooks } from './looks.ts'

/** Wall time. */
const ARM_DEADLINE_MS = 10_000
const RECORDING_DEADLINE_MS = 60_000
/** What does not come within so long after the end is waited for no more, s. */
const GIVEN_UP_SECONDS = 86_400

type Place = { readonly resourceId: ResourceId; readonly answers?: Answered }

/** A device holds one curve for the frequency and one for the voltage, each by itself. */
function placeOf({ resourceId, answers = 'frequency' }: Place): string {
  return `${answers} of ${resourceId}`
}

/**
 * Arms the curves that calls want on the devices of this gateway, again after a reconnect, takes
 * back what is over, and fetches what the devices recorded. What answers frequency and voltage is the
 * device. No device waits for another one, nor a curve for a recording.
 */
export function armDevices(ports: GatewayPorts, attached: ReadonlyMap<ResourceId, Attached>) {
  const { clock, log, store, gateway } = ports
  const looks = createLooks(look, 'arming devices', log)
  /** In which place of a device, on its connection of now, which call's curve stands. */
  const standing = new Map<string, string>()
  const busy = new Map<string, Promise<void>>()
  /** Why it did not work the last time. */
  const said = new Map<ResourceId, string>()
  let last = 0

  async function look(): Promise<void> {
    const rows = await store.transaction(async (tx) => {
      const owners = await tx.gateways.owners({ gatewayId: gateway.id })
      const mine = owners.filter(({ resourceId, isHeld }) => isHeld && attached.has(resourceId))
      return tx.armings.open(mine.map(({ resourceId }) => resourceId))
    })
    for (const [resourceId, mine] of Map.groupBy(rows, (row) => row.resourceId)) {
      const driver = attached.get(resourceId)?.driver
      if (driver === undefined) continue
      begin(`curve of ${resourceId}`, () => keepCurves(driver, mine))
      begin(`recording of ${resourceId}`, () => fetchRecordings(driver, mine))
    }
  }

  /** One thing of a kind at a time; once it did something, things are looked at again. */
  function begin(what: string, work: () => Promise<boolean>): void {
    if (busy.has(what)) return
    const run = async () => {
      try {
        if (await work()) looks.wake()
      } catch (error) {
        log.error(`${what} failed`, { error: String(error) })
      } finally {
        busy.delete(what)
      }
    }
    busy.set(what, run())
  }

  /** What is over is taken back before anything is armed. */
  async function keepCurves(driver: DeviceDriver, rows: readonly Arming[]): Promise<boolean> {
    const isAnyOver = await eachOf(rows.filter(isOver), (row) => disarm(driver, row))
    const wanted = rows.filter((row) => !isOver(row))
    return (await eachOf(wanted, (row) => arm(driver, row))) || isAnyOver
  }

  async function fetchRecordings(driver: DeviceDriver, rows: readonly Arming[]) {
    const done = rows.filter(({ disarmedAt }) => disarmedAt !== undefined)
    return eachOf(done, (row) => fetchRecording(driver, row))
  }

  /** True: one of them did something. What a device refuses is written down. */
  async function eachOf(rows: readonly Arming[], attend: (row: Arming) => Promise<boolean>) {
    let isAny = false
    for (const row of rows) {
      try {
        if (await attend(row)) isAny = true
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        await failed(row, error)
      }
    }
    return isAny
  }

  async function failed(row: Arming, { code, message: reason }: DomainError): Promise<void> {
    const { resourceId, disarmedAt, validUntil } = row
    if (said.get(resourceId) !== reason) log.warn('an armed curve', { resourceId, reason })
    said.set(resourceId, reason)
    // A curve that is over and may stand all the same is taken back until the device says so.
    const mayStand = isOver(row) && disarmedAt === undefined
    const isGivenUp = clock.now() > addSeconds(validUntil, GIVEN_UP_SECONDS)
    if (isGivenUp || (code === 'device-refused' && !mayStand)) {
      await recordArming(ports, row, { refusal: reason })
    }
  }

  /** As soon as it is wanted: never longer than a metering interval before its part begins. */
  async function arm(driver: DeviceDriver, row: Arming): Promise<boolean> {
    const { resourceId, callId, armedAt } = row
    const stands = standing.get(placeOf(row)) === callId
    if (stands && armedAt !== null) return false
    if (driver.arm === undefined) throw cannot(row)
    if (!stands) {
      await handOver(driver, row)
      standing.set(placeOf(row), callId)
    }
    if (armedAt === null) await recordArming(ports, row, { armedAt: clock.now() })
    said.delete(resourceId)
    return true
  }

  /**
   * Also where nothing is known to stand, for the answer may have been lost; and where the device
   * has disarmed by itself, for the call may have been cut short.
   */
  async function disarm(driver: DeviceDriver, row: Arming): Promise<boolean> {
    const { resourceId, callId, disarmedAt } = row
    if (disarmedAt !== undefined) return false
    const stands = standing.get(placeOf(row))
    // The curve of another call has taken its place: that one is not taken back.
    if (driver.arm !== undefined && (stands === undefined || stands === callId)) {
      standing.delete(placeOf(row))
      await hand(driver, row, false)
    }
    await recordArming(ports, row, { disarmedAt: clock.now() })
    said.delete(resourceId)
    return true
  }

  /** A device that turns a curve down, or holds another one than it was handed, keeps none. */
  async function handOver(driver: DeviceDriver, row: Arming): Promise<void> {
    try {
      await hand(driver, row, true)
    } catch (error) {
      const isRefused = error instanceof DomainError && error.code === 'device-refused'
      if (isRefused && !standing.has(placeOf(row))) await takeBack(driver, row, error.message)
      throw error
    }
  }

  /**
   * While it cannot be taken back, a refusal is not the last word: it may stand, and whoever counts
   * what stands has to find it. @throws DomainError unavailable
   */
  async function takeBack(driver: DeviceDriver, row: Arming, refusal: string): Promise<void> {
    try {
      await hand(driver, row, false)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const why = `${refusal}; it may stand, and was not taken back: ${error.message}`
      throw new DomainError('unavailable', why)
    }
  }

  async function hand(driver: DeviceDriver, row: Arming, stands: boolean): Promise<void> {
    const order = curveOrder(row, stands)
    await driver.arm?.(row.resourceId, order, sequence(), ARM_DEADLINE_MS)
  }

  async function fetchRecording(driver: DeviceDriver, row: Arming): Promise<boolean> {
    const { resourceId, validFrom: start, validUntil: end } = row
    if (row.armedAt === null) throw new DomainError('device-refused', 'it was not reached in time')
    if (driver.recording === undefined) throw cannot(row)
    const window = { start, end }
    const { answers } = curveOrder(row, false)
    const own = await driver.recording(resourceId, answers, window, RECORDING_DEADLINE_MS)
    await recordArming(ports, row, { recording: packSamples(own) })
    return true
  }

  const isOver = ({ validUntil }: Arming) => clock.now() >= validUntil

  function cannot({ resourceId, answers = 'frequency' }: Arming): DomainError {
    return new DomainError('device-refused', `${resourceId} answers no ${answers}`)
  }

  /** Counts up, also over processes: business time, which no gateway turns back. */
  function sequence(): number {
    last = Math.max(last + 1, Math.floor(clock.now() / 1000))
    return last
  }

  return {
    wake: looks.wake,
    /** A new connection: what stands on the device has to be made true again. */
    forget(resourceId: ResourceId): void {
      standing.delete(placeOf({ resourceId, answers: 'frequency' }))
      standing.delete(placeOf({ resourceId, answers: 'voltage' }))
    },
    async stop(): Promise<void> {
      await looks.stop()
      await Promise.all(busy.values())
    },
  }
}
