import { formatApiKey, sha256Hex } from '#domain/api-key.ts'
import { ownerAccount, parseBankAccount } from '#domain/bank-account.ts'
import { checkAddress, idFromBytes } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import { type Address, type OrganisationId, type OwnerId, ownerId } from '#domain/ids.ts'
import type { Owner, PayoutChoice } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'
import { keepAccount } from './keep-account.ts'

export type NewOwner = {
  readonly id?: OwnerId | undefined
  readonly payout:
    | { readonly kind: 'agent'; readonly iban: string; readonly name?: string | undefined }
    | { readonly kind: 'wallet'; readonly address: Address }
}

/**
 * Registers a device owner and makes its key, which is shown this once. The bank account is
 * sealed: no answer, event, bundle or log carries it. @throws DomainError bad-iban and others
 */
export async function registerOwner(
  ports: Ports,
  aggregatorId: OrganisationId,
  input: NewOwner,
): Promise<{ owner: Owner; key: string }> {
  const { payout } = input
  const account = payout.kind === 'agent' ? parseBankAccount('payout', payout) : null
  const choice: PayoutChoice =
    payout.kind === 'agent'
      ? { kind: 'agent' }
      : { kind: 'wallet', address: checkAddress('payout.address', payout.address) }
  const id = input.id ?? ownerId(idFromBytes('owner', ports.random.bytes(8)))
  const owner: Owner = { id, aggregatorId, payout: choice }
  const key = formatApiKey('owner', ports.random.bytes(32))
  await ports.store.transaction(async (tx) => {
    if ((await tx.resources.owner(id)) !== null) {
      throw fieldError('duplicate', 'id', 'an id that is not taken', id)
    }
    await tx.resources.saveOwner(owner)
    if (account !== null) {
      await keepAccount(ports, tx, ownerAccount(id), account, ports.clock.now())
    }
    await tx.keys.save({
      keySha256: sha256Hex(key),
      role: 'owner',
      organisationId: aggregatorId,
      ownerId: id,
    })
  })
  return { owner, key }
}
