import { batch, type Signal, signal } from '@preact/signals'
import type {
  CallEvent,
  CallSummary,
  CallState,
  Client,
  CongestionPoint,
  Decision,
  Disputes,
  Program,
  WholeCall,
} from '../api.ts'
import { clockSpeed, zone } from '../shared/business-time.ts'
import { goLive, type Live } from '../shared/live.ts'
import { callToShow, chosenCall } from '../shared/selected-call.ts'
import { createStops, type Stops } from '../shared/stops.ts'
import { createStateWatch } from '../shared/state-changes.ts'

/** What the DSO's page knows. */
export type DsoModel = {
  readonly client: Client
  readonly live: Live
  /** null before the first answer. */
  readonly calls: Signal<readonly CallSummary[] | null>
  readonly call: Signal<WholeCall | null>
  readonly events: Signal<readonly CallEvent[]>
  /** Of the call shown: what was decided about each resource. */
  readonly decisions: Signal<readonly Decision[]>
  /** Of the call shown: objections and what is on hold; null before it is measured. */
  readonly disputes: Signal<Disputes | null>
  readonly program: Signal<Program | null>
  readonly stops: Stops
  placeName(congestionPointId: string): string
}

const IDLE_MS = 10_000
const STOPPING_MS = 500

export function openDsoModel(client: Client, onKeyRefused: (why: string) => void): DsoModel {
  const calls = signal<readonly CallSummary[] | null>(null)
  const call = signal<WholeCall | null>(null)
  const events = signal<readonly CallEvent[]>([])
  const decisions = signal<readonly Decision[]>([])
  const disputes = signal<Disputes | null>(null)
  const program = signal<Program | null>(null)
  const stops = createStops(client)
  const points = signal<readonly CongestionPoint[]>([])
  const placeName = (id: string) => points.value.find((point) => point.id === id)?.name ?? id
  const watch = createStateWatch((changed) => `Call at ${placeName(changed.congestionPointId)}`)

  async function refresh(): Promise<void> {
    const list = await (await client.v1['flexibility-calls'].$get({ query: {} })).json()
    const id = callToShow(list, chosenCall.peek(), call.peek()?.id ?? null)
    const isPlaceNew = list.some(
      ({ congestionPointId }) => !points.peek().some((point) => point.id === congestionPointId),
    )
    const state = list.find((one) => one.id === id)?.state
    const [[shown, happened, decided], disputed] = await Promise.all([
      id === null ? NO_CALL : readCall(client, id),
      id === null || state === undefined ? null : readDisputes(client, id, state),
      stops.refresh(),
    ])
    if (program.peek() === null || isPlaceNew) await readContract(shown?.dsoId ?? null)
    batch(() => {
      calls.value = list
      call.value = shown
      events.value = happened
      decisions.value = decided
      disputes.value = disputed
    })
    watch(list)
  }

  async function readContract(dsoId: string | null): Promise<void> {
    points.value = await (await client.v1['congestion-points'].$get()).json()
    const programs = await (await client.v1.programs.$get()).json()
    program.value = programs.find((one) => one.dsoId === dsoId) ?? programs[0] ?? null
    if (program.value !== null) zone.value = program.value.timeZone
  }

  const live = goLive({ client, refresh, lookAgainMs, onKeyRefused })
  /** In the window the meters bring new figures with every interval, and no event says so. */
  function lookAgainMs(): number {
    if (stops.isUnderWay()) return STOPPING_MS
    if (call.peek()?.state !== 'dispatched') return IDLE_MS
    const intervalMs = ((program.peek()?.meteringIntervalSeconds ?? 30) * 1000) / clockSpeed.peek()
    return Math.min(Math.max(intervalMs, 1000), IDLE_MS)
  }
  const stopChoosing = chosenCall.subscribe(() => live.refreshSoon())
  return {
    client,
    calls,
    call,
    events,
    decisions,
    disputes,
    program,
    stops,
    placeName,
    live: {
      ...live,
      stop() {
        stopChoosing()
        live.stop()
      },
    },
  }
}

type ReadCall = readonly [WholeCall | null, readonly CallEvent[], readonly Decision[]]
const NO_CALL: ReadCall = [null, [], []]

async function readCall(client: Client, id: string): Promise<ReadCall> {
  const one = client.v1['flexibility-calls'][':id']
  const [view, happened, decided] = await Promise.all([
    one.$get({ param: { id } }).then((answer) => answer.json()),
    one.events.$get({ param: { id } }).then((answer) => answer.json()),
    one.decisions.$get({ param: { id } }).then((answer) => answer.json()),
  ])
  return [view.view === 'dso' || view.view === 'operator' ? view : null, happened, decided]
}

const MEASURED: ReadonlySet<CallState> = new Set(['measured', 'verified', 'settled', 'paid'])

async function readDisputes(
  client: Client,
  id: string,
  state: CallState,
): Promise<Disputes | null> {
  if (!MEASURED.has(state)) return null
  return (await client.v1['flexibility-calls'][':id'].disputes.$get({ param: { id } })).json()
}
