import type {
  ClientMonitoredItem,
  ClientMonitoredItemBase,
  ClientSession,
  ClientSubscription,
  DataValue,
  NodeId,
} from 'node-opcua'
import type { Opcua } from './library.ts'
import { followMessages } from './missed-notifications.ts'
import type { PointName } from './product.ts'
import { ownPace } from './pace.ts'

/** What the notifications of a battery bring. None of them may throw. */
export type MonitoringListener = {
  /** The value of MeterRecord, as it came; after an interruption perhaps twice or out of order. */
  record(value: unknown): void
  /** A point has another value now, as it stands on the wire. */
  changed(name: PointName, value: unknown): void
  /** A message came, with values or to say that there are none. */
  alive(which: 'fast' | 'slow'): void
}

export type Monitoring = {
  /** How often the server looks at MeterRecord, ms; 0: it tells every change; null: it has none. */
  readonly samplingMs: number | null
  /** Fetches records lost in an interruption; answers how many messages are gone for good. */
  fetchMissed(): Promise<number>
}

/** How often a subscription tells, looks and says that it lives; ms of wall time. */
export type Rhythm = {
  readonly publishingMs: number
  readonly samplingMs: number
  readonly keepAliveCount: number
  readonly lifetimeMs: number
}

/**
 * Power, state of charge, state, sign of life. One message a second is enough in real time, and what
 * a thousand batteries in one process cost; where business time runs faster, records come faster.
 */
export function fastRhythm(speed: number, id = ''): Rhythm {
  return speed > 1
    ? { publishingMs: 200, samplingMs: 500, keepAliveCount: 10, lifetimeMs: 30_000 }
    : { publishingMs: ownPace(id, 1000), samplingMs: 500, keepAliveCount: 2, lifetimeMs: 30_000 }
}

/** Limits, ratings, mode. */
const slowRhythm: Rhythm = {
  publishingMs: 5000,
  samplingMs: 5000,
  keepAliveCount: 2,
  lifetimeMs: 60_000,
}

const fastPoints: readonly PointName[] = [
  'ActivePower',
  'StateOfCharge',
  'OperatingState',
  'SetpointEnable',
  'DeviceHeartbeat',
]
const slowPoints: readonly PointName[] = [
  'EnergyRating',
  'MaxChargeRating',
  'MaxDischargeRating',
  'MaxChargePower',
  'MaxDischargePower',
  'ControlMode',
]
/** Kept by the server while we do not read; at two records a second this is most of a minute. */
const meterRecordQueue = 100
const valueQueue = 2

/** Two subscriptions: what changes all the time with every record, and what changes seldom. */
export async function monitor(
  opcua: Opcua,
  session: ClientSession,
  nodeIds: ReadonlyMap<PointName, NodeId>,
  listener: MonitoringListener,
  fast: Rhythm,
): Promise<Monitoring> {
  const subscribe = async (which: 'fast' | 'slow', points: readonly PointName[]) => {
    const rhythm = which === 'fast' ? fast : slowRhythm
    const { publishingMs, samplingMs, keepAliveCount, lifetimeMs } = rhythm
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: publishingMs,
      requestedMaxKeepAliveCount: keepAliveCount,
      requestedLifetimeCount: Math.ceil(lifetimeMs / publishingMs),
      maxNotificationsPerPublish: 1000,
      publishingEnabled: true,
      priority: which === 'fast' ? 1 : 0,
    })
    subscription.on('received_notifications', () => listener.alive(which))
    subscription.on('keepalive', () => listener.alive(which))
    return { subscription, add: () => addGroup(opcua, subscription, samplingMs, points) }
  }
  const addGroup = async (
    ...[stack, subscription, samplingMs, points]: [
      Opcua,
      ClientSubscription,
      number,
      readonly PointName[],
    ]
  ) => {
    const there = points.filter((name) => nodeIds.has(name))
    if (there.length === 0) return
    const refused = await monitorGroup(stack, subscription, samplingMs, there, nodeIds, listener)
    if (refused.length > 0) throw new Error(`not monitored: ${refused.join(', ')}`)
  }
  const often = await subscribe('fast', fastPoints)
  const records = await monitorRecords(opcua, session, often.subscription, nodeIds, listener)
  await often.add()
  const seldom = await subscribe('slow', slowPoints)
  await seldom.add()
  return records
}

/** Several points in one request; answers those that the server does not watch, and why. */
function monitorGroup(
  opcua: Opcua,
  subscription: ClientSubscription,
  samplingInterval: number,
  names: readonly PointName[],
  nodeIds: ReadonlyMap<PointName, NodeId>,
  listener: MonitoringListener,
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const group = opcua.ClientMonitoredItemGroup.create(
      subscription,
      names.map((name) => ({
        nodeId: nodeIds.get(name) ?? null,
        attributeId: opcua.AttributeIds.Value,
      })),
      { samplingInterval, queueSize: valueQueue, discardOldest: true },
      opcua.TimestampsToReturn.Neither,
    )
    group.on('changed', (_item: ClientMonitoredItemBase, value: DataValue, index: number) => {
      const name = names[index]
      if (name !== undefined && value.statusCode.isGood()) listener.changed(name, value.value.value)
    })
    group.on('initialized', () =>
      resolve(
        names.flatMap((name, i) => {
          const status = group.monitoredItems[i]?.statusCode
          return status?.isGood() ? [] : [`${name} ${status?.name}`]
        }),
      ),
    )
    group.on('err', (message) => reject(new Error(`not monitored: ${message}`)))
  })
}

/** Every record, also those that the library's recovery skips. */
async function monitorRecords(
  opcua: Opcua,
  session: ClientSession,
  subscription: ClientSubscription,
  nodeIds: ReadonlyMap<PointName, NodeId>,
  listener: MonitoringListener,
): Promise<Monitoring> {
  const nodeId = nodeIds.get('MeterRecord')
  if (nodeId === undefined) return { samplingMs: null, fetchMissed: async () => 0 }
  let record: ClientMonitoredItem | null = null
  const missed = followMessages(opcua, session, subscription, (clientHandle, value) => {
    if (clientHandle === record?.monitoringParameters.clientHandle) listener.record(value)
  })
  record = await new Promise<ClientMonitoredItem>((resolve, reject) => {
    // The handlers are there before the answer is: the first value cannot slip through.
    const one = opcua.ClientMonitoredItem.create(
      subscription,
      { nodeId, attributeId: opcua.AttributeIds.Value },
      { samplingInterval: 0, queueSize: meterRecordQueue, discardOldest: true },
      opcua.TimestampsToReturn.Neither,
    )
    one.on('changed', (value: DataValue) => {
      if (value.statusCode.isGood()) listener.record(value.value.value)
    })
    one.on('initialized', () => resolve(one))
    one.on('err', (message) => reject(new Error(`MeterRecord: not monitored: ${message}`)))
  })
  return {
    samplingMs: record.result?.revisedSamplingInterval ?? 0,
    fetchMissed: () => missed.fetch(),
  }
}
