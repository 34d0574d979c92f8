import type { CallTerms } from '../evidence.ts'
import type { Difference } from '../verification.ts'
import { effectBpOf } from './behind-point.ts'
import { effectOnBranch } from './sensitivity.ts'
import { feederHash, readFeeder } from './stored-feeder.ts'

/**
 * Whether the effects in a call's terms follow from its feeder. The terms do not tell at which site
 * a device stands: one that the feeder does not place by itself has the effect of some site there,
 * or none.
 * @throws DomainError malformed for a file that is no feeder with that branch
 */
export function effectDifferences(
  { network, candidates }: Pick<CallTerms, 'network' | 'candidates'>,
  raw: unknown,
): Difference[] {
  if (network === undefined) {
    return [{ line: 'terms.network', expected: 'this feeder', got: 'none' }]
  }
  const { feeder, text } = readFeeder(raw, network.branchId)
  const hash = feederHash(text)
  if (hash !== network.feederHash) {
    return [{ line: 'terms.network.feederHash', expected: hash, got: network.feederHash }]
  }
  const effects = effectOnBranch(feeder, network.branchId)
  if (effects === null) throw new Error(`${feeder.name} has no solution`)
  const effectAt = new Map(feeder.buses.map(({ id }, place) => [id, effectBpOf(effects, place)]))
  const own = new Map(feeder.resources.map((one) => [one.resourceId, effectAt.get(one.bus)]))
  const ofSites = new Set([undefined, ...feeder.sites.map(({ bus }) => effectAt.get(bus))])
  return candidates.flatMap(({ resourceId, effectBp }): Difference[] => {
    const allowed = own.has(resourceId) ? new Set([own.get(resourceId)]) : ofSites
    if (allowed.has(effectBp)) return []
    const said = (bp: number | undefined) => (bp === undefined ? 'none' : String(bp))
    const line = `terms.candidates.${resourceId}.effectBp`
    return [{ line, expected: [...allowed].map(said).join(' or '), got: said(effectBp) }]
  })
}
