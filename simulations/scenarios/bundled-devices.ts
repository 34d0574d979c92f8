import { type SeededRandom, seededRandom } from '../random.ts'
import { NORTH, pad, SOUTH, type Unowned } from './parties.ts'
import type { ScenarioBattery } from './scenario.ts'

const NORTH_BATTERIES = 4
const SOUTH_BATTERIES = 2

/** Micro-EUR per kWh: the cheapest offer, and the step to the next dearer one. */
const CHEAPEST = 118_000
const STEP = 9_600
const JITTER = 9_000

/** The batteries of the bundled world, also those of a real day. They stand idle by themselves. */
export function bundledBatteries(seed: number): Unowned[] {
  return Array.from({ length: NORTH_BATTERIES + SOUTH_BATTERIES }, (_, index) => {
    const ref = `res-bat-${pad(index + 1)}`
    const random = seededRandom(seed, 'battery', ref)
    const powerW = random.pick([5000, 6000, 8000, 10_000])
    const energyWh = powerW * 2 + random.integer(0, 4) * 500
    const device: ScenarioBattery = {
      kind: 'battery',
      ref,
      site: '',
      rating: {
        importMaxW: powerW,
        exportMaxW: powerW,
        importMinW: 0,
        phases: powerW > 6000 ? 3 : 1,
        energyWh,
        reserveWh: Math.round(energyWh * 0.1),
        pausable: true,
      },
      offer: {
        price: '0',
        directions: ['reduce-import', 'increase-import'],
        fromMinute: 0,
        untilMinute: 1440,
      },
      battery: {
        soc: random.integer(56, 66) / 100,
        socMin: 0.05,
        socMax: 0.95,
        rampPerSecond: 0.5,
        revertW: 0,
        importedWh: random.integer(800, 4000) * 1000,
        exportedWh: random.integer(500, 700) * 1000,
      },
    }
    return { device, congestionPoint: index < NORTH_BATTERIES ? NORTH : SOUTH }
  })
}

/**
 * Gives every device a price of its own. At the north point each fifth of the merit order holds
 * both versions of OCPP and a battery: whatever the seed, a call of moderate size meets all three.
 */
export function dealPrices(unowned: readonly Unowned[], random: SeededRandom): Unowned[] {
  const at = (congestionPoint: string) =>
    unowned.filter((one) => one.congestionPoint === congestionPoint)
  const north = meritOrder(at(NORTH), random)
  const south = random.shuffle(at(SOUTH))
  const order = mix(north, south)
  const price = new Map(
    order.map(({ device }, rank) => {
      return [device.ref, String(CHEAPEST + rank * STEP + random.integer(0, JITTER))]
    }),
  )
  return unowned.map((one) => {
    const offer = { ...one.device.offer, price: price.get(one.device.ref) ?? '0' }
    return { ...one, device: { ...one.device, offer } }
  })
}

function meritOrder(north: readonly Unowned[], random: SeededRandom): Unowned[] {
  const kindOf = ({ device }: Unowned) => (device.kind === 'charger' ? device.version : 'battery')
  const piles = ['1.6', '2.0.1', 'battery'].map((kind) =>
    random.shuffle(north.filter((one) => kindOf(one) === kind)),
  )
  const rounds = Math.max(1, piles[2]?.length ?? 1)
  const dealt = Array.from({ length: rounds }, (_, round) =>
    random.shuffle(
      piles.flatMap((pile) => {
        const share = (part: number) => Math.round((pile.length * part) / rounds)
        return pile.slice(share(round), share(round + 1))
      }),
    ),
  )
  return dealt.flat()
}

/** Two orders in one, evenly, each kept as it is. */
function mix(first: readonly Unowned[], second: readonly Unowned[]): Unowned[] {
  const place = (items: readonly Unowned[]) =>
    items.map((item, index) => ({ item, at: (index + 0.5) / items.length }))
  return [...place(first), ...place(second)].sort((a, b) => a.at - b.at).map(({ item }) => item)
}
