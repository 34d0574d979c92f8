/**
 * One of the load processes: an OPC UA server made of the NodeSet file, to which every battery of
 * this process is a session of its own. Values change once a second; orders are answered at once.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { X509Certificate } from 'node:crypto'
import {
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
import { thumbprintOf } from '#adapters/opcua/certificates.ts'
import { serve } from './child.ts'

export type BatteryServer = { readonly endpoint: string; readonly thumbprint: string }

const MODEL = fileURLToPath(import.meta.resolve('#adapters/opcua/gridcall-bess.xml'))
const RATED_W = 5_000

serve({
  async start({ pem, sessions }: { pem: string; sessions: number }): Promise<BatteryServer> {
    const rootFolder = await mkdtemp(join(tmpdir(), 'gridcall-bench-opcua-'))
    process.once('exit', () => void rm(rootFolder, { recursive: true, force: true }))
    const manager = new OPCUACertificateManager({ rootFolder, disableFileWatchers: true })
    await manager.initialize()
    await manager.trustCertificate(new X509Certificate(pem).raw)
    const room = sessions + 20
    const server = new OPCUAServer({
      port: 0,
      host: '127.0.0.1',
      hostname: '127.0.0.1',
      nodesets: [get_mini_nodeset_filename(), MODEL],
      serverCertificateManager: manager,
      securityModes: [MessageSecurityMode.SignAndEncrypt],
      securityPolicies: [SecurityPolicy.Aes256_Sha256_RsaPss],
      allowAnonymous: true,
      isAuditing: false,
      maxConnectionsPerEndpoint: 2 * room, // discovery has connections of its own
      serverCapabilities: { minSupportedSampleRate: 0, maxSessions: room },
    })
    await server.initialize()
    live(server)
    await server.start()
    return {
      endpoint: `opc.tcp://127.0.0.1:${server.endpoints[0]?.port}`,
      thumbprint: thumbprintOf(server.getCertificate()),
    }
  },

  processorSeconds: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
})

function live(server: OPCUAServer): void {
  const space = server.engine.addressSpace
  if (space === null) throw new Error('the server has no address space')
  const index = space.getNamespaceIndex('urn:gridcall:bess')
  const set = (name: string, dataType: DataType, value: unknown) => {
    const variable = space.findNode(`ns=${index};s=${name}`) as UAVariable
    variable.setValueFromSource({ dataType, value })
  }
  set('MaxChargeRating', DataType.Double, RATED_W)
  set('MaxDischargeRating', DataType.Double, RATED_W)
  for (const name of ['SetActivePower', 'ReleaseSetpoint']) {
    space.findMethod(`ns=${index};s=${name}`)?.bindMethod((_inputs, _context, done) => {
      const result = new Variant({ dataType: DataType.Int32, value: 0 })
      done(null, { statusCode: StatusCodes.Good, outputArguments: [result] })
    })
  }
  const record = space.findNode(`ns=${index};s=MeterRecord`) as UAVariable
  let beats = 0
  setInterval(() => {
    beats += 1
    const power = beats % RATED_W
    set('DeviceHeartbeat', DataType.UInt32, beats)
    set('ActivePower', DataType.Double, power)
    set('StateOfCharge', DataType.Double, 20 + (beats % 60))
    record.setValueFromSource({
      dataType: DataType.Double,
      arrayType: VariantArrayType.Array,
      value: Float64Array.of(beats * 1000, power, 0, beats, 50),
    })
  }, 1000)
}
