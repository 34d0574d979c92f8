import { hashTypedData, isAddressEqual } from 'viem'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { ActOf } from '#domain/pool-acts.ts'
import type { PoolSetup, VerifierSet } from '#domain/pool-books.ts'
import { settlementTypedData } from '#domain/pool-messages.ts'
import type { PoolBooks } from '#rail-store-ports.ts'
import type { Pool, PoolEvent } from './pool.ts'
import { demand } from './refusal.ts'
import { signerOf } from './signatures.ts'

/** Who settles what is opened now. */
export async function newestSet(books: PoolBooks): Promise<VerifierSet> {
  const newest = (await allSets(books)).at(-1)
  if (newest === undefined) throw new Error('a ledger was never established here')
  return newest
}

/** Who settles what was opened under that number. @throws Refusal 'UnknownVerifierSet' */
export async function verifierSet(books: PoolBooks, setId: number): Promise<VerifierSet> {
  const found = (await allSets(books)).find((set) => set.setId === setId)
  demand(found !== undefined, 'UnknownVerifierSet', { setId })
  return found
}

/** Oldest first; none before the ledger is established. */
export async function allSets(books: PoolBooks): Promise<VerifierSet[]> {
  const first = await books.setup()
  return first === null ? [] : [firstSet(first), ...(await books.verifierSets())]
}

function firstSet({ verifierSetId: setId, verifiers, quorum }: PoolSetup): VerifierSet {
  return { setId, verifiers, quorum }
}

/** Adds a set, which is the newest then. Open requests keep the one that they were opened with. */
export async function addVerifierSet(
  { books }: Pool,
  { verifiers, quorum }: ActOf<'addVerifierSet'>,
): Promise<PoolEvent[]> {
  const signers = verifiers.length
  const isPossible = Number.isSafeInteger(quorum) && quorum > 0 && quorum <= signers
  demand(isPossible && signers <= 255, 'QuorumOutOfRange', { quorum, signers })
  const { equivocated } = await books.guard()
  let previous = '0x0'
  for (const signer of verifiers) {
    demand(BigInt(signer) > BigInt(previous), 'SetNotAscending', { previous, signer })
    const isMarked = equivocated.some((marked) => isAddressEqual(marked, signer))
    demand(!isMarked, 'SignerEquivocated', { signer })
    previous = signer
  }
  const setId = (await newestSet(books)).setId + 1
  await books.addVerifierSet({ setId, verifiers, quorum })
  return [{ kind: 'VerifierSetAdded', setId, verifiers, quorum }]
}

/** Marks a verifier for good, whoever shows what it signed. */
export async function proveEquivocation(
  { setup, books }: Pool,
  { setId, one, signatureOne, other, signatureOther }: ActOf<'proveEquivocation'>,
): Promise<PoolEvent[]> {
  demandContradiction(setup, one, other)
  const signer = await signerOf(settlementTypedData(setup, one), signatureOne)
  const second = await signerOf(settlementTypedData(setup, other), signatureOther)
  demand(signer !== null, 'MalformedSignature', { position: 0 })
  demand(second !== null, 'MalformedSignature', { position: 1 })
  demand(isAddressEqual(signer, second), 'SignersDiffer', { one: signer, other: second })
  const { verifiers } = await verifierSet(books, setId)
  const isMember = verifiers.some((verifier) => isAddressEqual(verifier, signer))
  demand(isMember, 'NotInSet', { setId, signer })
  const guard = await books.guard()
  demand(!guard.equivocated.includes(signer), 'SignerEquivocated', { signer })
  await books.saveGuard({ ...guard, equivocated: [...guard.equivocated, signer] })
  const { requestId, round } = one
  return [{ kind: 'VerifierEquivocated', setId, signer, requestId, round }]
}

/** A next round of the same request is none: only that round can take effect. @throws Refusal */
export function demandContradiction(
  setup: PoolSetup,
  one: SettlementStatement,
  other: SettlementStatement,
): void {
  const { requestId, round } = one
  const isSame = requestId === other.requestId && round === other.round
  const digest = (statement: SettlementStatement) =>
    hashTypedData(settlementTypedData(setup, statement))
  const differs = isSame && digest(one) !== digest(other)
  demand(differs, 'NoEquivocation', { requestId, round })
}
