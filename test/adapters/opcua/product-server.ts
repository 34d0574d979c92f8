import {
  CreateMonitoredItemsRequest,
  CreateSubscriptionRequest,
  DataType,
  MessageSecurityMode,
  nodesets,
  type OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  StatusCodes,
  type UAObject,
  type UAVariable,
  Variant,
} from 'node-opcua'
import { thumbprintOf } from '#adapters/opcua/certificates.ts'
import { type PointName, pointsOf, type Product } from '#adapters/opcua/product.ts'
import { toPoint } from '#adapters/opcua/wire.ts'

export type ProductServer = {
  readonly port: number
  readonly thumbprint: string
  /** What was written by clients, in order, as it stood on the wire. */
  readonly writes: { point: PointName; value: unknown }[]
  get(name: PointName): unknown
  /** Sets a point in W, Wh, % or as a code. */
  set(name: PointName, value: number | boolean): void
  stop(): Promise<void>
}

const written: readonly PointName[] = [
  'ActivePowerSetpoint',
  'SetpointEnable',
  'SetpointMode',
  'RevertEnable',
  'RevertSeconds',
  'ControllerHeartbeat',
]

export type ProductServerOptions = {
  readonly port?: number
  /** Values that differ from the usual ones. */
  readonly values?: Partial<Record<PointName, number | boolean>>
  /** Nobody may write. */
  readonly isReadOnly?: boolean
  readonly user?: { readonly name: string; readonly password: string }
  readonly applicationUri?: string
  readonly policies?: readonly SecurityPolicy[]
  /** At most so long, ms, between two looks at a value and two messages; what is asked counts else. */
  readonly looksEveryMs?: number
}

/** A third party's battery as a real server made of its map, without physics. */
export async function startProductServer(
  manager: OPCUACertificateManager,
  product: Product,
  options: ProductServerOptions = {},
): Promise<ProductServer> {
  const { user } = options
  const server = new OPCUAServer({
    port: options.port ?? 0,
    hostname: '127.0.0.1',
    nodeset_filename: [nodesets.standard],
    serverCertificateManager: manager,
    userCertificateManager: manager,
    securityModes: [MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [...(options.policies ?? [SecurityPolicy.Basic256Sha256])],
    allowAnonymous: user === undefined,
    ...(options.applicationUri === undefined
      ? {}
      : { serverInfo: { applicationUri: options.applicationUri } }),
    ...(user === undefined
      ? {}
      : {
          userManager: {
            isValidUser: (name: string, password: string) =>
              name === user.name && password === user.password,
          },
        }),
  })
  if (options.looksEveryMs !== undefined) lookOften(server, options.looksEveryMs)
  await server.initialize()
  const { variables, writes } = build(server, product, options)
  await server.start()
  const set = (name: PointName, value: number | boolean) => {
    const point = product.points[name]
    const raw = point ? toPoint(point, value) : value
    variables
      .get(name)
      ?.setValueFromSource({ dataType: DataType[point?.type ?? 'Null'], value: raw })
  }
  let beats = 0
  const heartbeat = setInterval(() => {
    beats += 1
    if (product.points.DeviceHeartbeat) set('DeviceHeartbeat', beats)
  }, 250)
  return {
    port: server.endpoints[0]?.port ?? 0,
    thumbprint: thumbprintOf(server.getCertificate()),
    writes,
    get: (name) => variables.get(name)?.readValue().value.value,
    set,
    async stop() {
      clearInterval(heartbeat)
      await server.shutdown(0)
    },
  }
}

/** A server may look and tell more often than it is asked to. */
function lookOften(server: OPCUAServer, mostMs: number): void {
  server.on('request', (request: unknown) => {
    if (request instanceof CreateSubscriptionRequest) {
      request.requestedPublishingInterval = Math.min(request.requestedPublishingInterval, mostMs)
    }
    if (!(request instanceof CreateMonitoredItemsRequest)) return
    for (const { requestedParameters: asked } of request.itemsToCreate ?? []) {
      asked.samplingInterval = Math.min(asked.samplingInterval, mostMs)
    }
  })
}

const usual: Partial<Record<PointName, number | boolean>> = {
  EnergyRating: 10_000,
  MaxChargeRating: 5000,
  MaxDischargeRating: 5000,
  MaxChargePower: 5000,
  MaxDischargePower: 5000,
  StateOfCharge: 50,
}

function build(server: OPCUAServer, product: Product, options: ProductServerOptions) {
  const space = server.engine.addressSpace
  if (!space) throw new Error('no address space')
  const namespace = space.registerNamespace(product.namespaceUri)
  const objects = new Map<string, UAObject>()
  const objectAt = (path: readonly string[]): UAObject => {
    const key = path.join('/')
    const known = objects.get(key)
    if (known) return known
    const browseName = path.at(-1) ?? ''
    const made =
      path.length === 1
        ? namespace.addObject({ organizedBy: space.rootFolder.objects, browseName })
        : namespace.addObject({ componentOf: objectAt(path.slice(0, -1)), browseName })
    objects.set(key, made)
    return made
  }
  const variables = new Map<PointName, UAVariable>()
  const writes: ProductServer['writes'] = []
  for (const name of pointsOf(product)) {
    const point = product.points[name]
    if (!point) continue
    const path = [...product.object, ...point.path]
    const value =
      options.values?.[name] ?? usual[name] ?? (name === 'ControlMode' ? !product.localMode : 0)
    const variable = namespace.addVariable({
      componentOf: objectAt(path.slice(0, -1)),
      browseName: path.at(-1) ?? '',
      dataType: DataType[point.type],
      value: { dataType: DataType[point.type], value: toPoint(point, value) },
      accessLevel: written.includes(name) ? 'CurrentRead | CurrentWrite' : 'CurrentRead',
      userAccessLevel:
        written.includes(name) && !options.isReadOnly
          ? 'CurrentRead | CurrentWrite'
          : 'CurrentRead',
      minimumSamplingInterval: 100,
    })
    if (written.includes(name)) {
      let held: unknown = toPoint(point, value)
      const dataType = DataType[point.type]
      variable.bindVariable(
        {
          get: () => new Variant({ dataType, value: held }),
          set: (given: Variant) => {
            held = given.value
            if (name !== 'ControllerHeartbeat') writes.push({ point: name, value: held })
            return StatusCodes.Good
          },
        },
        true,
      )
    }
    variables.set(name, variable)
  }
  return { variables, writes }
}
