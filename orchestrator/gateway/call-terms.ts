import type { EffectiveSetpoint, SetpointRow } from '#domain/dispatch-instruction.ts'
import { isWithinBand } from '#domain/compliance.ts'
import type { CallId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import type { Direction, Resource } from '#domain/resource.ts'
import type { Store } from '#store-ports.ts'

/** What a call says of how its setpoints are judged; fixed once it is ordered. */
export type CallTerms = { readonly direction: Direction; readonly program: Program }

export type KnownTerms = {
  /** null: there is no such call. */
  of(callId: CallId): Promise<CallTerms | null>
}

const KEPT_MAX = 200

/** The terms of the calls whose setpoints this gateway holds, each read once. */
export function knownTerms(store: Store): KnownTerms {
  const kept = new Map<CallId, CallTerms>()
  return {
    async of(callId) {
      const known = kept.get(callId)
      if (known) return known
      const call = await store.transaction((tx) => tx.calls.find(callId))
      if (call === null) return null
      if (kept.size >= KEPT_MAX) kept.clear()
      const terms = { direction: call.request.direction, program: call.program }
      kept.set(callId, terms)
      return terms
    },
  }
}

/**
 * Does what the device says agree with its row? A limit at or above the rated maximum is no limit:
 * the device says that it is at its default. A limit that lets more through than was ordered is
 * not ours: an older profile on a higher stack wins (evcc-io/evcc#31597).
 */
export function confirms(
  resource: Resource,
  row: SetpointRow,
  effective: EffectiveSetpoint,
  terms: CallTerms | null,
): boolean {
  if (row.powerW === null) return effective.kind === 'default'
  if (effective.kind === 'default') return row.powerW >= resource.rating.importMaxW
  if (effective.kind !== 'limited') return false
  if (terms === null) return true
  return isWithinBand(row.powerW, effective.powerW, terms.direction, terms.program)
}
