import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultWorld, SPEED, startFaultWorld } from '../support/fault-world.ts'
import { wallTimer } from '../support/wall-timer.ts'

const FAULTS = ['socket', 'gateway', 'service', 'device', 'database', 'chain'] as const
const MOMENTS = ['before', 'after'] as const
type Fault = (typeof FAULTS)[number]
type Moment = (typeof MOMENTS)[number]

/** Every case there is: what breaks, and whether the devices had acknowledged by then. */
const CASES: readonly { readonly fault: Fault; readonly moment: Moment }[] = [
  { fault: 'socket', moment: 'before' },
  { fault: 'socket', moment: 'after' },
  { fault: 'gateway', moment: 'before' },
  { fault: 'gateway', moment: 'after' },
  { fault: 'service', moment: 'before' },
  { fault: 'service', moment: 'after' },
  { fault: 'device', moment: 'before' },
  { fault: 'device', moment: 'after' },
  { fault: 'database', moment: 'before' },
  { fault: 'database', moment: 'after' },
  { fault: 'chain', moment: 'before' },
  { fault: 'chain', moment: 'after' },
]

/** Business seconds: half a minute on the wall. */
const VALID_SECONDS = 30 * SPEED
/** Wall time. A hint or a tick has reached every gateway, whose command is on its way. */
const IN_FLIGHT_MS = 800
const OUTAGE_MS = 1500
const SETTLE_MS = 30_000
/** Within this a device has the value again, or it is judged by its expiry. */
const AGAIN_MS = 15_000
/** Business time: half a second on the wall, in which a slow machine looks at the devices again. */
const LATE_MS = 500 * SPEED

type Result = { device: string; ends: 'ordered' | 'fallback'; seconds: number }
const table: { name: string; results: Result[] }[] = []

let world: FaultWorld
const stops: (() => Promise<void>)[] = []
beforeAll(async () => {
  world = await startFaultWorld((stop) => void stops.unshift(stop))
}, 120_000)
afterAll(async () => {
  for (const stop of stops) await stop()
  console.info(
    table
      .map(({ name, results }) =>
        [
          name.padEnd(18),
          ...results.map((r) => `${r.device}: ${r.ends} after ${r.seconds} s`),
        ].join('  '),
      )
      .join('\n'),
  )
}, 60_000)

const devices = () => Object.entries(world.machines.refs)

/** Breaks one thing for a moment and mends it; `release` lets go what was held on the wires. */
const strike: Record<Fault, (release: () => void) => Promise<void>> = {
  async socket(release) {
    await Promise.all(world.wires.map((wire) => wire.unplug()))
    release()
    await wallTimer.sleep(OUTAGE_MS)
    await Promise.all(world.wires.map((wire) => wire.mend()))
  },
  async gateway(release) {
    await world.gateways.kill((await world.ownerOf(world.machines.refs.battery)) ?? '')
    release()
  },
  async service(release) {
    await world.killService()
    release()
  },
  async device(release) {
    const restarting = world.machines.restart()
    release()
    await restarting
  },
  async database(release) {
    process.kill(pidOf('postgres'), 'SIGKILL')
    release()
    await wallTimer.sleep(OUTAGE_MS)
    const { pid } = await world.restartDatabase()
    databasePid = pid
  },
  async chain(release) {
    process.kill(pidOf('chain'), 'SIGSTOP')
    release()
    await wallTimer.sleep(OUTAGE_MS)
    process.kill(pidOf('chain'), 'SIGCONT')
  },
}

let databasePid: number | null = null
function pidOf(role: 'postgres' | 'chain'): number {
  const told = world.service.processes.findLast((one) => one.role === role)?.pid ?? 0
  return role === 'postgres' ? (databasePid ?? told) : told
}

/** Everything runs and both devices hang on one gateway, so that one fault meets both. */
async function settled(): Promise<void> {
  await world.gateways.startAll()
  const { charger, battery } = world.machines.refs
  await until('the service is up', SETTLE_MS, async () => world.isServiceUp())
  await until('both devices are held by one gateway', SETTLE_MS, async () => {
    const owners = [await world.ownerOf(charger), await world.ownerOf(battery)]
    if (owners.includes(null)) return false
    if (owners[0] === owners[1]) return await world.connected()
    world.machines.moveCharger()
    await wallTimer.sleep(2500)
    return false
  })
}

async function until(what: string, ms: number, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = wallTimer.monotonicMs() + ms
  for (;;) {
    // While something is broken nobody answers: that is what is waited for.
    if (await holds().catch(() => false)) return
    if (wallTimer.monotonicMs() > giveUpAt) throw new Error(`waited in vain until ${what}`)
    await wallTimer.sleep(100)
  }
}

function hold(): () => void {
  for (const wire of world.wires) wire.hold()
  return () => {
    for (const wire of world.wires) wire.release()
  }
}

