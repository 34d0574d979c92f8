import type { ClientSession, DataValue, OPCUAClient, StatusCode } from 'node-opcua'
import { assert } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { Timer } from '#ports.ts'
import {
  disconnect,
  type Endpoint,
  identityOf,
  type StackContext,
  tokenRenewalInterval,
} from './endpoint.ts'
import { identityFor, type UserKind } from './identity.ts'
import type { Opcua } from './library.ts'
import { type Monitoring, type MonitoringListener, monitor, type Rhythm } from './monitoring.ts'
import { findNodes, type Nodes } from './nodes.ts'
import type { Point, PointName, Product } from './product.ts'
import { fromPoint, toPoint } from './wire.ts'

/** What a session tells while it lives. None of them may throw. */
export type SessionListener = MonitoringListener & {
  /** The connection broke; the library tries to mend it. */
  lost(): void
  /** The server came back with a certificate that is not the trusted one, or no valid one. */
  certificateRefused(thumbprint: string): void
}

export type Argument = { readonly type: 'Double' | 'DateTime' | 'UInt32'; readonly value: unknown }

/** As the server names itself; null where it does not. */
export type Nameplate = Record<'make' | 'model' | 'firmware', string | null>

/** One client with one session on one battery. Once closed it sends nothing more. */
export type BatterySession = {
  has(name: PointName): boolean
  /**
   * Values in W, Wh, %, s; points that this battery does not have are left out.
   * @throws Error naming the point whose status is not Good or whose type is another.
   */
  read(names: readonly PointName[]): Promise<ReadonlyMap<PointName, unknown>>
  /** Writes in one service call. @throws Refused naming the point and the status. */
  write(values: readonly (readonly [PointName, number | boolean])[]): Promise<void>
  hasMethod(name: string): boolean
  /** The method's result. @throws Refused where the server itself turns the call down. */
  call(method: string, args: readonly Argument[]): Promise<unknown>
  nameplate(): Promise<Nameplate>
  /** Has the server's table of namespaces stayed as it was when the session began? */
  sameNamespaces(): Promise<boolean>
  /** Starts the notifications. */
  subscribe(fast: Rhythm): Promise<Monitoring>
  close(): Promise<void>
}

/** The server answered a call or a write with a status that is not Good. */
export class Refused extends Error {}

const sessionTimeoutMs = 60_000
const requestTimeoutMs = 5_000
/** Several requests, one after the other, each with a deadline of its own. */
const setUpDeadlineMs = 15_000
/**
 * The library takes a buffer of this size for every request. Ours are small: the least that the
 * standard allows (Part 6, 7.1.2.3) spares a process with many batteries most of its garbage.
 */
const sendBufferSize = 8192

export type SessionOptions = {
  readonly resource: Resource
  readonly product: Product
  readonly user: UserKind
  readonly endpoint: Endpoint
}

/** Connects, with the certificate already compared, and opens a session. */
export async function openSession(
  { opcua, timer, log, pki }: StackContext,
  { resource, product, user, endpoint }: SessionOptions,
  listener: SessionListener,
): Promise<BatterySession> {
  const identity = await identityFor(opcua, pki, user, resource.id)
  const client = opcua.OPCUAClient.create({
    ...identityOf(pki),
    endpointMustExist: false,
    securityMode: opcua.MessageSecurityMode.SignAndEncrypt,
    securityPolicy: endpoint.policyUri,
    serverCertificate: endpoint.certificate,
    clientCertificateManager: pki.pinned(endpoint.thumbprint, (thumbprint) => {
      if (thumbprint !== endpoint.thumbprint) listener.certificateRefused(thumbprint)
    }),
    connectionStrategy: { maxRetry: 1, initialDelay: 200, maxDelay: 1000 },
    tokenRenewalInterval,
    requestedSessionTimeout: sessionTimeoutMs,
    defaultTransactionTimeout: requestTimeoutMs,
    transportTimeout: requestTimeoutMs,
    keepSessionAlive: false,
    transportSettings: { sendBufferSize },
  })
  client.on('connection_lost', () => listener.lost())
  const close = () => disconnect(timer, log, client)
  const connect = async (one: OPCUAClient) => {
    await one.connect(endpoint.url)
    return await one.createSession(identity)
  }
  try {
    const what = `a session at ${endpoint.url}`
    const session = await timer.deadline(connect(client), setUpDeadlineMs, what)
    const finding = findNodes(opcua, session, product)
    const nodes = await timer.deadline(finding, setUpDeadlineMs, 'the battery to be found')
    return sessionOn(opcua, timer, { session, product, nodes, listener, close })
  } catch (error) {
    await close()
    throw error
  }
}

