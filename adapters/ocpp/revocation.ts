/**
 * Whether the certificate of a connection that stands would still be taken: the handshake has looked
 * at the trust of its own day. Read are a certificate's and a revocation list's issuers and serial
 * numbers (RFC 5280, 4.1 and 5.1); the lists are files of ours, as the certificates of the CAs are.
 */
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate } from 'node:tls'

/** Of the files that hold now; PEM texts. */
export type Trust = { readonly authorities: readonly string[]; readonly lists: readonly string[] }

/** Does what was proved in a handshake still lead to an authority, and is none of it revoked? */
export function isStillTrusted(
  peer: DetailedPeerCertificate,
  { authorities, lists }: Trust,
): boolean {
  const chain = chainOf(peer)
  const trusted = authorities.map((text) => new X509Certificate(text))
  const revoked = new Set(lists.flatMap((text) => revokedIn(derOf(text))))
  if (chain.some(({ raw }) => revoked.has(nameIn(raw)))) return false
  return chain.some((one) =>
    trusted.some((by) => by.fingerprint256 === one.fingerprint256 || isBy(one, by)),
  )
}

function chainOf(peer: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let one: DetailedPeerCertificate | undefined = peer; one?.raw !== undefined; ) {
    const certificate = new X509Certificate(one.raw)
    if (chain.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) break
    chain.push(certificate)
    one = one.issuerCertificate
  }
  return chain
}

function isBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
}

type Element = { readonly tag: number; readonly whole: Buffer; readonly content: Buffer }

const INTEGER = 0x02
const SEQUENCE = 0x30
const VERSION = 0xa0

/** The elements of a DER content, one after the other. @throws RangeError for what is cut off */
function elementsOf(bytes: Buffer): Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const short = bytes.readUInt8(at + 1)
    const lengthBytes = short < 0x80 ? 0 : short - 0x80
    const length = lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes)
    const start = at + 2 + lengthBytes
    const end = start + length
    if (end > bytes.length) throw new RangeError('a certificate or a revocation list is cut off')
    const whole = bytes.subarray(at, end)
    found.push({ tag: bytes.readUInt8(at), whole, content: bytes.subarray(start, end) })
    at = end
  }
  return found
}

/** The fields of what is signed, in a certificate as in a list. */
function signedFields(der: Buffer): Element[] {
  const [outer] = elementsOf(der)
  const [signed] = elementsOf(outer?.content ?? Buffer.alloc(0))
  return elementsOf(signed?.content ?? Buffer.alloc(0))
}

/** Issuer and serial number: what a list names a certificate by. */
function nameIn(certificate: Buffer): string {
  const fields = signedFields(certificate).filter(({ tag }) => tag !== VERSION)
  const [serial, , issuer] = fields
  return nameOf(issuer, serial)
}

function nameOf(issuer: Element | undefined, serial: Element | undefined): string {
  return `${issuer?.whole.toString('hex')} ${serial?.content.toString('hex')}`
}

function revokedIn(list: Buffer): string[] {
  const fields = signedFields(list)
  const [, issuer, ...rest] = fields[0]?.tag === INTEGER ? fields.slice(1) : fields
  // Two instants, the second of which may be absent, and then the list, which may be, too.
  const revoked = rest.find(({ tag }) => tag === SEQUENCE)
  return elementsOf(revoked?.content ?? Buffer.alloc(0)).map(({ content }) =>
    nameOf(issuer, elementsOf(content)[0]),
  )
}
