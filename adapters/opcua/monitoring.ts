import type { ClientMonitoredItem, ClientSession, DataValue } from 'node-opcua'
import type { Opcua } from './library.ts'
import { followMessages } from './missed-notifications.ts'
import type { VariableName } from './node-map.ts'

export type MonitoringListener = {
  /** The value of MeterRecord, as it came; after an interruption perhaps twice or out of order. */
  record(value: unknown): void
  /** DeviceHeartbeat changed. */
  heartbeat(): void
}

export type Monitoring = {
  /** How often the server looks at MeterRecord, ms; 0: it tells every change. */
  readonly samplingMs: number
  /** Fetches records lost in an interruption; answers how many messages are gone for good. */
  fetchMissed(): Promise<number>
}

/** Kept by the server while we do not read; at two records a second this is most of a minute. */
const meterRecordQueue = 100
const heartbeatSamplingMs = 500
const publishingMs = 200
/** How long the server keeps a subscription that nobody asks for. */
const lifetimeMs = 30_000

/** One subscription with two items: the records, each of them, and the sign of life. */
export async function monitor(
  opcua: Opcua,
  session: ClientSession,
  nodeId: (name: string) => string,
  listener: MonitoringListener,
): Promise<Monitoring> {
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: publishingMs,
    requestedMaxKeepAliveCount: 10,
    requestedLifetimeCount: lifetimeMs / publishingMs,
    maxNotificationsPerPublish: 1000,
    publishingEnabled: true,
    priority: 1,
  })
  const item = (
    name: VariableName,
    parameters: { samplingInterval: number; queueSize: number },
    changed: (value: unknown) => void,
  ) =>
    new Promise<ClientMonitoredItem>((resolve, reject) => {
      // The handlers are there before the answer is: the first value cannot slip through.
      const one = opcua.ClientMonitoredItem.create(
        subscription,
        { nodeId: nodeId(name), attributeId: opcua.AttributeIds.Value },
        { ...parameters, discardOldest: true },
        opcua.TimestampsToReturn.Neither,
      )
      one.on('changed', (value: DataValue) => {
        if (value.statusCode.isGood()) changed(value.value.value)
      })
      one.on('initialized', () => resolve(one))
      one.on('err', (message) => reject(new Error(`${name}: not monitored: ${message}`)))
    })
  let record: ClientMonitoredItem | null = null
  const missed = followMessages(opcua, session, subscription, (clientHandle, value) => {
    if (clientHandle === record?.monitoringParameters.clientHandle) listener.record(value)
  })
  const [made] = await Promise.all([
    item('MeterRecord', { samplingInterval: 0, queueSize: meterRecordQueue }, (value) =>
      listener.record(value),
    ),
    item('DeviceHeartbeat', { samplingInterval: heartbeatSamplingMs, queueSize: 1 }, () =>
      listener.heartbeat(),
    ),
  ])
  record = made
  return {
    samplingMs: made.result?.revisedSamplingInterval ?? 0,
    fetchMissed: () => missed.fetch(),
  }
}
