import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  AttributeIds,
  ClientMonitoredItem,
  type ClientSession,
  type ClientSubscription,
  MessageSecurityMode,
  type NotificationMessage,
  OPCUAClient,
} from 'node-opcua'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadOpcua, type Opcua } from '#adapters/opcua/library.ts'
import { followMessages } from '#adapters/opcua/missed-notifications.ts'
import { type BatteryServer, serverPki, startBatteryServer } from './battery-server.ts'
import { recorder, until } from './world.ts'

/** The library's part that tells the server which messages have arrived. */
type WithEngine = ClientSubscription & {
  readonly publishEngine: { acknowledge_notification(id: number, sequence: number): void }
}

let folder: string
let opcua: Opcua
let server: BatteryServer
let client: OPCUAClient
let session: ClientSession
let subscription: WithEngine
let item: ClientMonitoredItem
const arrived: NotificationMessage[] = []

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-missed-'))
  opcua = await loadOpcua(recorder().log)
  const manager = await serverPki(folder)
  server = await startBatteryServer(manager, { mode: MessageSecurityMode.None })
  client = OPCUAClient.create({ endpointMustExist: false, clientCertificateManager: manager })
  await client.connect(`opc.tcp://127.0.0.1:${server.port}`)
  session = await client.createSession()
  const settings = { requestedPublishingInterval: 50, publishingEnabled: true }
  subscription = (await session.createSubscription2(settings)) as WithEngine
  subscription.on('raw_notification', (message: NotificationMessage) => arrived.push(message))
  const index = (await session.readNamespaceArray()).indexOf('urn:gridcall:bess')
  item = ClientMonitoredItem.create(
    subscription,
    { nodeId: `ns=${index};s=MeterRecord`, attributeId: AttributeIds.Value },
    { samplingInterval: 0, queueSize: 100, discardOldest: true },
  )
  await until('the first value', () =>
    arrived.some(({ notificationData }) => notificationData?.length === 1),
  )
}, 60_000)

afterAll(async () => {
  await client?.disconnect()
  await server?.stop()
  await rm(folder, { recursive: true })
})

/** Records of their own messages, of which those that `lost` chooses do not reach the follower. */
async function withLosses(stamps: readonly number[], lost: (stamp: number) => boolean) {
  const line = Object.assign(new EventEmitter(), { subscriptionId: subscription.subscriptionId })
  const fetched: unknown[] = []
  const follower = followMessages(
    opcua,
    session,
    line as unknown as ClientSubscription,
    (handle, value) => fetched.push([handle, ...(value as Float64Array).subarray(0, 1)]),
  )
  for (const stamp of stamps) {
    const before = arrived.length
    server.record(stamp, 0, 0, 0, 50)
    await until('the message', () => arrived.length > before)
    if (!lost(stamp)) line.emit('raw_notification', arrived.at(-1))
  }
  return { follower, fetched }
}

test('what the server has thrown away is counted as gone', async () => {
  const { follower, fetched } = await withLosses([1, 2, 3, 4, 5], (stamp) => stamp === 2)
  expect(await follower.fetch()).toBe(1)
  expect(fetched).toEqual([])
  expect(await follower.fetch()).toBe(0)
})

test('what the server still has is fetched, oldest first and once', async () => {
  subscription.publishEngine.acknowledge_notification = () => undefined
  const { follower, fetched } = await withLosses([11, 12, 13, 14], (stamp) =>
    [12, 13].includes(stamp),
  )
  expect(fetched).toEqual([])
  expect(await follower.fetch()).toBe(0)
  const { clientHandle } = item.monitoringParameters
  expect(fetched).toEqual([
    [clientHandle, 12],
    [clientHandle, 13],
  ])
  expect(await follower.fetch()).toBe(0)
  expect(fetched.length).toBe(2)
})
