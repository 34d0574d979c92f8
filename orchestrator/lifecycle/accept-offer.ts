import { DomainError, fieldError } from '#domain/errors.ts'
import type { Permit } from '#domain/escrow.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, Hex, OrganisationId } from '#domain/ids.ts'
import { usualValidity } from '#domain/pool-messages.ts'
import { formatInstant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'

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
  const call = await ports.store.transaction(async (tx) => {
    const found = await tx.calls.find(callId)
    if (found?.dsoId !== dsoId) throw new DomainError('not-found', `there is no call ${callId}`)
    const locked = await tx.calls.lock(callId)
    if (locked.escrow?.authorisation) return locked
    if (locked.state !== 'offered' || !locked.escrow) {
      throw fieldError('wrong-state', 'state', 'an offered call', locked.state)
    }
    const now = ports.clock.now()
    if (now >= locked.request.window.start) {
      const expected = `an acceptance before ${formatInstant(locked.request.window.start)}`
      throw fieldError('wrong-state', 'now', expected, formatInstant(now))
    }
    const { terms } = locked.escrow
    const usual = usualValidity(terms)
    const { validAfter, validBefore, signature, permit } = acceptance
    const authorisation = {
      validAfter: validAfter ?? usual.validAfter,
      validBefore: validBefore ?? usual.validBefore,
      signature,
      ...(permit ? { permit } : {}),
    }
    if (!(await ports.rail.verifyAuthorisation(terms, authorisation))) {
      const expected = `a signature of ${terms.payer} over exactly these terms, and the money by it`
      throw fieldError('bad-authorisation', 'signature', expected, signature)
    }
    const accepted = { ...locked, escrow: { ...locked.escrow, authorisation } }
    await tx.calls.save(accepted)
    await tx.chain.intend(`open:${callId}`, { kind: 'openRequest', terms, authorisation })
    return accepted
  })
  await ports.wakeUps.notify('chain')
  return call
}
