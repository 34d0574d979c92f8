import { DomainError, fieldError } from '#domain/errors.ts'
import type { Permit } from '#domain/escrow.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, Hex, OrganisationId } from '#domain/ids.ts'
import { usualValidity } from '#domain/pool-messages.ts'
import { formatInstant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** The DSO's signature over what it was shown; the times are those that it was shown, unless named. */
export type Acceptance = {
  readonly validAfter?: number | undefined
  readonly validBefore?: number | undefined
  readonly signature: Hex
  readonly permit?: Permit | undefined
}

/**
 * The DSO accepts an offer with its signature over the escrow: from here the relayer may lock
 * exactly this amount for exactly these terms. Safe to run twice with the same authorisation.
 * @throws DomainError not-found, wrong-state, bad-authorisation
 */
export async function acceptOffer(
  ports: Ports,
  dsoId: OrganisationId,
  callId: CallId,
  acceptance: Acceptance,
): Promise<FlexibilityCall> {
  const { store, rail } = ports
  const shown = await store.transaction((tx) => offered(ports, tx, dsoId, callId))
  if (shown.escrow.authorisation) return shown
  const { terms } = shown.escrow
  const usual = usualValidity(terms)
  const { validAfter, validBefore, signature, permit } = acceptance
  const authorisation = {
    validAfter: validAfter ?? usual.validAfter,
    validBefore: validBefore ?? usual.validBefore,
    signature,
    ...(permit ? { permit } : {}),
  }
  // Pool and token are asked before the call is locked: it does not wait for them.
  if (!(await rail.verifyAuthorisation(terms, authorisation))) {
    const expected = `a signature of ${terms.payer} over exactly these terms, and the money by it`
    throw fieldError('bad-authorisation', 'signature', expected, signature)
  }
  const call = await store.transaction(async (tx) => {
    const found = await offered(ports, tx, dsoId, callId)
    if (found.escrow.authorisation) return found
    if (rail.requestId(found.escrow.terms) !== rail.requestId(terms)) {
      throw fieldError('wrong-state', 'escrow', 'the terms that were signed', 'others by now')
    }
    const accepted = { ...found, escrow: { ...found.escrow, authorisation } }
    await tx.calls.save(accepted)
    await tx.chain.intend(`open:${callId}`, { kind: 'openRequest', terms, authorisation })
    return accepted
  })
  await ports.wakeUps.notify('chain')
  return call
}

/** The call as its DSO may accept it now, or as it has. */
async function offered(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  dsoId: OrganisationId,
  callId: CallId,
): Promise<FlexibilityCall & { readonly escrow: NonNullable<FlexibilityCall['escrow']> }> {
  const found = await tx.calls.find(callId)
  if (found?.dsoId !== dsoId) throw new DomainError('not-found', `there is no call ${callId}`)
  const call = await tx.calls.lock(callId)
  const { state, escrow, request } = call
  if (escrow?.authorisation) return { ...call, escrow }
  if (state !== 'offered' || !escrow) {
    throw fieldError('wrong-state', 'state', 'an offered call', state)
  }
  const now = clock.now()
  if (now >= request.window.start) {
    const expected = `an acceptance before ${formatInstant(request.window.start)}`
    throw fieldError('wrong-state', 'now', expected, formatInstant(now))
  }
  return { ...call, escrow }
}
