import type { Brand } from './units.ts'

export type CallId = Brand<string, 'CallId'>
export type ProgramId = Brand<string, 'ProgramId'>
export type OrganisationId = Brand<string, 'OrganisationId'>
export type OwnerId = Brand<string, 'OwnerId'>
export type SiteId = Brand<string, 'SiteId'>
export type ResourceId = Brand<string, 'ResourceId'>
export type CongestionPointId = Brand<string, 'CongestionPointId'>
export type GatewayId = Brand<string, 'GatewayId'>
/** '0x' and hexadecimal digits. */
export type Hex = `0x${string}`
/** '0x' and 40 hexadecimal digits: a party's address on an EVM chain. */
export type Address = Hex

const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$/

function id<T>(value: string, what: string): T {
  if (!ID.test(value)) {
    throw new RangeError(
      `${what} must be 1 to 80 letters, digits, '_', '.', ':' or '-', got ${JSON.stringify(value)}`,
    )
  }
  return value as T // the only cast
}

export const callId = (value: string) => id<CallId>(value, 'a call id')
export const programId = (value: string) => id<ProgramId>(value, 'a program id')
export const organisationId = (value: string) => id<OrganisationId>(value, 'an organisation id')
export const ownerId = (value: string) => id<OwnerId>(value, 'an owner id')
export const siteId = (value: string) => id<SiteId>(value, 'a site id')
export const resourceId = (value: string) => id<ResourceId>(value, 'a resource id')
export const congestionPointId = (value: string) =>
  id<CongestionPointId>(value, 'a congestion point id')
export const gatewayId = (value: string) => id<GatewayId>(value, 'a gateway id')

/** @throws RangeError for anything but '0x' and hexadecimal digits of whole bytes. */
export function hex(value: string): Hex {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(value)) {
    throw new RangeError(`expected 0x and hexadecimal digits, got ${JSON.stringify(value)}`)
  }
  return value as Hex
}
