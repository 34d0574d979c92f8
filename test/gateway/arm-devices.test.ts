import { expect, test } from 'vitest'
import { createSimulatedSigner } from '#adapters/simulated/signer.ts'
import { type Arming, type ArmingProgress, progressed } from '#domain/arming.ts'
import { DomainError } from '#domain/errors.ts'
import { type CallId, callId, gatewayId, type ResourceId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { armDevices } from '#gateway/arm-devices.ts'
import type { Attached } from '#gateway/attachments.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import { WINDOW_START } from '../support/builders.ts'
import { FREQUENCY } from '../support/standby-world.ts'

const [near, far] = [resourceId('near'), resourceId('far')]
const call = callId('call')

type Answer = (armed: unknown, resource: ResourceId) => Promise<void>

/** Devices behind one gateway, whose answers a test gives. */
function gatewayOf(answer: Answer, ids: readonly ResourceId[] = [near, far]) {
  let now = WINDOW_START
  const rows = new Map(ids.map((id) => [id, arming(id)]))
  const sent: string[] = []
  const tx = {
    gateways: { owners: async () => ids.map((id) => ({ resourceId: id, isHeld: true })) },
    armings: {
      open: async () => [...rows.values()].filter((row) => !row.recording && !row.refusal),
      async progress(_call: CallId, id: ResourceId, progress: ArmingProgress) {
        rows.set(id, progressed(rows.get(id) as Arming, progress))
      },
    },
  }
  const driver: Pick<DeviceDriver, 'arm' | 'recording'> = {
    async arm(id, { armed }) {
      sent.push(`${armed === null ? 'disarm' : 'arm'} ${id}`)
      await answer(armed, id)
    },
    recording: async () => ({ answers: 'frequency', samples: [] }),
  }
  const ports = {
    clock: { now: () => now, speed: 1 },
    log: { info() {}, warn() {}, error() {} },
    store: { transaction: async <T>(work: (inner: typeof tx) => Promise<T>) => work(tx) },
    gateway: { id: gatewayId('gw'), signer: createSimulatedSigner('gw') },
  } as unknown as GatewayPorts
  const attached = new Map(ids.map((id) => [id, { driver } as unknown as Attached]))
  const armer = armDevices(ports, attached)
  return {
    armer,
    sent,
    row: (id: ResourceId) => rows.get(id) as Arming,
    /** What a stop does: everything ends a second later. */
    takeBack() {
      now = addSeconds(now, 1)
      for (const [id, row] of rows) rows.set(id, { ...row, validUntil: now })
      armer.wake()
    },
  }
}

function arming(id: ResourceId): Arming {
  return {
    callId: call,
    resourceId: id,
    droop: FREQUENCY.frequency.droop,
    reservedW: 3000,
    validFrom: WINDOW_START,
    validUntil: addSeconds(WINDOW_START, 1800),
    armedAt: null,
    refusal: null,
    recording: null,
  }
}

test('a device that does not answer holds up nobody else', async () => {
  const stuck = Promise.withResolvers<void>()
  const { armer, sent, row, takeBack } = gatewayOf((armed, id) =>
    armed !== null && id === far ? stuck.promise : Promise.resolve(),
  )
  armer.wake()
  await expect.poll(() => row(near).armedAt).not.toBeNull()
  expect(sent).toContain('arm far')
  takeBack()
  await expect.poll(() => row(near).recording).not.toBeNull()
  expect(row(far).disarmedAt).toBeUndefined()
  stuck.resolve()
  await expect.poll(() => row(far).recording).not.toBeNull()
  await armer.stop()
})

test('a curve whose answer was lost is taken back, before anybody says that it never stood', async () => {
  const lost = new DomainError('device-unreachable', 'no answer')
  const { armer, sent, row, takeBack } = gatewayOf(
    async (armed) => {
      if (armed !== null) throw lost
    },
    [near],
  )
  armer.wake()
  await expect.poll(() => sent).toContain('arm near')
  takeBack()
  await expect.poll(() => row(near).refusal).toBe('it was not reached in time')
  expect(sent.at(-1)).toBe('disarm near')
  expect(row(near).disarmedAt).toBeDefined()
  await armer.stop()
})

test('a device that refuses to let go is asked until it does', async () => {
  let isLocal = true
  const { armer, sent, row, takeBack } = gatewayOf(
    async (armed) => {
      if (armed === null && isLocal) throw new DomainError('device-refused', 'it is in LOCAL')
    },
    [near],
  )
  armer.wake()
  await expect.poll(() => row(near).armedAt).not.toBeNull()
  takeBack()
  await expect.poll(() => sent).toContain('disarm near')
  isLocal = false
  // A look that runs may have been refused already: the gateway's tick is the next one.
  await expect
    .poll(() => {
      armer.wake()
      return row(near).recording
    })
    .not.toBeNull()
  expect(row(near).refusal).toBeNull()
  await armer.stop()
})

test('a device that holds another curve than it was handed keeps none', async () => {
  const { armer, sent, row } = gatewayOf(
    async (armed) => {
      if (armed !== null) throw new DomainError('device-refused', 'it holds another one')
    },
    [near],
  )
  armer.wake()
  await expect.poll(() => row(near).refusal).toBe('it holds another one')
  expect(sent).toEqual(['arm near', 'disarm near'])
  await armer.stop()
})
