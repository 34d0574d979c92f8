/** Whose signatures settle what: a pool's sets of verifiers are added, and never changed. */
import type { Attestation } from './evidence.ts'
import type { Address, Hex } from './ids.ts'

/** Who settles what is opened while the set is the newest; it stays theirs when another comes. */
export type SettlingSet = {
  readonly verifierSetId: number
  readonly verifiers: readonly Address[]
  readonly quorum: number
}

/** The newest set, and those before it, oldest first; absent: there are none. */
export type SettlingSets = SettlingSet & { readonly olderSets?: readonly SettlingSet[] }

/** null: it came after this process had read them. */
export function findSet(sets: SettlingSets, setId: number): SettlingSet | null {
  return allSets(sets).find(({ verifierSetId }) => verifierSetId === setId) ?? null
}

/** The set of that number. @throws Error for one that this process does not know */
export function settlingSet(sets: SettlingSets, setId: number): SettlingSet {
  const found = findSet(sets, setId)
  if (found === null) throw new Error(`verifier set ${setId} is not known: restart the service`)
  return found
}

export function isMember({ verifiers }: SettlingSet, who: Address): boolean {
  return verifiers.some((verifier) => verifier.toLowerCase() === who.toLowerCase())
}

/** Whether somebody signs for other sets only; who is in none may look at everything. */
export function signsElsewhere(sets: SettlingSets, setId: number, who: Address): boolean {
  const own = allSets(sets).filter((set) => isMember(set, who))
  return own.length > 0 && own.every(({ verifierSetId }) => verifierSetId !== setId)
}

/** As the pool wants them: in ascending order of their signers. */
export function signaturesOf(attestations: readonly Attestation[]): Hex[] {
  return attestations
    .toSorted((a, b) => (a.verifier.toLowerCase() < b.verifier.toLowerCase() ? -1 : 1))
    .map(({ signature }) => signature)
}

function allSets(sets: SettlingSets): readonly SettlingSet[] {
  return [...(sets.olderSets ?? []), sets]
}
