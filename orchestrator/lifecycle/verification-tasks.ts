import { statementOfCall, statementOfRest, type VerificationTask } from '#domain/evidence.ts'
import type { Address } from '#domain/ids.ts'
import { signsElsewhere } from '#domain/settling-set.ts'
import { epochVersion } from '#domain/payout.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { epochData, epochStatement } from './epoch-data.ts'

/**
 * What this verifier has neither signed nor refused yet, of what is its set's to sign. Bundles are
 * fetched apart.
 */
export async function verificationTasks(
  ports: Ports,
  verifier: Address,
): Promise<VerificationTask[]> {
  const { parties } = ports.rail
  return ports.store.transaction(async (tx) => {
    const tasks: VerificationTask[] = []
    const isOfOthers = (setId: number | undefined) =>
      setId !== undefined && signsElsewhere(parties, setId, verifier)
    for (const call of await tx.calls.list({ states: ['measured'] })) {
      const version = call.evidence?.version
      if (version === undefined || isOfOthers(call.escrow?.terms.verifierSetId)) continue
      if (await answered(tx, 'settlement', call.id, version, verifier)) continue
      const statement = statementOfCall(call)
      if (statement === null) throw new Error(`${call.id} is measured without a settlement`)
      tasks.push({ subject: 'settlement', subjectId: call.id, version, statement })
    }
    for (const rest of await tx.rests.list({ states: ['measured'] })) {
      const version = rest.evidence?.version
      const statement = statementOfRest(rest)
      // What the arbiter decided is the arbiter's to sign.
      if (version === undefined || statement === null || rest.decisions !== null) continue
      const call = await tx.calls.find(rest.callId)
      if (isOfOthers(call?.escrow?.terms.verifierSetId)) continue
      if (await answered(tx, 'settlement', rest.callId, version, verifier)) continue
      tasks.push({ subject: 'settlement', subjectId: rest.callId, version, statement })
    }
    const [latest] = await tx.payouts.list()
    if (latest?.state === 'proposed' && !isOfOthers(parties.verifierSetId)) {
      const subjectId = String(latest.epoch)
      const version = epochVersion(latest)
      if (!(await answered(tx, 'epoch', subjectId, version, verifier))) {
        const data = await epochData(tx, latest)
        const statement = epochStatement(latest, data)
        tasks.push({ subject: 'epoch', subjectId, version, statement, data })
      }
    }
    return tasks
  })
}

async function answered(
  tx: StoreTransaction,
  subject: 'settlement' | 'epoch',
  subjectId: string,
  version: number,
  verifier: Address,
): Promise<boolean> {
  const signed = await tx.attestations.of(subject, subjectId)
  const refused = await tx.attestations.refusals(subject, subjectId)
  const mine = verifier.toLowerCase()
  return [...signed, ...refused].some(
    (answer) => answer.version === version && answer.verifier.toLowerCase() === mine,
  )
}