/** Where a device ends: at what it was ordered, or else at its own default, at its expiry. */
async function endOf(device: string, ref: string, index: number, fromMs: number): Promise<Result> {
  const seconds = () => Math.round((wallTimer.monotonicMs() - fromMs) / 100) / 10
  const again = async () => world.machines.inForce(ref) === index
  const isOrdered = await until('the ordered value', AGAIN_MS, again).then(
    () => true,
    () => false,
  )
  if (isOrdered) return { device, ends: 'ordered', seconds: seconds() }
  console.warn(`the ${device} has not come back yet: ${await world.tell().catch(String)}`)
  const { clock } = world.machines
  const leftMs = (world.machines.endOf(index) - clock.now()) / SPEED + 1000
  await wallTimer.sleep(Math.max(0, leftMs))
  expect(world.machines.inForce(ref), `${device} at its expiry`).toBeNull()
  return { device, ends: 'fallback', seconds: seconds() }
}

/** No older order came into force after a newer one, and none outlived its end. */
function expectNeverStale(): void {
  for (const [device, ref] of devices()) {
    const history = world.machines.history(ref)
    const indices = history.flatMap(({ index }) => (index === null ? [] : [index]))
    expect(indices, `orders in force on the ${device}`).toEqual(indices.toSorted((a, b) => a - b))
    history.forEach(({ index }, i) => {
      if (index === null) return
      const endedAt = history[i + 1]?.at ?? world.machines.clock.now()
      expect(endedAt, `${device}, order ${index}`).toBeLessThan(
        world.machines.endOf(index) + LATE_MS,
      )
    })
  }
}

describe('a setpoint over any single fault', () => {
  test('the cases are all there are', () => {
    const all = FAULTS.flatMap((fault) => MOMENTS.map((moment) => ({ fault, moment })))
    expect(CASES).toEqual(all)
    expect(CASES).toHaveLength(12)
  })

  test.each(CASES)(
    '$fault, $moment acknowledgement: it is not lost',
    async ({ fault, moment }) => {
      await settled()
      const release = moment === 'before' ? hold() : () => undefined
      await world.order(VALID_SECONDS)
      const index = world.machines.newest()
      if (moment === 'before') {
        await wallTimer.sleep(IN_FLIGHT_MS)
        expect(await world.acknowledged()).toEqual([false, false])
      } else {
        const all = async () => (await world.acknowledged()).every((one) => one)
        await until('both have acknowledged', AGAIN_MS, all)
      }
      const fromMs = wallTimer.monotonicMs()
      await strike[fault](release)
      const ends = devices().map(([device, ref]) => endOf(device, ref, index, fromMs))
      const results = await Promise.all(ends)
      table.push({ name: `${fault}, ${moment}`, results })
      for (const { ends: end } of results) expect(end).toBe('ordered')
      expectNeverStale()
    },
    90_000,
  )

  test('every case was tried on both kinds of device', () => {
    expect(table.map(({ results }) => results.map(({ device }) => device))).toEqual(
      CASES.map(() => ['charger', 'battery']),
    )
  })
})

describe('a write from before an outage', () => {
  test('is not applied after a newer one', async () => {
    await settled()
    const release = hold()
    await world.order(VALID_SECONDS)
    await wallTimer.sleep(IN_FLIGHT_MS)
    await world.order(VALID_SECONDS)
    const newer = world.machines.newest()
    await strike.socket(release)
    for (const [device, ref] of devices()) {
      const { ends } = await endOf(device, ref, newer, wallTimer.monotonicMs())
      expect(ends).toBe('ordered')
    }
    await wallTimer.sleep(2000)
    for (const [, ref] of devices()) expect(world.machines.inForce(ref)).toBe(newer)
    expectNeverStale()
  }, 90_000)

  test('is not applied after its end, however late it arrives', async () => {
    await settled()
    const release = hold()
    const { validUntil } = await world.order(2 * SPEED)
    const late = world.machines.newest()
    await wallTimer.sleep(IN_FLIGHT_MS)
    expect(await world.acknowledged()).toEqual([false, false])
    await wallTimer.sleep((validUntil - world.machines.clock.now()) / SPEED + 500)
    release()
    await wallTimer.sleep(3000)
    for (const [device, ref] of devices()) {
      const times = world.machines.history(ref).filter(({ index }) => index === late)
      expect(times, `late order on the ${device}`).toEqual([])
    }
    expectNeverStale()
  }, 90_000)

  test('leaves every device at its own default in the end', async () => {
    const newest = world.machines.newest()
    const ends = Array.from({ length: newest + 1 }, (_, i) => world.machines.endOf(i))
    const leftMs = (Math.max(...ends) - world.machines.clock.now()) / SPEED
    await wallTimer.sleep(Math.max(0, leftMs) + 1000)
    for (const [, ref] of devices()) expect(world.machines.inForce(ref)).toBeNull()
    expectNeverStale()
  }, 90_000)
})
