import type { CallTerms } from '../evidence.ts'
import type { Difference } from '../verification.ts'
import { effectBpOf } from './behind-point.ts'
import { effectOnBranch } from './sensitivity.ts'
import { feederHash, readFeeder } from './stored-feeder.ts'

/**
 * Whether the effects in a call's terms follow from its feeder: of each device that of its own
 * place there, else that of its site's; none where the feeder places neither. A device that the
 * feeder does not place by itself has its site in the terms. Terms of before they named any site
 * tell only that it has the effect of some site, or none; sites taken out of terms would change
 * their hash.
 * @throws DomainError malformed for a file that is no feeder with that branch
 */
export function effectDifferences(
  { network, candidates }: Pick<CallTerms, 'network' | 'candidates'>,
  raw: unknown,
): Difference[] {
  if (network === undefined) {
    return [{ line: 'terms.network', expected: 'this feeder', got: 'none' }]
  }
  const { feeder, text } = readFeeder(raw, network.branchId, { strict: false })
  const hash = feederHash(text)
  if (hash !== network.feederHash) {
    return [{ line: 'terms.network.feederHash', expected: hash, got: network.feederHash }]
  }
  const effects = effectOnBranch(feeder, network.branchId)
  if (effects === null) throw new Error(`${feeder.name} has no solution`)
  const effectAt = new Map(feeder.buses.map(({ id }, place) => [id, effectBpOf(effects, place)]))
  const own = new Map(feeder.resources.map((one) => [one.resourceId, effectAt.get(one.bus)]))
  const ofSite = new Map(feeder.sites.map((one) => [one.siteId, effectAt.get(one.bus)]))
  const namesSites = candidates.some(({ siteId }) => siteId !== undefined)
  const said = (bp: number | undefined) => (bp === undefined ? 'none' : String(bp))
  return candidates.flatMap(({ resourceId, siteId, effectBp }): Difference[] => {
    const line = `terms.candidates.${resourceId}`
    const isPlaced = own.has(resourceId)
    if (!isPlaced && siteId === undefined && namesSites) {
      return [{ line: `${line}.siteId`, expected: 'its site', got: 'none' }]
    }
    let allowed = [siteId === undefined ? undefined : ofSite.get(siteId)]
    if (isPlaced) allowed = [own.get(resourceId)]
    else if (!namesSites) allowed = [undefined, ...ofSite.values()]
    if (allowed.includes(effectBp)) return []
    const expected = [...new Set(allowed)].map(said).join(' or ')
    return [{ line: `${line}.effectBp`, expected, got: said(effectBp) }]
  })
}
