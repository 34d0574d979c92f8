import { bytesToHex } from '@noble/hashes/utils.js'
import { fieldError } from './errors.ts'
import type { Address } from './ids.ts'
import { checkConditions } from './offer-conditions.ts'
import type { Rating, ResourceKind, StandingOffer } from './resource.ts'
import type { MeterKey } from './signed-meter/meter-key.ts'

const POWER_MAX_W = 10_000_000
const ENERGY_MAX_WH = 1_000_000_000
const RESPONSE_MAX_SECONDS = 86_400
export const MINUTES_PER_DAY = 1440

/** An id from unpredictable bytes, like 'resource-1f0c…'. */
export function idFromBytes(kind: string, bytes: Uint8Array): string {
  return `${kind}-${bytesToHex(bytes)}`
}

/** @throws DomainError malformed for anything but 1 to 120 printable characters. */
export function checkName(name: string): string {
  const trimmed = name.trim()
  if (trimmed.length < 1 || trimmed.length > 120 || /\p{Cc}/u.test(trimmed)) {
    throw fieldError('malformed', 'name', '1 to 120 printable characters', name.slice(0, 130))
  }
  return trimmed
}

/** Lower case, so that one party is one text. @throws DomainError malformed */
export function checkAddress(field: string, text: string): Address {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) {
    throw fieldError('malformed', field, '0x and 40 hexadecimal digits', text)
  }
  if (/^0x0{40}$/.test(text)) {
    throw fieldError('malformed', field, 'the address of a party, not the zero address', text)
  }
  return text.toLowerCase() as Address
}

/**
 * SHA-1 of a certificate as OPC UA names it, upper-case hex; colons and spaces are taken off.
 * @throws DomainError malformed
 */
export function checkThumbprint(field: string, text: string): string {
  const plain = text.replaceAll(/[\s:]/g, '').toUpperCase()
  if (!/^[0-9A-F]{40}$/.test(plain)) {
    throw fieldError('malformed', field, '40 hexadecimal digits (SHA-1 of a certificate)', text)
  }
  return plain
}

/** @throws DomainError malformed for anything but opc.tcp://host:port with a path or none. */
export function checkEndpoint(field: string, text: string): string {
  if (!/^opc\.tcp:\/\/[^\s/@?#]+(\/[^\s?#]*)?$/.test(text) || text.length > 300) {
    throw fieldError('malformed', field, 'opc.tcp://host:port without a user name', text)
  }
  return text
}

/**
 * Where an inverter listens. Lower case, so that one device is one text.
 * @throws DomainError malformed for anything but a host name or an IP address, without a port.
 */
export function checkHost(field: string, text: string): string {
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)
  const isIpv6 = /^[0-9A-Fa-f:.]{2,45}$/.test(text) && text.split(':').length > 2
  if (!isName && !isIpv6) {
    throw fieldError('malformed', field, 'a host name or an IP address', text)
  }
  return text.toLowerCase()
}

/** @throws DomainError malformed for anything but 1 to 65 535. */
export function checkPort(field: string, port: number): number {
  return whole(field, port, 1, 65_535, 'number')
}

/** Behind which unit of a gateway the device is. @throws DomainError malformed */
export function checkUnitId(field: string, unitId: number): number {
  // 1 to 247 are single devices; 0 is a broadcast, which nobody answers; 255 is "the device itself"
  // of Modbus TCP (Modbus Messaging on TCP/IP, 4.4.1.2).
  if (unitId === 255) return unitId
  return whole(field, unitId, 1, 247, 'number')
}

/** The name of a make of battery. @throws DomainError malformed */
export function checkProduct(field: string, text: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(text)) {
    throw fieldError('malformed', field, "1 to 40 lower-case letters, digits or '-'", text)
  }
  return text
}

/** The browse name of a battery on a server that holds several. @throws DomainError malformed */
export function checkObject(field: string, text: string): string {
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}_-]{0,63}$/u.test(text)) {
    throw fieldError('malformed', field, "1 to 64 letters, digits, '_' or '-'", text)
  }
  return text
}

