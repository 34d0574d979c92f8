import { createHash, X509Certificate } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import {
  type AddressSpace,
  DataType,
  get_mini_nodeset_filename,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  StatusCodes,
  type UAVariable,
  Variant,
  VariantArrayType,
} from 'node-opcua'
import { ACCEPTED, type BatteryReading, BatteryUnit } from './battery-unit.ts'
import { armVoltage, voltageRecording, voltageValues } from './battery-voltage-nodes.ts'
import type { ScenarioBattery } from '../scenarios/scenario.ts'
import type { Instant } from '#domain/time.ts'
import { guardServers } from './opcua-stack.ts'
import { type DeviceHooks, stamp } from './station.ts'

const MODEL = fileURLToPath(import.meta.resolve('#adapters/opcua/gridcall-bess.xml'))
const NAMESPACE = 'urn:gridcall:bess'
const RUNNING = 3
const STANDBY = 7

/** W as the NodeSet counts it: + is discharge. */
const toWire = (importW: number) => (importW === 0 ? 0 : -importW)

/**
 * A battery as an OPC UA server. Only SignAndEncrypt, and only for the one client certificate it is
 * handed. The information model is the adapter's own file, over the small standard nodeset that
 * node-opcua brings: six servers cost about 50 MB and half a second that way, against 200 MB and
 * two seconds with the whole standard nodeset.
 */
export class BatteryOpcua {
  readonly unit: BatteryUnit
  readonly #hooks: DeviceHooks
  readonly #pkiFolder: string
  readonly #port: number
  #server: OPCUAServer | null = null
  #manager: OPCUACertificateManager | null = null
  #heartbeat: NodeJS.Timeout | null = null
  #silent = false
  #variables: ((name: string) => UAVariable) | null = null

  /**
   * @param pkiFolder a folder of its own for key, certificate and trust list
   * @param port 0: any that is free
   */
  constructor(
    device: ScenarioBattery,
    start: number,
    pkiFolder: string,
    hooks: DeviceHooks,
    port = 0,
  ) {
    this.#hooks = hooks
    this.#port = port
    this.#pkiFolder = pkiFolder
    this.unit = new BatteryUnit(device, start, {
      metered: (reading) => this.#record(reading),
      backAtDefault: hooks.backAtDefault,
      reacted: (when, powerW) =>
        hooks.log('reaction', { powerW: Math.round(powerW), powerAt: stamp(when) }),
    })
  }

  get ref(): string {
    return this.unit.device.ref
  }

