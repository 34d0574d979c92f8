import { beforeAll, expect, test } from 'vitest'
import { type Outcome, playQuirks } from '#test/support/quirk-call.ts'
import { complaintsOf, rowsOf } from '#test/support/quirk-rows.ts'
import type { Played } from '#test/support/quirk-world.ts'
import { signingMeter } from '#test/support/signed-records.ts'

/*
 * Short calls of real stations over real sockets, fast, a congestion point and a call for each
 * charger. All are played side by side: waiting for many takes no longer than for one.
 */
const SPEED = 400
/** All of them answer, however busy the machine. */
const SET_UP_MS = 8000

/*
 * A few quirks; all of them are in test/faults/quirk-matrix.test.ts. Silence takes wall time to be
 * noticed and has no place here.
 */
const quirky = rowsOf('1.6', [
  'A6',
  'A10',
  'C2',
  'B6',
  'B7',
  'refuses',
  'D3',
  'D6',
  'contradicts',
  'D9',
  'D10',
  'E1',
  'E3',
  'sparse',
  'E6',
  'reordered',
]).map((row) => ({ ...row, orderedW: row.orderedW.slice(0, 1) }))

/** Half of it comes from not charging 7 kW, the rest from the car. */
const GIVES_BACK_W = 12_000
const CAR = { exportMaxW: 7000, energyWh: 90_000, reserveWh: 20_000 }

function giving(name: string, changes: Partial<Played> = {}): Played {
  const one: Played = {
    name,
    quirks: [],
    version: '2.1',
    orderedW: [GIVES_BACK_W],
    givesBack: CAR,
  }
  return { ...one, ...changes }
}

/** Cars that may give power back: from the order below 0 to what is owed for the export. */
const givingBack = [
  giving('old', { version: '2.0.1' }),
  giving('reserved', { givesBack: { ...CAR, reserveWh: 90_000 } }),
  giving('free'),
]

function signing(
  name: string,
  version: Played['version'],
  wrong?: NonNullable<Played['meter']>['wrong'],
): Played {
  const { privateKey, publicKey } = signingMeter()
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const meter = { serial: `M-${name}`, privateKey: pem, publicKey }
  return {
    name,
    quirks: [],
    version,
    orderedW: [7000],
    meter: wrong === undefined ? meter : { ...meter, wrong },
  }
}

const metered: readonly Played[] = [
  signing('signed-16', '1.6'),
  signing('signed-201', '2.0.1'),
  signing('signed-21', '2.1'),
  signing('forged', '1.6', 'changes what was signed'),
  signing('gap', '2.0.1', 'skips pages'),
  { name: 'unsigned', quirks: [], version: '1.6', orderedW: [7000] },
]

let played: readonly Outcome[]

beforeAll(async () => {
  played = await playQuirks([...quirky, ...givingBack, ...metered], SPEED, 'measured', SET_UP_MS)
}, 90_000)

/** What came of them, in their order. */
const outcomesOf = (rows: readonly Played[]) =>
  rows.map((row) => played.find(({ name }) => name === row.name) as Outcome)

test('a call with chargers that ignore, refuse or mumble is delivered, and the truth is paid', () => {
  const outcomes = outcomesOf(quirky)
  expect(outcomes.map(({ state }) => state)).toEqual(quirky.map(() => 'measured'))
  expect(complaintsOf(quirky, outcomes)).toEqual([])
})

test('what a car gives back is ordered, measured and owed, as far as station and owner let it', () => {
  const outcomes = outcomesOf(givingBack)
  const [old, reserved, free] = outcomes as [Outcome, Outcome, Outcome]
  expect(outcomes.map(({ state }) => state)).toEqual(['measured', 'measured', 'measured'])
  // A station without setpoints, and a car whose owner keeps all of it: they stop charging.
  for (const one of [old, reserved]) {
    expect(one.chargerToldWh).toBeGreaterThan(1600)
    expect(one.chargerToldWh).toBeLessThan(1760)
    expect(one.spareTrueWh).toBeGreaterThan(1000)
  }
  expect(free).toMatchObject({
    kind: 'by itself',
    detail: 'TxProfile Dynamic A level 1',
  })
  expect(free.spareTrueWh).toBe(0)
  expect(free.chargerToldWh).toBeGreaterThan(0.95 * free.orderedWh)
  expect(free.chargerToldWh).toBeLessThanOrEqual(free.chargerTrueWh + 3)
  expect(free.chargerOwed).toBeGreaterThan(0n)
})

test('registers that the meter signed are vouched for by it, over every version of OCPP', () => {
  const outcomes = outcomesOf(metered)
  expect(Object.fromEntries(outcomes.map(({ name, assurance }) => [name, assurance]))).toEqual({
    'signed-16': 'A',
    'signed-201': 'A',
    'signed-21': 'A',
    forged: 'B signature-invalid',
    gap: 'B pagination-gap',
    unsigned: 'B no-key',
  })
  for (const { name, chargerToldWh } of outcomes) expect(chargerToldWh, name).toBeGreaterThan(1600)
})
