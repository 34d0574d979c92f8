import { fieldError } from '#domain/errors.ts'
import {
  type Attestation,
  type SettlementStatement,
  statementOfCall,
  statementOfRest,
} from '#domain/evidence.ts'
import { type Address, type CallId, callId } from '#domain/ids.ts'
import { settlingSet } from '#domain/settling-set.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { epochData, epochStatement } from './epoch-data.ts'

/**
 * Takes in a verifier's signature after checking that it is one, by a member of the set, over
 * exactly what is on the table; where the arbiter has decided, the arbiter's and nobody else's.
 * Safe to run twice.
 * @throws DomainError not-found, bad-attestation
 */
export async function receiveAttestation(ports: Ports, attestation: Attestation): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const { signer, members, who } = await signerOf(ports, tx, attestation)
    const isMember = members.some((v) => isSame(v, attestation.verifier))
    if (signer === null || !isSame(signer, attestation.verifier) || !isMember) {
      const expected = `a signature of ${attestation.verifier}, ${who}`
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
): Promise<{ signer: Address | null; members: readonly Address[]; who: string }> {
  const { arbiter } = rail.parties
  const ordinary = (setId: number) => {
    const { verifiers } = settlingSet(rail.parties, setId)
    return { members: verifiers, who: `a verifier of set ${setId}` }
  }
  if (subject === 'settlement') {
    const found = await settlementOnTable(tx, callId(subjectId), version)
    if (!found) throw unknown(subject, subjectId)
    const signer = await rail.settlementSigner(found.statement, signature)
    return found.isDecided
      ? { signer, members: arbiter === null ? [] : [arbiter], who: "the pool's arbiter" }
      : { signer, ...ordinary(found.setId) }
  }
  const epoch = /^\d+$/.test(subjectId) ? await tx.payouts.find(Number(subjectId)) : null
  if (!epoch) throw unknown(subject, subjectId)
  const statement = epochStatement(epoch, await epochData(tx, epoch))
  const signer = await rail.epochSigner(statement, signature)
  return { signer, ...ordinary(rail.parties.verifierSetId) }
}

async function settlementOnTable(
  tx: StoreTransaction,
  id: CallId,
  version: number,
): Promise<{ statement: SettlementStatement; isDecided: boolean; setId: number } | null> {
  const call = await tx.calls.find(id)
  if (!call?.escrow) return null
  const setId = call.escrow.terms.verifierSetId
  const statement = statementOfCall(call)
  if (statement && call.evidence?.version === version) {
    return { statement, isDecided: false, setId }
  }
  const rests = await tx.rests.list({ callId: id })
  const rest = rests.find(({ evidence }) => evidence?.version === version)
  const ofRest = rest && statementOfRest(rest)
  return ofRest ? { statement: ofRest, isDecided: rest.decisions !== null, setId } : null
}

function unknown(subject: string, subjectId: string) {
  return fieldError('not-found', 'subjectId', `a ${subject} that waits for signatures`, subjectId)
}
