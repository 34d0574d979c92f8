import { seededRandom } from '../../random.ts'

/** A device of the year, as its aggregator knows it. */
export type YearDevice = {
  readonly ref: string
  readonly kind: 'charger' | 'battery'
  readonly make: string
  readonly powerW: number
  /** Decides the merit order. */
  readonly priceMicroEur: number
}

/** Shares of the market, the largest first: an outage of the first is felt. */
const MAKES: readonly (readonly [string, number])[] = [
  ['alder', 0.28],
  ['birch', 0.22],
  ['cedar', 0.18],
  ['dogwood', 0.14],
  ['elm', 0.1],
  ['fir', 0.08],
]
const CHARGER_SHARE = 0.6
const CHARGER_W = [3_700, 7_400, 11_000]
const BATTERY_W = [2_500, 5_000, 10_000]

/** The fleet, cheapest first. */
export function yearFleet(seed: number, count: number): YearDevice[] {
  const devices = Array.from({ length: count }, (_, index): YearDevice => {
    const random = seededRandom(seed, 'year', 'device', index)
    const kind = random.next() < CHARGER_SHARE ? 'charger' : 'battery'
    return {
      ref: `${kind}-${index}`,
      kind,
      make: makeAt(random.next()),
      powerW: random.pick(kind === 'charger' ? CHARGER_W : BATTERY_W),
      priceMicroEur: random.integer(118_000, 406_000),
    }
  })
  return devices.sort((a, b) => a.priceMicroEur - b.priceMicroEur || (a.ref < b.ref ? -1 : 1))
}

function makeAt(share: number): string {
  let sum = 0
  for (const [make, part] of MAKES) {
    sum += part
    if (share < sum) return make
  }
  return MAKES[0]?.[0] ?? ''
}

export const MAKE_NAMES = MAKES.map(([make]) => make)
