import type { ClientSession, DataValue, OPCUAClient } from 'node-opcua'
import type { Timer } from '#ports.ts'
import { disconnect, type Endpoint, identityOf, type StackContext } from './endpoint.ts'
import type { Opcua } from './library.ts'
import { type Monitoring, type MonitoringListener, monitor } from './monitoring.ts'
import { batteryMap, type MethodName, type VariableName } from './node-map.ts'

/** What a session tells while it lives. None of them may throw. */
export type SessionListener = MonitoringListener & {
  /** The connection broke; the library tries to mend it. */
  lost(): void
  /** The server came back with a certificate that is not the trusted one, or no valid one. */
  certificateRefused(thumbprint: string): void
}

export type Argument = { readonly type: 'Double' | 'DateTime' | 'UInt32'; readonly value: unknown }

/** One client with one session on one battery. Once closed it sends nothing more. */
export type BatterySession = {
  /** @throws Error naming the variable whose status is not Good or whose type is another. */
  read(names: readonly VariableName[]): Promise<ReadonlyMap<VariableName, unknown>>
  /** @throws Error naming the variable and the status. */
  write(name: VariableName, type: Argument['type'], value: unknown): Promise<void>
  /** The method's result. @throws CallRefused where the server itself turns the call down. */
  call(method: MethodName, args: readonly Argument[]): Promise<unknown>
  /** Has the server's table of namespaces stayed as it was when the session began? */
  sameNamespaces(): Promise<boolean>
  /** Starts the notifications. */
  subscribe(): Promise<Monitoring>
  close(): Promise<void>
}

/** The server answered a call with a status that is not Good. */
export class CallRefused extends Error {}

const sessionTimeoutMs = 30_000
const requestTimeoutMs = 5_000

/** Connects, with the certificate already compared, and opens a session. */
export async function openSession(
  { opcua, timer, log, pki }: StackContext,
  endpoint: Endpoint,
  listener: SessionListener,
): Promise<BatterySession> {
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
    requestedSessionTimeout: sessionTimeoutMs,
    defaultTransactionTimeout: requestTimeoutMs,
    transportTimeout: requestTimeoutMs,
    keepSessionAlive: false,
  })
  client.on('connection_lost', () => listener.lost())
  const close = () => disconnect(timer, log, client)
  try {
    const opening = connect(client, endpoint.url)
    const session = await timer.deadline(
      opening,
      2 * requestTimeoutMs,
      `a session at ${endpoint.url}`,
    )
    return await sessionOn(opcua, timer, session, listener, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function connect(client: OPCUAClient, url: string): Promise<ClientSession> {
  await client.connect(url)
  return await client.createSession()
}

async function sessionOn(
  opcua: Opcua,
  timer: Timer,
  session: ClientSession,
  listener: SessionListener,
  close: () => Promise<void>,
): Promise<BatterySession> {
  // The library may keep a request for after a reconnect: no promise of its own may settle late.
  const within = <T>(request: Promise<T>, what: string) =>
    timer.deadline(request, requestTimeoutMs, `the battery's answer to ${what}`)
  const namespaces = await within(session.readNamespaceArray(), 'its namespaces')
  const index = namespaces.indexOf(batteryMap.namespaceUri)
  if (index < 0) {
    throw new Error(
      `expected a battery of ${batteryMap.namespaceUri}, got a server of ${namespaces.join(', ')}`,
    )
  }
  const nodeId = (name: string) => `ns=${index};s=${name}`
  return {
    async read(names) {
      const wanted = names.map((name) => ({
        nodeId: nodeId(name),
        attributeId: opcua.AttributeIds.Value,
      }))
      const values = await within(session.read(wanted), `a read of ${names.length} variables`)
      return new Map(names.map((name, i) => [name, goodValue(opcua, name, values[i])]))
    },
    async write(name, type, value) {
      const writing = session.write({
        nodeId: nodeId(name),
        attributeId: opcua.AttributeIds.Value,
        value: { value: { dataType: opcua.DataType[type], value } },
      })
      const status = await within(writing, `a write of ${name}`)
      if (!status.isGood()) throw new Error(`${name}: expected to write it, got ${status.name}`)
    },
    async call(method, args) {
      const calling = session.call({
        objectId: nodeId(batteryMap.object),
        methodId: nodeId(method),
        inputArguments: args.map(({ type, value }) => ({ dataType: opcua.DataType[type], value })),
      })
      const { statusCode, outputArguments } = await within(calling, method)
      if (!statusCode.isGood())
        throw new CallRefused(`${method}: the server says ${statusCode.name}`)
      return outputArguments?.[0]?.value
    },
    async sameNamespaces() {
      const now = await within(session.readNamespaceArray(), 'its namespaces')
      return now.indexOf(batteryMap.namespaceUri) === index
    },
    async subscribe() {
      const monitoring = await within(monitor(opcua, session, nodeId, listener), 'a subscription')
      return {
        ...monitoring,
        fetchMissed: () => within(monitoring.fetchMissed(), 'what was missed'),
      }
    },
    close,
  }
}

function goodValue(opcua: Opcua, name: VariableName, value: DataValue | undefined): unknown {
  const expected = batteryMap.variables[name]
  const type = value?.statusCode.isGood() ? opcua.DataType[value.value.dataType] : null
  if (type === expected) return value?.value.value
  throw new Error(
    `${name}: expected ${expected}, got ${type ?? value?.statusCode.name ?? 'nothing'}`,
  )
}
