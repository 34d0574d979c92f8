import type { CongestionRoom } from '#domain/resource.ts'
import type { SeededRandom } from '../random.ts'
import type {
  Scenario,
  ScenarioDevice,
  ScenarioOwner,
  ScenarioPoint,
  ScenarioSite,
} from './scenario.ts'

export const NORTH = 'cp-north'
export const SOUTH = 'cp-south'

/** 1500 bp of what its owners earn, for both. */
export const AGGREGATORS: Scenario['aggregators'] = [
  { ref: 'agg-amber', name: 'Amber Flex', shareBp: 1500 },
  { ref: 'agg-birch', name: 'Birch Energy', shareBp: 1500 },
]

/** The two points; of the north one its DSO says how much room there is after a window. */
export function congestionPoints(room: CongestionRoom): ScenarioPoint[] {
  return [
    { ref: NORTH, name: 'North substation, feeder 4', room },
    { ref: SOUTH, name: 'South substation, feeder 1', room: null },
  ]
}

/** A device before anybody owns it. */
export type Unowned = { readonly device: ScenarioDevice; readonly congestionPoint: string }

const WALLET_OWNER = 1
const HOUSEHOLD = 2
const OTHERS = { from: 3, to: 14 }

/**
 * Deals the devices to fourteen owners: the first has the cheapest charger and battery and a
 * wallet, the second the next charger and battery of the same point and a bank account, the others
 * what is left in turn. One site per owner and congestion point.
 */
export function dealOwners(
  unowned: readonly Unowned[],
  random: SeededRandom,
): { owners: ScenarioOwner[]; sites: ScenarioSite[]; devices: ScenarioDevice[] } {
  const byPrice = [...unowned].sort(
    (a, b) => Number(a.device.offer.price) - Number(b.device.offer.price),
  )
  const north = byPrice.filter(({ congestionPoint }) => congestionPoint === NORTH)
  const ofKind = (kind: ScenarioDevice['kind']) =>
    north.filter(({ device }) => device.kind === kind)
  const ownerOf = new Map<string, number>()
  for (const owner of [WALLET_OWNER, HOUSEHOLD]) {
    for (const kind of ['charger', 'battery'] as const) {
      const found = ofKind(kind)[owner - 1]
      if (found !== undefined) ownerOf.set(found.device.ref, owner)
    }
  }
  const left = random.shuffle(unowned.filter(({ device }) => !ownerOf.has(device.ref)))
  left.forEach(({ device }, index) => {
    ownerOf.set(device.ref, OTHERS.from + (index % (OTHERS.to - OTHERS.from + 1)))
  })
  const owners = [...new Set(ownerOf.values())]
    .sort((a, b) => a - b)
    .map((number) => ({
      ref: ownerRef(number),
      aggregator: aggregatorOf(number),
      payout:
        number === WALLET_OWNER
          ? ({ kind: 'wallet', address: null } as const)
          : ({ kind: 'agent', iban: playIban(number, random) } as const),
    }))
  const sites = new Map<string, ScenarioSite>()
  const devices = unowned.map(({ device, congestionPoint }) => {
    const number = ownerOf.get(device.ref) ?? OTHERS.from
    const ref = `site-${pad(number)}-${congestionPoint.slice(3)}`
    const owner = ownerRef(number)
    sites.set(ref, { ref, aggregator: aggregatorOf(number), owner, congestionPoint })
    return { ...device, site: ref }
  })
  return { owners, sites: [...sites.values()].sort((a, b) => (a.ref < b.ref ? -1 : 1)), devices }
}

function aggregatorOf(owner: number): string {
  return AGGREGATORS[owner % AGGREGATORS.length]?.ref ?? ''
}

function ownerRef(number: number): string {
  return `owner-${pad(number)}`
}

export function pad(number: number): string {
  return String(number).padStart(2, '0')
}

/** The letters of GRID and NL as ISO 7064 counts them: A is 10. */
const BANK_DIGITS = '16271813'
const COUNTRY_DIGITS = '2321'

/** A Dutch account number with right check digits (mod 97-10) at a bank that does not exist. */
function playIban(number: number, random: SeededRandom): string {
  const account = `${pad(number)}${String(random.integer(0, 99_999_999)).padStart(8, '0')}`
  const check = 98n - (BigInt(`${BANK_DIGITS}${account}${COUNTRY_DIGITS}00`) % 97n)
  return `NL${String(check).padStart(2, '0')}GRID${account}`
}
