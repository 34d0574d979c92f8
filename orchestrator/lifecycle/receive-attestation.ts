import { fieldError } from '#domain/errors.ts'
import { type Attestation, statementOfCall } from '#domain/evidence.ts'
import { type Address, callId } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { epochData, epochStatement } from './advance-payouts.ts'

/**
 * Takes in a verifier's signature after checking that it is one, by a member of the set, over
 * exactly what is on the table. Safe to run twice.
 * @throws DomainError not-found, bad-attestation
 */
export async function receiveAttestation(ports: Ports, attestation: Attestation): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const signer = await signerOf(ports, tx, attestation)
    const isMember = ports.rail.parties.verifiers.some((v) => isSame(v, attestation.verifier))
    if (signer === null || !isSame(signer, attestation.verifier) || !isMember) {
      const expected = `a signature of ${attestation.verifier}, a verifier of the set in force`
      throw fieldError('bad-attestation', 'signature', expected, attestation.signature)
    }
    await tx.attestations.save(attestation)
  })
  if (attestation.subject === 'settlement') {
    await ports.wakeUps.wakeCall(callId(attestation.subjectId), ports.clock.now())
  }
  await ports.wakeUps.notify('chain')
}

function isSame(a: Address, b: Address): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

async function signerOf(
  { rail }: Ports,
  tx: StoreTransaction,
  { subject, subjectId, version, signature }: Attestation,
): Promise<Address | null> {
  if (subject === 'settlement') {
    const call = await tx.calls.find(callId(subjectId))
    const statement = call && statementOfCall(call)
    if (!statement || call?.evidence?.version !== version) throw unknown(subject, subjectId)
    return rail.settlementSigner(statement, signature)
  }
  const epoch = /^\d+$/.test(subjectId) ? await tx.payouts.find(Number(subjectId)) : null
  if (!epoch) throw unknown(subject, subjectId)
  return rail.epochSigner(epochStatement(epoch, await epochData(tx, epoch)), signature)
}

function unknown(subject: string, subjectId: string) {
  return fieldError('not-found', 'subjectId', `a ${subject} that waits for signatures`, subjectId)
}
