import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { organisationId, siteId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { enrolResource } from '#lifecycle/enrol-resource.ts'
import { aResource } from '../support/builders.ts'
import { plugBattery, plugCharger } from '../support/simulated-call.ts'
import { idempotent, type Service, siteBody, type Town } from './service.ts'

/**
 * Anna's two chargers, one of which says that it obeys and does not, Bert's battery in reserve, and
 * Wanda's, which is too dear; Wanda is paid to a wallet. With a second verifier.
 * @returns the keys of both verifiers
 */
export async function fourDevices(service: Service, { keys }: Town): Promise<readonly string[]> {
  const post = (key: string, path: string, body: unknown) =>
    service.send('POST', path, { key, body, headers: idempotent() })
  const address = `0x${'ab'.repeat(20)}`
  await post(keys.agg, '/v1/owners', { id: 'wanda', payout: { kind: 'wallet', address } })
  await post(keys.agg, '/v1/sites', siteBody('wanda', 'cp-north'))
  const second = { kind: 'verifier', name: 'V2', address: SIMULATED_PARTIES.verifiers[1] }
  const { body } = await post(keys.operator, '/v1/organisations', second)
  const { world } = service
  const honest = aResource('honest', 'charger', 120_000n)
  const liar = aResource('liar', 'charger', 130_000n)
  const reserve = aResource('reserve', 'battery', 200_000n)
  const dear = aResource('dear', 'battery', 450_001n)
  await plugCharger(world, honest, 7000)
  await plugCharger(world, liar, 7000, { disobeys: true })
  plugBattery(world, reserve)
  plugBattery(world, dear)
  await enrol(service, honest, 'anna')
  await enrol(service, liar, 'anna')
  await enrol(service, reserve, 'bert')
  await enrol(service, dear, 'wanda')
  return [keys.verifier, body.key]
}

/** A device in memory, enrolled as over HTTP but for its protocol. */
async function enrol({ ports }: Service, resource: Resource, owner: string): Promise<void> {
  const { id: name, kind, rating, offer } = resource
  const aggregator = organisationId(owner === 'bert' ? 'agg-2' : 'agg-1')
  await enrolResource(ports, aggregator, {
    id: name,
    kind,
    siteId: siteId(`site-${owner}`),
    rating,
    offer,
    connection: { protocol: 'simulated', address: name },
  })
}
