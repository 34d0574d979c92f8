import { X509Certificate } from 'node:crypto'
import type { EndpointDescription, OPCUAClient, OPCUAClientOptions } from 'node-opcua'
import type { Log, Timer } from '#ports.ts'
import { applicationUriIn, type ClientPki, leafCertificate, thumbprintOf } from './certificates.ts'
import type { UserKind } from './identity.ts'
import type { Opcua } from './library.ts'

/** What every connection needs. */
export type StackContext = {
  readonly opcua: Opcua
  readonly timer: Timer
  readonly log: Log
  readonly pki: ClientPki
}

/** What a server offers that we would use. */
export type Endpoint = {
  readonly url: string
  readonly policyUri: string
  readonly certificate: Buffer
  readonly thumbprint: string
}

/** A server that we do not talk to, and why; trying again soon would not help. */
export class EndpointRefused extends Error {}

/**
 * After so long, ms, at the latest, a channel's keys are renewed. Without it a server that grants
 * weeks would run over the library's timer, which then renews, with RSA, as fast as it can.
 */
export const tokenRenewalInterval = 450_000

const discoveryDeadlineMs = 10_000
const closeDeadlineMs = 2_000

/**
 * Asks a server for its endpoints. Discovery itself is not secured in OPC UA; what it says binds
 * nobody, because the certificate is compared with the thumbprint of the resource and the server
 * must then prove that it holds the key.
 */
export async function askEndpoints(
  { opcua, timer, log, pki }: StackContext,
  url: string,
): Promise<readonly EndpointDescription[]> {
  const client = opcua.OPCUAClient.create({
    ...identityOf(pki),
    endpointMustExist: false,
    securityMode: opcua.MessageSecurityMode.None,
    securityPolicy: opcua.SecurityPolicy.None,
    clientCertificateManager: pki.pinned(null, () => {}),
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 200 },
    transportTimeout: discoveryDeadlineMs,
    tokenRenewalInterval,
  })
  const ask = async () => {
    await client.connect(url)
    return await client.getEndpoints({ endpointUrl: url })
  }
  try {
    return await timer.deadline(ask(), discoveryDeadlineMs, `discovery at ${url}`)
  } finally {
    await disconnect(timer, log, client)
  }
}

const tokenNames = {
  anonymous: 'Anonymous',
  password: 'UserName',
  certificate: 'Certificate',
} as const

/**
 * Chooses one: SignAndEncrypt, Aes256_Sha256_RsaPss before Aes128_Sha256_RsaOaep before
 * Basic256Sha256, which takes our kind of user inside.
 * @throws EndpointRefused where it offers nothing of that kind.
 */
export function chooseEndpoint(
  opcua: Opcua,
  url: string,
  user: UserKind,
  offered: readonly EndpointDescription[],
): Endpoint {
  const { MessageSecurityMode, SecurityPolicy, UserTokenType } = opcua
  const token = UserTokenType[tokenNames[user]]
  const strongest = [
    SecurityPolicy.Aes256_Sha256_RsaPss,
    SecurityPolicy.Aes128_Sha256_RsaOaep,
    SecurityPolicy.Basic256Sha256,
  ]
  for (const policy of strongest) {
    const found = offered.find(
      (endpoint) =>
        endpoint.securityMode === MessageSecurityMode.SignAndEncrypt &&
        endpoint.securityPolicyUri === policy &&
        endpoint.userIdentityTokens?.some(({ tokenType }) => tokenType === token),
    )
    if (!found?.serverCertificate?.length) continue
    const certificate = leafCertificate(opcua, found.serverCertificate)
    compareApplication(certificate, found)
    return { url, policyUri: policy, certificate, thumbprint: thumbprintOf(certificate) }
  }
  const names = offered.map(
    ({ securityMode, securityPolicyUri }) =>
      `${MessageSecurityMode[securityMode]} ${policyName(securityPolicyUri ?? 'nothing')}`,
  )
  throw new EndpointRefused(
    `expected an endpoint with SignAndEncrypt, ${strongest.map(policyName).join(' or ')}, that takes ` +
      `${userWords[user]} inside, got ${[...new Set(names)].join(', ') || 'none'}`,
  )
}

const userWords = {
  anonymous: 'an anonymous user',
  password: 'a user with a password',
  certificate: 'a user with a certificate',
} as const

/**
 * The certificate must be made for the application that the server says it is (Part 4, 6.1.3,
 * BadCertificateUriInvalid).
 */
function compareApplication(certificate: Buffer, { server }: EndpointDescription): void {
  const named = applicationUriIn(new X509Certificate(certificate))
  if (named === server.applicationUri) return
  throw new EndpointRefused(
    `certificate refused: it was made for ${named ?? 'no application'}, ` +
      `the server calls itself ${server.applicationUri ?? 'nothing'}`,
  )
}

export function policyName(policyUri: string): string {
  return policyUri.slice(policyUri.lastIndexOf('#') + 1)
}

/** How we present ourselves to a server. */
export function identityOf(pki: ClientPki): OPCUAClientOptions {
  const { applicationName, applicationUri, certificateFile, privateKeyFile } = pki
  return { applicationName, applicationUri, certificateFile, privateKeyFile }
}

/** Ends a client; a server that does not answer cannot hold us up. */
export async function disconnect(timer: Timer, log: Log, client: OPCUAClient): Promise<void> {
  try {
    await timer.deadline(client.disconnect(), closeDeadlineMs, 'an OPC UA server to let go')
  } catch (error) {
    log.info('an OPC UA connection was dropped without a goodbye', { reason: reasonOf(error) })
  }
}

/** Why something failed, in words that stay the same from one attempt to the next. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const known = reasons.find(({ pattern }) => pattern.test(text))
  return (
    known?.reason ??
    text
      .replace(/\s+/g, ' ')
      .replace(/ClientTCP_transport\d+: /g, '')
      .trim()
  )
}

const reasons = [
  { pattern: /ECONNREFUSED/, reason: 'nothing listens at its endpoint' },
  { pattern: /ENOTFOUND|EAI_AGAIN/, reason: 'the host name of its endpoint is not known' },
  { pattern: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, reason: 'its host cannot be reached' },
  {
    pattern: /BadSecurityChecksFailed|BadCertificateUntrusted/,
    reason: 'the server refuses the secure channel: does it trust our certificate?',
  },
  {
    pattern: /BadInvalidTimestamp/,
    reason: "the battery's clock and ours are too far apart (BadInvalidTimestamp)",
  },
  {
    pattern: /BadIdentityToken(Rejected|Invalid)|BadUserAccessDenied/,
    reason: 'the battery turns our user down: name, password or certificate',
  },
  { pattern: /third party|premature|ECONNRESET/, reason: 'the server closes the connection' },
]
