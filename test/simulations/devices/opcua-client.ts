import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  AttributeIds,
  type ClientSession,
  DataType,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAClient,
  SecurityPolicy,
  type Variant,
} from 'node-opcua'
import { expect } from 'vitest'

export type ClientPki = {
  readonly name: string
  readonly manager: OPCUACertificateManager
  readonly certificateFile: string
  readonly pem: string
}

export type Connected = { readonly session: ClientSession; close(): Promise<void> }

/** A client's key and self-signed certificate, in a folder below. */
export async function clientPki(folder: string, name: string): Promise<ClientPki> {
  const rootFolder = path.join(folder, name)
  const manager = new OPCUACertificateManager({
    rootFolder,
    disableFileWatchers: true,
    automaticallyAcceptUnknownCertificate: true, // the server is not what is tested
  })
  await manager.initialize()
  manager.referenceCounter += 1
  const certificateFile = path.join(rootFolder, 'certificate.pem')
  await manager.createSelfSignedCertificate({
    applicationUri: `urn:test:${name}`,
    subject: `/CN=${name}`,
    dns: ['localhost'],
    outputFile: certificateFile,
    startDate: new Date(),
    validity: 30,
  })
  return { name, manager, certificateFile, pem: readFileSync(certificateFile, 'utf8') }
}

export async function connectTo(
  endpoint: string,
  { name, manager, certificateFile }: ClientPki,
  security: { mode?: MessageSecurityMode; policy?: SecurityPolicy } = {},
): Promise<Connected> {
  const client = OPCUAClient.create({
    applicationName: name,
    applicationUri: `urn:test:${name}`,
    clientCertificateManager: manager,
    certificateFile,
    privateKeyFile: manager.privateKey,
    securityMode: security.mode ?? MessageSecurityMode.SignAndEncrypt,
    securityPolicy: security.policy ?? SecurityPolicy.Basic256Sha256,
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 200 },
  })
  try {
    await client.connect(endpoint)
    const session = await client.createSession()
    return {
      session,
      async close() {
        await session.close()
        await client.disconnect()
      },
    }
  } catch (error) {
    await client.disconnect()
    throw error
  }
}

export async function nodeIds(session: ClientSession): Promise<(name: string) => string> {
  const index = (await session.readNamespaceArray()).indexOf('urn:gridcall:bess')
  expect(index).toBeGreaterThan(0)
  return (name) => `ns=${index};s=${name}`
}

export async function read(session: ClientSession, name: string): Promise<unknown> {
  const id = await nodeIds(session)
  const value = await session.read({ nodeId: id(name), attributeId: AttributeIds.Value })
  expect(value.statusCode.name).toBe('Good')
  return value.value.value
}

const INPUTS = {
  SetActivePower: [DataType.Double, DataType.DateTime, DataType.UInt32],
  ReleaseSetpoint: [DataType.UInt32],
} as const

export async function call(
  session: ClientSession,
  method: keyof typeof INPUTS,
  inputs: unknown[],
): Promise<unknown> {
  const id = await nodeIds(session)
  const inputArguments = inputs.map(
    (value, index) => ({ dataType: INPUTS[method][index], value }) as Variant,
  )
  const result = await session.call({ objectId: id('BESS'), methodId: id(method), inputArguments })
  expect(result.statusCode.name).toBe('Good')
  return result.outputArguments?.[0]?.value
}
