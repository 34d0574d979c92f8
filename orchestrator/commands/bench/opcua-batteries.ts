/**
 * One of the load processes: an OPC UA server that holds many batteries. Values of each change once
 * a second; orders are answered at once.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { X509Certificate } from 'node:crypto'
import {
  type AddressSpace,
  get_mini_nodeset_filename,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
} from 'node-opcua'
import { thumbprintOf } from '#adapters/opcua/certificates.ts'
import { serve } from './child.ts'
import { rememberKeys } from './known-keys.ts'
import { addBatteries } from './opcua-park.ts'

export type BatteryServer = {
  readonly endpoint: string
  readonly thumbprint: string
  /** Browse names of its batteries. */
  readonly objects: readonly string[]
}

const MODEL = fileURLToPath(import.meta.resolve('#adapters/opcua/gridcall-bess.xml'))

const BUFFERS = { sendBufferSize: 8_192, receiveBufferSize: 8_192 }

rememberKeys()

serve({
  async start({ pem, batteries }: { pem: string; batteries: number }): Promise<BatteryServer> {
    const rootFolder = await mkdtemp(join(tmpdir(), 'gridcall-bench-opcua-'))
    process.once('exit', () => rmSync(rootFolder, { recursive: true, force: true }))
    const manager = new OPCUACertificateManager({ rootFolder, disableFileWatchers: true })
    await manager.initialize()
    await manager.trustCertificate(new X509Certificate(pem).raw)
    const room = batteries + 20
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
      // Small buffers, as a controller has them: the library takes a whole one for each answer.
      transportSettings: { adjustTransportLimits: (hello) => ({ ...hello, ...BUFFERS }) },
      maxConnectionsPerEndpoint: 2 * room, // discovery has connections of its own
      serverCapabilities: {
        minSupportedSampleRate: 0,
        maxSessions: room,
        maxSubscriptions: 4 * room, // two each, and those of clients that are being replaced
      },
    })
    await server.initialize()
    const space = server.engine.addressSpace
    if (space === null) throw new Error('the server has no address space')
    keepNoDiagnostics(space)
    const { names: objects } = addBatteries(space, batteries)
    await server.start()
    return {
      objects,
      endpoint: `opc.tcp://127.0.0.1:${server.endpoints[0]?.port}`,
      thumbprint: thumbprintOf(server.getCertificate()),
    }
  },

  processorSeconds: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
})

/** Tables of sessions and subscriptions in the address space cost more than the batteries do. */
function keepNoDiagnostics(space: AddressSpace): void {
  for (const id of ['i=3706', 'i=2290']) {
    const node = space.findNode(id)
    if (node !== null) space.deleteNode(node)
  }
}
