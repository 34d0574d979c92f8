import { privateKeyToAccount } from 'viem/accounts'
import type { Authorisation, EscrowTerms } from '#domain/escrow.ts'
import { fieldError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import {
  type TokenDomain,
  authorisationTypedData,
  cancellationTypedData,
  usualValidity,
} from '#domain/pool-messages.ts'
import type { ChainIdentity } from '#ports.ts'

/** Name and version under which a token signs: those of the play-money euro. */
export const testEuroDomain = { name: 'Test Euro', version: '1' }

/**
 * The DSO's word that this money may open this request, made where the DSO's key is. Valid until
 * delivery starts. @throws DomainError 'bad-authorisation' if the key is not the payer's
 */
export async function signAuthorisation(
  privateKey: Hex,
  terms: EscrowTerms,
  identity: Pick<ChainIdentity, 'chainId' | 'pool' | 'token'>,
  token: Pick<TokenDomain, 'name' | 'version'> = testEuroDomain,
): Promise<Authorisation> {
  const account = privateKeyToAccount(privateKey)
  if (account.address.toLowerCase() !== terms.payer.toLowerCase()) {
    throw fieldError('bad-authorisation', 'terms.payer', account.address, terms.payer)
  }
  const { chainId, token: verifyingContract } = identity
  const domain = { name: token.name, version: token.version, chainId, verifyingContract }
  const validity = usualValidity(terms)
  const data = authorisationTypedData(domain, identity, terms, validity)
  return { ...validity, signature: await account.signTypedData(data) }
}

/** The DSO's word that a request is taken back before its window begins. */
export async function signCancellation(
  privateKey: Hex,
  requestId: Hex,
  identity: Pick<ChainIdentity, 'chainId' | 'pool'>,
): Promise<Hex> {
  const data = cancellationTypedData(identity, requestId)
  return privateKeyToAccount(privateKey).signTypedData(data)
}
