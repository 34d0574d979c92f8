import { formatApiKey, sha256Hex } from '#domain/api-key.ts'
import { checkAddress, checkName, idFromBytes, whole } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import { type Address, type OrganisationId, organisationId } from '#domain/ids.ts'
import type { Organisation, OrganisationKind } from '#domain/resource.ts'
import { basisPoints } from '#domain/units.ts'
import type { Ports } from '#ports.ts'

export type NewOrganisation = {
  readonly id?: OrganisationId | undefined
  readonly kind: OrganisationKind
  readonly name: string
  readonly address?: Address | null | undefined
  readonly aggregatorShareBp?: number | undefined
}

/** A DSO pays, verifier and arbiter sign and an agent is paid under an address of its own. */
const NEEDS_ADDRESS: ReadonlySet<OrganisationKind> = new Set([
  'dso',
  'verifier',
  'agent',
  'arbiter',
])

/** Registers a party and makes its key, which is shown this once. @throws DomainError */
export async function registerOrganisation(
  ports: Ports,
  input: NewOrganisation,
): Promise<{ organisation: Organisation; key: string }> {
  const organisation = newOrganisation(ports, input)
  const key = formatApiKey(organisation.kind, ports.random.bytes(32))
  await ports.store.transaction(async (tx) => {
    if ((await tx.organisations.find(organisation.id)) !== null) {
      throw fieldError('duplicate', 'id', 'an id that is not taken', organisation.id)
    }
    await tx.organisations.save(organisation)
    await tx.keys.save({
      keySha256: sha256Hex(key),
      role: organisation.kind,
      organisationId: organisation.id,
      ownerId: null,
    })
  })
  return { organisation, key }
}

/** Another key for a party whose own was lost; the old one stays valid. @throws DomainError */
export async function makeAnotherKey(ports: Ports, id: OrganisationId): Promise<string> {
  return ports.store.transaction(async (tx) => {
    const organisation = await tx.organisations.find(id)
    if (organisation === null) throw fieldError('not-found', 'id', 'a registered party', id)
    const key = formatApiKey(organisation.kind, ports.random.bytes(32))
    await tx.keys.save({
      keySha256: sha256Hex(key),
      role: organisation.kind,
      organisationId: id,
      ownerId: null,
    })
    return key
  })
}

function newOrganisation(ports: Ports, input: NewOrganisation): Organisation {
  const { kind, address, aggregatorShareBp: share } = input
  if (address == null && NEEDS_ADDRESS.has(kind)) {
    throw fieldError('malformed', 'address', `the address of the ${kind}`, null)
  }
  if (share !== undefined && share !== 0 && kind !== 'aggregator') {
    throw fieldError('malformed', 'aggregatorShareBp', 'no share but for an aggregator', share)
  }
  return {
    id: input.id ?? organisationId(idFromBytes(kind, ports.random.bytes(8))),
    kind,
    name: checkName(input.name),
    address: address == null ? null : checkAddress('address', address),
    aggregatorShareBp: basisPoints(whole('aggregatorShareBp', share ?? 0, 0, 10_000, 'bp')),
  }
}