  /** Listens. @returns where, and the SHA-1 thumbprint of its certificate */
  async start(): Promise<{ endpoint: string; thumbprint: string }> {
    guardServers()
    const manager = new OPCUACertificateManager({
      rootFolder: this.#pkiFolder,
      automaticallyAcceptUnknownCertificate: false,
      disableFileWatchers: true,
      keySize: 2048,
    })
    await manager.initialize()
    this.#manager = manager
    const server = new OPCUAServer({
      port: this.#port,
      host: '127.0.0.1',
      hostname: '127.0.0.1',
      nodesets: [get_mini_nodeset_filename(), MODEL],
      serverInfo: { applicationUri: `urn:gridcall:simulated:${this.ref}` },
      buildInfo: { productName: 'Simulated battery', manufacturerName: 'Gridcall' },
      serverCertificateManager: manager,
      userCertificateManager: manager,
      securityModes: [MessageSecurityMode.SignAndEncrypt],
      securityPolicies: [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
      allowAnonymous: true, // inside the encrypted channel, whose certificate says who it is
      // Else changes within 50 ms are folded into one, and a late physics tick would lose records.
      serverCapabilities: { minSupportedSampleRate: 0 },
      isAuditing: false,
    })
    await server.initialize()
    const space = server.engine.addressSpace
    if (space === null) throw new Error(`${this.ref}: the server has no address space`)
    this.#wire(space)
    await server.start()
    this.#server = server
    server.on('create_session', () => this.#hooks.log('connected'))
    server.on('session_closed', () => this.#hooks.log('disconnected'))
    this.#heartbeat = setInterval(() => this.#beat(), 1000).unref()
    const port = server.endpoints[0]?.port
    return {
      endpoint: `opc.tcp://127.0.0.1:${port}`,
      thumbprint: thumbprintOf(server.getCertificate()),
    }
  }

  /** From now on this client may connect, and no other. */
  async trust(clientCertificatePem: string): Promise<void> {
    await this.#manager?.trustCertificate(new X509Certificate(clientCertificatePem).raw)
  }

  /** Writes no meter records any more. */
  fallSilent(): void {
    this.#silent = true
  }

  /** Stops listening, drops every session. */
  async stop(): Promise<void> {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    const server = this.#server
    this.#server = null
    await server?.shutdown(0)
    await this.#manager?.dispose()
  }

  #wire(space: AddressSpace): void {
    const index = space.getNamespaceIndex(NAMESPACE)
    const variable = (name: string) => {
      const found = space.findNode(`ns=${index};s=${name}`)
      if (found === null) throw new Error(`${MODEL} has no ${name}`)
      return found as UAVariable
    }
    this.#variables = variable
    this.#bindValues(variable)
    this.#bindMethod(space, index, 'SetActivePower', ([setpoint, validUntil, sequence]) =>
      this.#setActivePower(
        Number(setpoint?.value),
        instantOf(validUntil?.value),
        Number(sequence?.value),
      ),
    )
    this.#bindMethod(space, index, 'ReleaseSetpoint', ([sequence]) =>
      this.#release(Number(sequence?.value)),
    )
    this.#bindMethod(space, index, 'ArmFrequencyDroop', (inputs) => this.#armDroop(inputs))
    this.#bindMethod(space, index, 'DisarmFrequencyDroop', ([sequence]) =>
      this.unit.armDroop(null, Number(sequence?.value), this.#hooks.now()),
    )
    this.#bindMethod(space, index, 'ArmVoltageCurves', (inputs) => {
      const result = armVoltage(this.unit, inputs, this.#hooks.now())
      if (result !== ACCEPTED) this.#hooks.log('refused', { result })
      return result
    })
    this.#bindMethod(space, index, 'DisarmVoltageCurves', ([sequence]) =>
      this.unit.armVoltage(null, Number(sequence?.value), this.#hooks.now()),
    )
    this.#bindRecording(space, index, 'ReadFrequencyRecording', (...span) =>
      this.#frequencies(...span),
    )
    this.#bindRecording(space, index, 'ReadVoltageRecording', (...span) =>
      voltageRecording(this.unit, ...span),
    )
  }

  /** What is read when it is asked for; MeterRecord and the heartbeats are written as they come. */
  #bindValues(variable: (name: string) => UAVariable): void {
    const { unit } = this
    const values: Record<string, [DataType, () => unknown]> = {
      EnergyRating: [DataType.Double, () => unit.spec.capacityWh],
      MaxChargeRating: [DataType.Double, () => unit.spec.chargeMaxW],
      MaxDischargeRating: [DataType.Double, () => unit.spec.dischargeMaxW],
      StateOfCharge: [DataType.Double, () => unit.state.soc * 100],
      SoCMin: [DataType.Double, () => unit.spec.socMin * 100],
      SoCMax: [DataType.Double, () => unit.spec.socMax * 100],
      ActivePower: [DataType.Double, () => toWire(unit.state.powerW)],
      EnergyImported: [DataType.Double, () => unit.state.importedWh],
      EnergyExported: [DataType.Double, () => unit.state.exportedWh],
      OperatingState: [DataType.Int32, () => (unit.state.powerW === 0 ? STANDBY : RUNNING)],
      ControlMode: [DataType.Int32, () => (unit.local ? 1 : 0)],
      ActivePowerSetpoint: [DataType.Double, () => toWire(unit.setpoint?.powerW ?? 0)],
      SetpointEnable: [DataType.Boolean, () => unit.setpoint !== null],
      RevertPower: [DataType.Double, () => toWire(unit.spec.revertW)],
      RevertRemaining: [DataType.Double, () => unit.revertRemaining],
      RampRate: [DataType.Double, () => unit.spec.rampPerSecond * 100],
      FrequencyDroopEnable: [DataType.Boolean, () => this.#droopNow() !== null],
      FrequencyDroopValidUntil: [
        DataType.DateTime,
        () => new Date(this.#droopNow()?.validUntil ?? 0),
      ],
      Frequency: [DataType.Double, () => unit.droop.frequencyMilliHz(this.#hooks.now()) / 1000],
      SetpointValidUntil: [DataType.DateTime, () => new Date(unit.setpoint?.validUntil ?? 0)],
      ...voltageValues(unit, this.#hooks.now),
    }
    for (const [name, [dataType, value]] of Object.entries(values)) {
      const get = () => {
        this.unit.advance(this.#hooks.now())
        return variantOf(dataType, value())
      }
      variable(name).bindVariable({ get }, true)
    }
    variable('MeteringInterval').bindVariable(
      {
        get: () => new Variant({ dataType: DataType.Double, value: unit.meteringIntervalSeconds }),
        set: (written: Variant) => {
          const seconds = Number(written.value)
          this.#hooks.log('frame', { action: 'write MeteringInterval', seconds })
          if (!Number.isInteger(seconds) || seconds < 1) return StatusCodes.BadOutOfRange
          unit.meteringIntervalSeconds = seconds
          return StatusCodes.Good
        },
      },
      true,
    )
  }

  #droopNow() {
    return this.unit.droop.armedAt(this.#hooks.now())
  }

  #bindMethod(
    space: AddressSpace,
    index: number,
    name: string,
    run: (inputs: Variant[]) => number,
  ): void {
    const method = space.findMethod(`ns=${index};s=${name}`)
    if (method === null) throw new Error(`${MODEL} has no method ${name}`)
    method.bindMethod((inputs, _context, done) => {
      this.#hooks.log('frame', { action: name })
      this.unit.advance(this.#hooks.now())
      const result = new Variant({ dataType: DataType.Int32, value: run(inputs) })
      done(null, { statusCode: StatusCodes.Good, outputArguments: [result] })
    })
  }

  #armDroop(inputs: Variant[]): number {
    const [overHz, underHz, kOf, kUf, seconds, nominalHz, reservedW] = inputs.map(({ value }) =>
      Number(value),
    ) as [number, number, number, number, number, number, number]
    const droop = {
      nominalMilliHz: Math.round(nominalHz * 1000),
      deadBandOverMilliHz: Math.round(overHz * 1000),
      deadBandUnderMilliHz: Math.round(underHz * 1000),
      droopOverBp: Math.round(kOf * 10_000),
      droopUnderBp: Math.round(kUf * 10_000),
      responseMs: Math.round(seconds * 1000),
    }
    const validUntil = instantOf(inputs[7]?.value) as Instant
    const armed = { droop, reservedW, validUntil }
    const result = this.unit.armDroop(armed, Number(inputs[8]?.value), this.#hooks.now())
    if (result !== ACCEPTED) this.#hooks.log('refused', { reservedW, result })
    return result
  }

  #bindRecording(
    space: AddressSpace,
    index: number,
    name: string,
    recorded: (from: number, until: number) => Variant,
  ): void {
    const method = space.findMethod(`ns=${index};s=${name}`)
    if (method === null) throw new Error(`${MODEL} has no method ${name}`)
    method.bindMethod(([from, until], _context, done) => {
      this.unit.advance(this.#hooks.now())
      const samples = recorded(instantOf(from?.value), instantOf(until?.value))
      done(null, { statusCode: StatusCodes.Good, outputArguments: [samples] })
    })
  }

  #frequencies(from: number, until: number): Variant {
    const samples = this.unit.droop.recordedBetween(from, until)
    const numbers = samples.flatMap(({ at, frequencyMilliHz, powerW }) => {
      return [at, frequencyMilliHz / 1000, toWire(powerW)]
    })
    return variantOf(DataType.Double, Float64Array.from(numbers))
  }

  #setActivePower(setpointW: number, validUntil: number, sequence: number): number {
    const powerW = toWire(setpointW)
    const result = this.unit.setActivePower(powerW, validUntil, sequence, this.#hooks.now())
    if (result === ACCEPTED) this.#hooks.setpoint({ powerW, validUntil })
    else this.#hooks.log('refused', { powerW, sequence, result })
    return result
  }

  #release(sequence: number): number {
    const result = this.unit.release(sequence)
    if (result !== ACCEPTED) this.#hooks.log('refused', { sequence, result })
    return result
  }

  #record({ at, powerW, importedWh, exportedWh, soc }: BatteryReading): void {
    if (this.#silent) return
    this.#variables?.('MeterRecord').setValueFromSource({
      dataType: DataType.Double,
      arrayType: VariantArrayType.Array,
      value: Float64Array.from([at, toWire(powerW), importedWh, exportedWh, soc * 100]),
    })
  }

  #beat(): void {
    const controller = Number(this.#variables?.('ControllerHeartbeat').readValue().value.value)
    if (this.unit.watchController(controller)) this.#hooks.log('watchdog')
    const variable = this.#variables?.('DeviceHeartbeat')
    if (variable === undefined || this.#silent) return
    const value = (Number(variable.readValue().value.value) + 1) % 2 ** 32
    variable.setValueFromSource({ dataType: DataType.UInt32, value })
  }
}

function variantOf(dataType: DataType, value: unknown): Variant {
  const isList = value instanceof Float64Array
  return new Variant({ dataType, value, ...(isList ? { arrayType: VariantArrayType.Array } : {}) })
}

/** NaN for what is no time: such an order has expired. */
function instantOf(value: unknown): number {
  return value instanceof Date ? value.getTime() : Number.NaN
}

/** SHA-1 over the DER as OPC UA names a certificate, upper-case hex. */
function thumbprintOf(certificate: Buffer): string {
  return createHash('sha1').update(certificate).digest('hex').toUpperCase()
}
