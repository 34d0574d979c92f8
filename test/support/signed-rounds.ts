import type { Hex } from '#domain/ids.ts'
import type { SignedRounds } from '#verifier/verifier.ts'

/** What a verifier has signed, for as long as a test runs. */
export function signedInMemory(): SignedRounds {
  const known = new Map<string, Hex>()
  return {
    async keep(requestId, round, statement) {
      const key = `${requestId} ${round}`
      const kept = known.get(key) ?? statement
      known.set(key, kept)
      return kept
    },
  }
}
