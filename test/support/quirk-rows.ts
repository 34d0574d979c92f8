import { ONLY_ON, type QuirkId, QUIRKS } from '#simulations/devices/quirks/catalogue.ts'
import type { Outcome } from './quirk-call.ts'
import type { Played } from './quirk-world.ts'

export type Expected = Played & { readonly expected: readonly Outcome['kind'][] }

const HALF = [4000, 4000]
const SMALL = [2500, 2500]
const ALL = [7000, 7000]
const PAUSE_THEN_HALF = [7000, 4000]

/** Asked for where the quirk shows only then; half of the car's power otherwise. */
const ORDERS: Partial<Record<QuirkId, readonly number[]>> = {
  A3: SMALL,
  A4: PAUSE_THEN_HALF,
  A9: ALL,
  C2: ALL,
  C4: PAUSE_THEN_HALF,
}

const OBEYS: Outcome['kind'][] = ['by itself']
/** Where another form of profile may help, and the battery takes over if none does. */
const FORM: Outcome['kind'][] = ['by another form', 'replaced']
/** What lies below 6 A comes from the battery. */
const PART: Outcome['kind'][] = ['in part']
const REPLACED: Outcome['kind'][] = ['replaced']
/** Nothing is known of its car or its readings: it is left out of the offer, or replaced. */
const UNKNOWN: Outcome['kind'][] = ['not asked', 'replaced']

const EXPECTED: Partial<Record<QuirkId, Outcome['kind'][]>> = {
  contradicts: REPLACED,
  // The limit after a pause is sent again.
  A4: [...OBEYS, ...FORM],
  A6: REPLACED,
  // It draws 6 A before it is told anything: there is nothing to take away.
  A7: ['not asked'],
  // It draws all it can: its meter tells in time, or it is replaced.
  A9: [...PART, ...FORM],
  A10: REPLACED,
  B2: FORM,
  B4: FORM,
  B6: ['by another form'],
  B7: REPLACED,
  B9: REPLACED,
  B10: ['not asked'],
  C2: PART,
  D2: UNKNOWN,
  D12: REPLACED,
  refuses: REPLACED,
  skew: UNKNOWN,
  offline: REPLACED,
  priority: REPLACED,
}

/** What a repair's reason has to say of whoever never took a setpoint. */
const REFUSING: readonly QuirkId[] = ['B7', 'B9', 'refuses']

/** Where one quirk takes away what would have shown the other. */
const PAIRS: readonly { quirks: readonly QuirkId[]; expected: Outcome['kind'][] }[] = [
  { quirks: ['A2', 'D6'], expected: [...OBEYS, 'by another form'] },
  { quirks: ['A10', 'D6'], expected: REPLACED },
  { quirks: ['A10', 'D3'], expected: REPLACED },
]

/** Each quirk of one version in a call of its own, and one charger without any. */
export function rowsOf(version: Played['version'], only?: readonly QuirkId[]): Expected[] {
  const ids = (Object.keys(QUIRKS) as QuirkId[]).filter(
    (id) => (ONLY_ON[id] ?? version) === version && only?.includes(id) !== false,
  )
  const healthy: Expected = {
    name: 'none',
    quirks: [],
    version,
    orderedW: HALF,
    expected: OBEYS,
  }
  return [
    healthy,
    ...ids.map((id) => ({
      name: id,
      quirks: [id],
      version,
      orderedW: ORDERS[id] ?? HALF,
      expected: EXPECTED[id] ?? OBEYS,
    })),
    ...PAIRS.filter(() => only === undefined).map(({ quirks, expected }) => ({
      name: quirks.join('-'),
      quirks,
      version,
      orderedW: HALF,
      expected,
    })),
  ]
}

/** One line per quirk. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const cells = outcomes.map((one) => [
    `${one.name} (${one.version})`,
    one.kind,
    `${one.orderedWh}`,
    `${one.chargerTrueWh}`,
    `${one.spareTrueWh}`,
    `${one.chargerToldWh}`,
    `${Number(one.chargerOwed) / 1e6} EUR`,
    one.detail,
  ])
  const head = [
    'quirk',
    'outcome',
    'ordered',
    'charger',
    'battery',
    'told',
    'owed',
    'because, forms',
  ]
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((row) => row[i]?.length ?? 0)))
  return [head, ...cells]
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
    .join('\n')
}

/** The least share of what was ordered that has to come from somewhere, percent. */
const DELIVERED_MIN = 80
/** A register counts whole Wh, at both ends of two periods. */
const ROUNDING_WH = 3

/** Everything in the outcomes that is not as it has to be, in words. */
export function complaintsOf(rows: readonly Expected[], outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((one) => {
    const expected = rows.find(({ name }) => name === one.name)?.expected ?? []
    const complaints: string[] = []
    const say = (what: string) => complaints.push(`${one.name} (${one.version}): ${what}`)
    if (!expected.includes(one.kind)) say(`expected ${expected.join(' or ')}, got ${one.kind}`)
    if (one.kind === 'in part' && (one.chargerOwed === 0n || one.spareTrueWh === 0)) {
      say(`${one.chargerOwed} are owed for its part, and ${one.spareTrueWh} Wh came from another`)
    }
    if (one.quirks.includes('contradicts') && !one.detail.startsWith('implausible')) {
      say(`was replaced because ${one.detail}`)
    }
    const isRefusal = one.quirks.some((id) => REFUSING.includes(id))
    if (isRefusal && one.detail !== 'refused') say(`was replaced because ${one.detail}`)
    const share = ((one.chargerTrueWh + one.spareTrueWh) * 100) / one.orderedWh
    if (!isLiar(one) && share < DELIVERED_MIN) {
      say(`${Math.round(share)} % of what was ordered was delivered`)
    }
    const isOut = one.kind === 'replaced' || one.kind === 'not asked'
    if (isOut && one.chargerOwed > 0n) say(`is owed ${one.chargerOwed} though it was replaced`)
    if (!isLiar(one) && one.chargerOwed > 0n && one.chargerToldWh > one.chargerTrueWh + ROUNDING_WH)
      say(`is owed for ${one.chargerToldWh} Wh, and ${one.chargerTrueWh} Wh are true`)
    return complaints
  })
}

export function isLiar({ quirks }: Played): boolean {
  return quirks.includes('liar')
}