type Opened = {
  readonly session: ClientSession
  readonly product: Product
  readonly nodes: Nodes
  readonly listener: SessionListener
  close(): Promise<void>
}

function sessionOn(opcua: Opcua, timer: Timer, opened: Opened): BatterySession {
  const { session, product, nodes, listener, close } = opened
  const attributeId = opcua.AttributeIds.Value
  // The library may keep a request for after a reconnect: no promise of its own may settle late.
  const within = <T>(request: Promise<T>, what: string) =>
    timer.deadline(request, requestTimeoutMs, `the battery's answer to ${what}`)
  const nodeOf = (name: PointName) => {
    const nodeId = nodes.points.get(name)
    const point = product.points[name]
    assert(nodeId !== undefined && point !== undefined, `${product.name} has ${name}`)
    return { nodeId, point }
  }
  return {
    has: (name) => nodes.points.has(name),
    hasMethod: (name) => nodes.methods.has(name),
    async read(names) {
      const there = names.filter((name) => nodes.points.has(name))
      const wanted = there.map((name) => ({ nodeId: nodeOf(name).nodeId, attributeId }))
      const values = await within(session.read(wanted), `a read of ${there.length} variables`)
      return new Map(
        there.map((name, i) => [name, goodValue(opcua, name, nodeOf(name).point, values[i])]),
      )
    },
    async write(values) {
      const names = values.map(([name]) => name).join(', ')
      const wanted = values.map(([name, value]) => {
        const { nodeId, point } = nodeOf(name)
        const dataType = opcua.DataType[point.type]
        return { nodeId, attributeId, value: { value: { dataType, value: toPoint(point, value) } } }
      })
      const statuses = await within(session.write(wanted), `a write of ${names}`)
      const bad = statuses.findIndex((status) => !status.isGood())
      const status = statuses[bad]
      if (status !== undefined) throw new Refused(`${values[bad]?.[0]}: ${inWords(status)}`)
    },
    async call(method, args) {
      const calling = session.call({
        objectId: nodes.object,
        methodId: nodes.methods.get(method) ?? null,
        inputArguments: args.map(({ type, value }) => ({
          dataType: opcua.DataType[type],
          value,
          ...(value instanceof Float64Array ? { arrayType: opcua.VariantArrayType.Array } : {}),
        })),
      })
      const { statusCode, outputArguments } = await within(calling, method)
      if (!statusCode.isGood()) throw new Refused(`${method}: ${inWords(statusCode)}`)
      return outputArguments?.[0]?.value
    },
    nameplate: () => within(readNameplate(opcua, session), 'its name'),
    async sameNamespaces() {
      const now = await within(session.readNamespaceArray(), 'its namespaces')
      return now.indexOf(product.namespaceUri) === nodes.namespaceIndex
    },
    async subscribe(fast) {
      const subscribing = monitor(opcua, session, nodes.points, listener, fast)
      const monitoring = await timer.deadline(subscribing, setUpDeadlineMs, 'its subscriptions')
      const fetchMissed = () => within(monitoring.fetchMissed(), 'what was missed')
      return { ...monitoring, fetchMissed }
    },
    close,
  }
}

/** Server_ServerStatus_BuildInfo (Part 5, 12.4): manufacturer, product, software version. */
async function readNameplate(opcua: Opcua, session: ClientSession): Promise<Nameplate> {
  const ids = ['i=2263', 'i=2261', 'i=2264']
  const attributeId = opcua.AttributeIds.Value
  const values = await session.read(ids.map((nodeId) => ({ nodeId, attributeId })))
  const text = (value: DataValue | undefined) => {
    const said: unknown = value?.statusCode.isGood() ? value.value.value : null
    return typeof said === 'string' && said.trim() !== '' ? said.trim().slice(0, 100) : null
  }
  return { make: text(values[0]), model: text(values[1]), firmware: text(values[2]) }
}

function inWords(status: StatusCode): string {
  switch (status.name) {
    case 'BadUserAccessDenied':
      return 'our user may not do this at the battery (BadUserAccessDenied)'
    case 'BadNotWritable':
      return 'the battery lets nobody write it (BadNotWritable)'
    case 'BadOutOfRange':
      return "the value is outside the battery's range (BadOutOfRange)"
    default:
      return `the server says ${status.name}`
  }
}

function goodValue(opcua: Opcua, name: PointName, point: Point, value: DataValue | undefined) {
  const type = value?.statusCode.isGood() ? opcua.DataType[value.value.dataType] : null
  if (type === point.type) return fromPoint(point, value?.value.value)
  throw new Error(
    `${name}: expected ${point.type}, got ${type ?? value?.statusCode.name ?? 'nothing'}`,
  )
}
