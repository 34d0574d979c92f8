import { expect, test } from 'vitest'
import { createSimulatedSigner } from '#adapters/simulated/signer.ts'
import { type Arming, type ArmingProgress, type DroopArming, progressed } from '#domain/arming.ts'
import { DomainError } from '#domain/errors.ts'
import { type CallId, callId, gatewayId, type ResourceId, resourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { armDevices } from '#gateway/arm-devices.ts'
import type { Attached } from '#gateway/attachments.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import { WINDOW_START } from '../support/builders.ts'
import { FREQUENCY, VOLTAGE } from '../support/standby-world.ts'

const [near, far] = [resourceId('near'), resourceId('far')]
const call = callId('call')

type Answer = (armed: unknown, resource: ResourceId) => Promise<void>

/** Devices behind one gateway, whose answers a test gives. */
function gatewayOf(
  answer: Answer,
  ids: readonly ResourceId[] = [near, far],
  wanted: readonly Arming[] = ids.map((id) => arming(id)),
) {
  let now = WINDOW_START
  const keyOf = (id: ResourceId, of: CallId) => `${of} ${id}`
  const rows = new Map(wanted.map((row) => [keyOf(row.resourceId, row.callId), row]))
  const sent: string[] = []
  const tx = {
    gateways: { owners: async () => ids.map((id) => ({ resourceId: id, isHeld: true })) },
    armings: {
      open: async () => [...rows.values()].filter((row) => !row.recording && !row.refusal),
      async progress(of: CallId, id: ResourceId, progress: ArmingProgress) {
        rows.set(keyOf(id, of), progressed(rows.get(keyOf(id, of)) as Arming, progress))
      },
    },
  }
  const driver: Pick<DeviceDriver, 'arm' | 'recording'> = {
    async arm(id, { answers, armed }) {
      const what = answers === 'voltage' ? `${id} by voltage` : id
      sent.push(`${armed === null ? 'disarm' : 'arm'} ${what}`)
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
    row: (id: ResourceId, of = call) => rows.get(keyOf(id, of)) as Arming,
    want(row: Arming) {
      rows.set(keyOf(row.resourceId, row.callId), row)
      armer.wake()
    },
    /** What a stop does, or the end of one call: everything of it ends a second later. */
    takeBack(of?: CallId) {
      now = addSeconds(now, 1)
      for (const [key, row] of rows) {
        if (of === undefined || row.callId === of) rows.set(key, { ...row, validUntil: now })
      }
      armer.wake()
    },
  }
}

function arming(id: ResourceId): DroopArming {
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

const notHeld = new DomainError('device-refused', 'it holds another one')
const linkDropped = new DomainError('device-unreachable', 'the link dropped')

test('a refused curve that was not taken back is no refusal yet: both are tried again', async () => {
  let isLinked = false
  const { armer, sent, row } = gatewayOf(
    async (armed) => {
      if (armed !== null) throw notHeld
      if (!isLinked) throw linkDropped
    },
    [near],
  )
  armer.wake()
  await expect.poll(() => sent).toContain('disarm near')
  isLinked = true
  await expect
    .poll(() => {
      armer.wake()
      return row(near).refusal
    })
    .toBe('it holds another one')
  expect(sent).toEqual(['arm near', 'disarm near', 'arm near', 'disarm near'])
  await armer.stop()
})

test('a stop finds a refused curve that may stand, and takes it back', async () => {
  let isLinked = false
  const { armer, sent, row, takeBack } = gatewayOf(
    async (armed) => {
      if (armed !== null) throw notHeld
      if (!isLinked) throw linkDropped
    },
    [near],
  )
  armer.wake()
  await expect.poll(() => sent).toContain('disarm near')
  isLinked = true
  takeBack()
  await expect
    .poll(() => {
      armer.wake()
      return row(near).disarmedAt
    })
    .toBeDefined()
  expect(sent).toEqual(['arm near', 'disarm near', 'disarm near'])
  await armer.stop()
})

const later = callId('later')

function ofVoltage(id: ResourceId): Arming {
  const { callId: _call, droop: _droop, ...wanted } = arming(id)
  const { curves, responseMs } = VOLTAGE.voltage
  const armed = { answers: 'voltage', curves, responseMs, ratedW: 5000, recording: null } as const
  return { ...wanted, callId: later, ...armed }
}

test('a droop is taken back also where the voltage curves of another call stand', async () => {
  const rows = [arming(near), ofVoltage(near)]
  const { armer, sent, row, takeBack } = gatewayOf(async () => {}, [near], rows)
  armer.wake()
  await expect.poll(() => row(near, later).armedAt).not.toBeNull()
  takeBack(call)
  await expect.poll(() => row(near).disarmedAt).toBeDefined()
  expect(sent).toEqual(['arm near', 'arm near by voltage', 'disarm near'])
  expect(row(near, later).disarmedAt).toBeUndefined()
  await armer.stop()
})

test('a droop whose place another call has taken is not taken back', async () => {
  let isLocal = true
  const { armer, sent, row, want, takeBack } = gatewayOf(
    async (armed) => {
      if (armed === null && isLocal) throw new DomainError('device-refused', 'it is in LOCAL')
    },
    [near],
  )
  armer.wake()
  await expect.poll(() => row(near).armedAt).not.toBeNull()
  takeBack(call)
  await expect.poll(() => sent).toContain('disarm near')
  want({ ...arming(near), callId: later })
  await expect
    .poll(() => {
      armer.wake()
      return row(near, later).armedAt
    })
    .not.toBeNull()
  isLocal = false
  armer.wake()
  await expect.poll(() => row(near).disarmedAt).toBeDefined()
  expect(sent.at(-1)).toBe('arm near')
  await armer.stop()
})
