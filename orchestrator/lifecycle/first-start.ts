import { formatApiKey, sha256Hex } from '#domain/api-key.ts'
import { hashOf } from '#domain/canonical.ts'
import { organisationId } from '#domain/ids.ts'
import { basisPoints } from '#domain/units.ts'
import type { Ports } from '#ports.ts'

const OPERATOR = organisationId('operator')

/**
 * Makes the operator's key when a database has no key at all; null on every later start. The
 * caller shows it once. Of two processes that start at the same time one makes it.
 */
export async function ensureFirstOperator(ports: Ports): Promise<string | null> {
  const key = formatApiKey('operator', ports.random.bytes(32))
  return ports.store.transaction(async (tx) => {
    if ((await tx.keys.count()) > 0) return null
    const taken = await tx.requests.begin(OPERATOR, 'first-start', hashOf('first-start'))
    if (taken !== null) return null
    await tx.organisations.save({
      id: OPERATOR,
      kind: 'operator',
      name: 'Operator',
      address: null,
      aggregatorShareBp: basisPoints(0),
    })
    await tx.keys.save({
      keySha256: sha256Hex(key),
      role: 'operator',
      organisationId: OPERATOR,
      ownerId: null,
    })
    await tx.requests.finish(OPERATOR, 'first-start', 201, '{}')
    return key
  })
}