/** The name of a station in its OCPP address. @throws DomainError malformed */
export function checkIdentity(field: string, text: string): string {
  // 48 characters and no colon: OCPP 2.0.1 part 4, 3.1.1; HTTP Basic ends the name at a colon.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$/.test(text)) {
    const expected = "1 to 48 letters, digits, '_', '.' or '-'"
    throw fieldError('malformed', field, expected, text)
  }
  return text
}

/** Is this what such a device can be? Powers in W, energies in Wh. @throws DomainError */
export function checkRating(kind: ResourceKind, rating: Rating): Rating {
  whole('rating.importMaxW', rating.importMaxW, 1, POWER_MAX_W, 'W')
  whole('rating.exportMaxW', rating.exportMaxW, 0, POWER_MAX_W, 'W')
  whole('rating.importMinW', rating.importMinW, 0, rating.importMaxW, 'W')
  whole('rating.energyWh', rating.energyWh, kind === 'battery' ? 1 : 0, ENERGY_MAX_WH, 'Wh')
  whole('rating.reserveWh', rating.reserveWh, 0, rating.energyWh, 'Wh')
  whole('rating.responseSeconds', rating.responseSeconds ?? 0, 0, RESPONSE_MAX_SECONDS, 'seconds')
  const ramp = rating.rampWattsPerSecondMax ?? 1
  whole('rating.rampWattsPerSecondMax', ramp, 1, POWER_MAX_W, 'W per second')
  // A car that may give power back: what may be taken from it follows from its state of charge.
  if (kind === 'charger' && rating.exportMaxW !== 0 && rating.energyWh === 0) {
    const expected = "0 for a charger, or its car's energyWh and reserveWh beside it"
    throw fieldError('malformed', 'rating.exportMaxW', expected, rating.exportMaxW)
  }
  return rating
}

/** What a name plate or a registry says of a meter that signs. @throws DomainError malformed */
export function checkMeter({ serial, publicKey }: MeterKey): MeterKey {
  if (!/^[\x21-\x7e]([\x20-\x7e]{0,48}[\x21-\x7e])?$/.test(serial)) {
    const expected = '1 to 50 printable characters, as the meter writes it'
    throw fieldError('malformed', 'meter.serial', expected, serial)
  }
  const plain = publicKey.replaceAll(/\s/g, '')
  const isHex = /^([0-9a-fA-F]{2}){48,200}$/.test(plain)
  const isBase64 = /^[A-Za-z0-9+/]{60,400}={0,2}$/.test(plain) && plain.length % 4 === 0
  if (!isHex && !isBase64) {
    const expected = 'a public key in hex or base64'
    throw fieldError('malformed', 'meter.publicKey', expected, publicKey.slice(0, 60))
  }
  return { serial, publicKey: plain }
}

/** A price and a part of the local day. @throws DomainError malformed */
export function checkOffer(offer: StandingOffer): StandingOffer {
  if (offer.price < 0n) {
    throw fieldError('malformed', 'offer.priceMinorPerKwh', 'a price of at least 0', offer.price)
  }
  if (offer.directions.length === 0 || new Set(offer.directions).size < offer.directions.length) {
    const expected = 'each direction at most once, and at least one'
    throw fieldError('malformed', 'offer.directions', expected, offer.directions)
  }
  whole('offer.fromMinute', offer.fromMinute, 0, MINUTES_PER_DAY - 1, 'minutes')
  const from = offer.fromMinute + 1
  whole('offer.untilMinute', offer.untilMinute, from, MINUTES_PER_DAY, 'minutes')
  if (offer.conditions !== undefined) checkConditions(offer.conditions)
  return offer
}

/** @throws DomainError malformed unless a whole number within bounds. */
export function whole(
  field: string,
  value: number,
  atLeast: number,
  atMost: number,
  unit: string,
): number {
  if (!Number.isSafeInteger(value) || value < atLeast || value > atMost) {
    throw fieldError('malformed', field, `whole ${unit} from ${atLeast} to ${atMost}`, value)
  }
  return value
}
