import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { acceptAsDso, aRequest, dso, WINDOW_START } from './builders.ts'
import {
  NATURAL_W,
  type Played,
  pointOf,
  PROGRAM,
  type QuirkWorld,
  startQuirkWorld,
} from './quirk-world.ts'

/** What came of one quirk in its call. Energies in Wh, positive where load was taken away. */
export type Outcome = Played & {
  readonly kind: 'by itself' | 'by another form' | 'in part' | 'replaced' | 'not asked'
  readonly detail: string
  readonly orderedWh: number
  /** By registers in the fleet that no message touches. */
  readonly chargerTrueWh: number
  readonly spareTrueWh: number
  /** What the call's settlement says of the charger, and what it is owed. */
  readonly chargerToldWh: number
  readonly chargerOwed: bigint
  readonly state: FlexibilityCall['state']
  /** How well the charger's readings are vouched for, and why no better. */
  readonly assurance: string
}

const PERIOD_S = PROGRAM.settlementPeriodSeconds
/** Of business time, from the end of the grace time. */
const MEASURED_WITHIN_S = 900

/** Plays one call per row, side by side, from the request to its settlement, or to the money. */
export async function playQuirks(
  played: readonly Played[],
  speed: number,
  until: 'measured' | 'paid' = 'paid',
  /** Wall time; short where stations that never answer are among them. */
  setUpDeadlineMs = 2000,
): Promise<Outcome[]> {
  const world = await startQuirkWorld(played, speed, setUpDeadlineMs)
  try {
    world.start()
    const calls = new Map<string, CallId>()
    for (const { name, orderedW } of played) {
      const request = aRequest(orderedW, { congestionPointId: pointOf(name) })
      const { call } = await requestFlexibility(world.ports(), dso, `key-${name}`, request)
      calls.set(name, call.id)
    }
    const callOf = (name: string) =>
      world.store.transaction((tx) => tx.calls.lock(calls.get(name) as CallId))
    await world.runTo(addSeconds(WINDOW_START, -60), async () => {
      for (const { name } of played) {
        const call = await callOf(name)
        if (call.state === 'offered') await acceptAsDso(world.ports(), call.id)
      }
    })
    const periods = Math.max(...played.map(({ orderedW }) => orderedW.length))
    const end = addSeconds(WINDOW_START, periods * PERIOD_S)
    const graceEnd = addSeconds(end, PROGRAM.graceSeconds)
    await world.runTo(addSeconds(graceEnd, 60))
    // Business time does not wait for a busy machine that has this many calls to measure.
    for (
      let late = 120;
      late <= MEASURED_WITHIN_S && (await anyIs(world, 'dispatched'));
      late += 60
    ) {
      await world.runTo(addSeconds(graceEnd, late))
    }
    if (until === 'paid') {
      await world.verify()
      await world.runTo(addSeconds(end, 1200), async () => {
        if (await anyWaitsForVerifiers(world)) await world.verify()
      })
    }
    return await Promise.all(
      played.map(async (row) => outcomeOf(world, row, await callOf(row.name))),
    )
  } finally {
    await world.stop()
  }
}

async function anyIs({ store }: QuirkWorld, state: FlexibilityCall['state']): Promise<boolean> {
  const calls = await store.transaction((tx) => tx.calls.list())
  return calls.some((call) => call.state === state)
}

async function anyWaitsForVerifiers({ store }: QuirkWorld): Promise<boolean> {
  const calls = await store.transaction((tx) => tx.calls.list())
  return calls.some(({ state }) => state !== 'paid')
}

async function outcomeOf(world: QuirkWorld, row: Played, call: FlexibilityCall): Promise<Outcome> {
  const chargerId = `charger-${row.name}`
  const mine = call.allocations.filter(({ resourceId }) => resourceId === chargerId)
  const repair = call.repairs.findLast(({ resourceId }) => resourceId === chargerId)
  const skipped = call.skipped.find(({ resourceId }) => resourceId === chargerId)
  const line = call.settlement?.lines.find(({ resourceId }) => resourceId === chargerId)
  const rows = await world.store.transaction((tx) => tx.setpoints.ofCall(call.id))
  const forms = rows
    .filter(({ resourceId, powerW }) => resourceId === chargerId && powerW !== null)
    .map(({ strategy }) => strategy)
  const usual = forms.every((form) => form === null || form === USUAL_FORM[row.version])
  const kind =
    mine.length === 0
      ? 'not asked'
      : repair !== undefined
        ? repair.reason === 'cannot-pause'
          ? 'in part'
          : 'replaced'
        : usual
          ? 'by itself'
          : 'by another form'
  const orderedWh = row.orderedW.reduce((sum, powerW) => sum + (powerW * PERIOD_S) / 3600, 0)
  const spare = call.settlement?.lines.find(({ resourceId }) => resourceId === `spare-${row.name}`)
  return {
    ...row,
    kind,
    detail: [skipped?.reason, repair?.reason, ...new Set(forms)]
      .filter((word) => word != null)
      .join(', '),
    orderedWh,
    chargerTrueWh: savedWh(world, row),
    spareTrueWh: spare?.deliveredWh ?? 0,
    chargerToldWh: line?.deliveredWh ?? 0,
    chargerOwed: line?.gross ?? 0n,
    state: call.state,
    assurance: await assuranceOf(world, call, chargerId),
  }
}

async function assuranceOf({ store }: QuirkWorld, { id, evidence }: FlexibilityCall, of: string) {
  if (evidence === null) return 'not measured'
  const text = await store.transaction((tx) => tx.evidence.load(id, evidence.version))
  const found = parseBundle(text ?? '').assurances.find(({ resourceId }) => resourceId === of)
  return found === undefined ? 'no part' : [found.assurance, ...found.reasons].join(' ')
}

/** In which form setpoints are given where nothing is known of a station. */
const USUAL_FORM = {
  '1.6': 'TxProfile Absolute A level 1',
  '2.0.1': 'TxProfile Absolute A level 1',
  '2.1': 'TxProfile Dynamic A level 1',
}

/** Against what the car draws when nobody asks, over the whole window. */
function savedWh({ trueWh }: QuirkWorld, { name, orderedW }: Played): number {
  const end = addSeconds(WINDOW_START, orderedW.length * PERIOD_S)
  const used = trueWh(name, end) - trueWh(name, WINDOW_START)
  return Math.round((NATURAL_W * orderedW.length * PERIOD_S) / 3600) - used
}
