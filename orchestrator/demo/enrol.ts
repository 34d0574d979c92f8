import type { Scenario, ScenarioDevice } from '#simulations/scenarios/scenario.ts'
import { type PartyApi, partyApi } from './api.ts'

export const DSO = 'dso-demo'

/** Everyone who takes part, each with a key of its own. */
export type Parties = {
  readonly operator: PartyApi
  readonly dso: PartyApi
  readonly aggregators: ReadonlyMap<string, PartyApi>
  readonly owners: ReadonlyMap<string, PartyApi>
  /** The keys themselves, for the pages; of whoever was registered here. */
  readonly keys: { readonly dso: string; readonly aggregator: string; readonly owner: string }
}

export type Enrolled = {
  readonly parties: Parties
  /** What each charge point's installer was given. */
  readonly stations: readonly { ref: string; url: string; password: string }[]
}

type Keyed = { readonly key: string }

/** Business durations of the demo, seconds: short, so that the whole is watched in a minute. */
const RULES = {
  controlCycleSeconds: 30,
  noticeSeconds: 300,
  graceSeconds: 120,
  disputeWindowSeconds: 180,
  epochSeconds: 120,
  epochWindowSeconds: 60,
  settleBySeconds: 1800,
  priceCapMaxMinorPerKwh: '450000',
  feeBp: 200,
  paymentCurve: [
    { deliveredBp: 2500, payBp: 0 },
    { deliveredBp: 9500, payBp: 10_000 },
  ],
  chargerBaseline: { builtIn: 'mean-10-of-10', version: 1 },
  batteryBaseline: { builtIn: 'reading-before', version: 1 },
  toleranceW: 200,
  toleranceBp: 500,
}

/** Registers a scenario's parties and enrols its devices over REST, as they themselves would. */
export async function enrolScenario(options: {
  readonly scenario: Scenario
  readonly url: () => string
  readonly operatorKey: string
  readonly payer: string
  readonly wallet: string
  readonly batteries: readonly { ref: string; endpoint: string; thumbprint: string }[]
}): Promise<Enrolled> {
  const { scenario, url, operatorKey } = options
  const operator = partyApi(url, operatorKey)
  const register = async (id: string, kind: string, name: string, more: object) =>
    (await operator.post<Keyed>('/v1/organisations', { id, kind, name, ...more }, `org-${id}`)).key
  const dsoKey = await register(DSO, 'dso', 'Demo grid operator', { address: options.payer })
  const { timeZone, settlementPeriodSeconds, meteringIntervalSeconds } = scenario
  await operator.put('/v1/programs', {
    id: 'program-demo',
    version: 1,
    dsoId: DSO,
    timeZone,
    settlementPeriodSeconds,
    meteringIntervalSeconds,
    restartSeconds: scenario.restartSeconds,
    ...RULES,
  })
  for (const { ref, name, room } of scenario.congestionPoints) {
    // Of a real evening devices may wait half an hour for their room: no demo stays on for that.
    const isTold = room !== null && scenario.name === 'bundled'
    const point = { id: ref, dsoId: DSO, name, ...(isTold ? { room } : {}) }
    await operator.post('/v1/congestion-points', point, `point-${ref}`)
  }
  const aggregatorKeys = new Map<string, string>()
  for (const { ref, name, shareBp } of scenario.aggregators) {
    aggregatorKeys.set(ref, await register(ref, 'aggregator', name, { aggregatorShareBp: shareBp }))
  }
  const aggregators = new Map(
    [...aggregatorKeys].map(([ref, key]) => [ref, partyApi(url, key)] as const),
  )
  const ownerKeys = await enrolOwners(options, aggregators)
  const stations = await enrolDevices(options, aggregators)
  const owners = new Map([...ownerKeys].map(([ref, key]) => [ref, partyApi(url, key)] as const))
  const first = (keys: ReadonlyMap<string, string>) => [...keys.values()][0] ?? ''
  return {
    stations,
    parties: {
      operator,
      dso: partyApi(url, dsoKey),
      aggregators,
      owners,
      keys: { dso: dsoKey, aggregator: first(aggregatorKeys), owner: first(ownerKeys) },
    },
  }
}

function of(aggregators: ReadonlyMap<string, PartyApi>, ref: string): PartyApi {
  const found = aggregators.get(ref)
  if (!found) throw new Error(`the scenario has no aggregator ${ref}`)
  return found
}

async function enrolOwners(
  { scenario, wallet }: { readonly scenario: Scenario; readonly wallet: string },
  aggregators: ReadonlyMap<string, PartyApi>,
): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  for (const { ref, aggregator, payout } of scenario.owners) {
    const choice =
      payout.kind === 'agent' ? payout : { kind: 'wallet', address: payout.address ?? wallet }
    const body = { id: ref, payout: choice }
    const { key } = await of(aggregators, aggregator).post<Keyed>('/v1/owners', body, `own-${ref}`)
    keys.set(ref, key)
  }
  for (const { ref, aggregator, owner, congestionPoint } of scenario.sites) {
    const body = { id: ref, ownerId: owner, congestionPointId: congestionPoint }
    await of(aggregators, aggregator).post('/v1/sites', body, `site-${ref}`)
  }
  return keys
}

type Answer = {
  readonly resource: { readonly connection: { readonly url?: string } }
  readonly password: string | null
}

async function enrolDevices(
  options: {
    readonly scenario: Scenario
    readonly batteries: readonly { ref: string; endpoint: string; thumbprint: string }[]
  },
  aggregators: ReadonlyMap<string, PartyApi>,
): Promise<{ ref: string; url: string; password: string }[]> {
  const { scenario, batteries } = options
  const sites = new Map(scenario.sites.map((site) => [site.ref, site]))
  const enrolOne = async (device: ScenarioDevice) => {
    const aggregator = of(aggregators, sites.get(device.site)?.aggregator ?? '')
    const { price: priceMinorPerKwh, ...offer } = device.offer
    const answer = await aggregator.post<Answer>(
      '/v1/resources',
      {
        id: device.ref,
        kind: device.kind,
        siteId: device.site,
        rating: device.rating,
        offer: { ...offer, priceMinorPerKwh },
        connection: connectionOf(device, batteries),
      },
      `res-${device.ref}`,
    )
    if (device.kind !== 'charger') return []
    if (device.history.length > 0) {
      await aggregator.post(`/v1/resources/${device.ref}/history`, { readings: device.history })
    }
    return [{ ref: device.ref, url: stationUrl(answer), password: answer.password ?? '' }]
  }
  const stations: { ref: string; url: string; password: string }[] = []
  for (const device of scenario.devices) stations.push(...(await enrolOne(device)))
  return stations
}

function stationUrl({ resource }: Answer): string {
  const { url } = resource.connection
  if (url === undefined) throw new Error('an installer was told no address')
  return url
}

function connectionOf(
  device: ScenarioDevice,
  batteries: readonly { ref: string; endpoint: string; thumbprint: string }[],
) {
  if (device.kind === 'charger') return { protocol: 'ocpp', identity: device.ref }
  const found = batteries.find(({ ref }) => ref === device.ref)
  if (!found) throw new Error(`the fleet has no battery ${device.ref}`)
  return { protocol: 'opcua', endpoint: found.endpoint, thumbprint: found.thumbprint }
}
