import { createHash, X509Certificate } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import {
  type AddressSpace,
  type CallbackT,
  type CallMethodResultOptions,
  DataType,
  MessageSecurityMode,
  nodesets,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  type ServerSecureChannelLayer,
  type ISessionContext,
  StatusCodes,
  type UAVariable,
  Variant,
  VariantArrayType,
} from 'node-opcua'

const model = fileURLToPath(import.meta.resolve('#adapters/opcua/gridcall-bess.xml'))

export type BatteryServer = {
  readonly port: number
  readonly thumbprint: string
  /** What was asked of the battery and what it answered, oldest first. */
  readonly orders: {
    method: string
    setpoint?: number
    validUntil?: number
    sequence: number
    result: number
  }[]
  /** The device's clock, ms. */
  now: number
  get(name: string): unknown
  set(name: string, value: unknown): void
  record(stamp: number, powerW: number, importedWh: number, exportedWh: number, soc: number): void
  /** Lets the setpoint expire if its time has come. */
  expire(): void
  stop(): Promise<void>
}

export async function serverPki(folder: string): Promise<OPCUACertificateManager> {
  const manager = new OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  })
  await manager.initialize()
  manager.referenceCounter += 100 // shared by servers that come and go
  return manager
}

export async function trust(manager: OPCUACertificateManager, pem: string): Promise<void> {
  await manager.trustCertificate(new X509Certificate(pem).raw)
}

/** A battery as a real server, made of the NodeSet file, with a heartbeat and no physics. */
export async function startBatteryServer(
  manager: OPCUACertificateManager,
  options: {
    port?: number
    mode?: MessageSecurityMode
    prepare?: (space: AddressSpace) => void
    channel?: (channel: ServerSecureChannelLayer) => void
  } = {},
): Promise<BatteryServer> {
  const mode = options.mode ?? MessageSecurityMode.SignAndEncrypt
  const server = new OPCUAServer({
    port: options.port ?? 0,
    hostname: '127.0.0.1',
    nodeset_filename: [nodesets.standard, model],
    serverCertificateManager: manager,
    securityModes: [mode],
    securityPolicies:
      mode === MessageSecurityMode.None
        ? [SecurityPolicy.None]
        : [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
    allowAnonymous: true,
    maxConnectionsPerEndpoint: 500,
    serverCapabilities: {
      minSupportedSampleRate: 0, // every record, however close to the last
      maxSessions: 500,
      maxSubscriptions: 1000,
    },
  })
  await server.initialize()
  const space = server.engine.addressSpace
  if (!space) throw new Error('no address space')
  options.prepare?.(space)
  const battery = wire(space)
  battery.set('MaxChargeRating', 5000)
  battery.set('MaxDischargeRating', 5000)
  battery.set('StateOfCharge', 50)
  if (options.channel) server.on('newChannel', options.channel)
  await server.start()
  const heartbeat = setInterval(() => {
    battery.set('DeviceHeartbeat', (Number(battery.get('DeviceHeartbeat')) + 1) % 2 ** 32)
  }, 250)
  const certificate = server.getCertificate()
  return Object.assign(battery, {
    port: server.endpoints[0]?.port ?? 0,
    thumbprint: createHash('sha1').update(certificate).digest('hex').toUpperCase(),
    async stop() {
      clearInterval(heartbeat)
      await server.shutdown(0)
    },
  })
}

function wire(space: AddressSpace): Omit<BatteryServer, 'port' | 'thumbprint' | 'stop'> {
  const index = space.getNamespaceIndex('urn:gridcall:bess')
  const variable = (name: string) => space.findNode(`ns=${index};s=${name}`) as UAVariable
  const set = (name: string, value: unknown) => {
    const node = variable(name)
    const dataType = node.dataTypeObj.browseName.name as keyof typeof DataType
    node.setValueFromSource({ dataType: DataType[dataType], value })
  }
  let newest = 0
  const battery = {
    orders: [] as BatteryServer['orders'],
    now: 1_700_000_000_000,
    get: (name: string) => variable(name).readValue().value.value,
    set,
    record(...values: [number, number, number, number, number]) {
      variable('MeterRecord').setValueFromSource({
        dataType: DataType.Double,
        arrayType: VariantArrayType.Array,
        value: Float64Array.from(values),
      })
    },
    expire() {
      if (battery.now < (battery.get('SetpointValidUntil') as Date).getTime()) return
      set('SetpointEnable', false)
    },
  }
  const judge = (sequence: number, validUntil?: number, setpoint?: number) => {
    if (battery.get('ControlMode') === 1) return 1
    if (sequence <= newest) return 2
    if (validUntil !== undefined && validUntil <= battery.now) return 3
    if (setpoint !== undefined && Math.abs(setpoint) > 5000) return 4
    newest = sequence
    return 0
  }
  bind(
    space,
    index,
    'SetActivePower',
    ([setpoint, validUntil, sequence]: [number, Date, number]) => {
      const until = validUntil.getTime()
      const result = judge(sequence, until, setpoint)
      battery.orders.push({
        method: 'SetActivePower',
        setpoint,
        validUntil: until,
        sequence,
        result,
      })
      if (result !== 0) return result
      set('ActivePowerSetpoint', setpoint)
      set('SetpointValidUntil', validUntil)
      set('SetpointEnable', true)
      return result
    },
  )
  bind(space, index, 'ReleaseSetpoint', ([sequence]: [number]) => {
    const result = judge(sequence)
    battery.orders.push({ method: 'ReleaseSetpoint', sequence, result })
    if (result === 0) set('SetpointEnable', false)
    return result
  })
  return battery
}

function bind<Inputs extends unknown[]>(
  space: AddressSpace,
  index: number,
  name: string,
  run: (inputs: Inputs) => number,
): void {
  const method = space.findMethod(`ns=${index};s=${name}`)
  method?.bindMethod(
    (inputs: Variant[], _context: ISessionContext, done: CallbackT<CallMethodResultOptions>) => {
      const values = inputs.map((input): unknown => input.value)
      const result = new Variant({ dataType: DataType.Int32, value: run(values as Inputs) })
      done(null, { statusCode: StatusCodes.Good, outputArguments: [result] })
    },
  )
}
