import { batch, type Signal, signal } from '@preact/signals'
import type {
  AggregatorCall,
  AnyCall,
  CallEvent,
  CallSummary,
  Client,
  CongestionPoint,
  Decision,
  Earnings,
  Resource,
} from '../api.ts'
import { goLive, type Live } from '../shared/live.ts'
import { callToShow, chosenCall } from '../shared/selected-call.ts'
import { createStateWatch } from '../shared/state-changes.ts'
import { hasEnded } from '../shared/words.ts'

/** What the aggregator's page knows. */
export type AggregatorModel = {
  readonly live: Live
  /** null before the first answer. */
  readonly resources: Signal<readonly Resource[] | null>
  readonly calls: Signal<readonly CallSummary[]>
  /** Calls that have not ended, for what each resource does now. */
  readonly open: Signal<readonly AggregatorCall[]>
  readonly call: Signal<AggregatorCall | null>
  readonly events: Signal<readonly CallEvent[]>
  /** Of the call shown: what was decided about each of the own resources. */
  readonly decisions: Signal<readonly Decision[]>
  readonly earnings: Signal<Earnings | null>
  placeName(congestionPointId: string): string
  /** What a resource asks for, and what that is tied to, from now on. @throws Refused */
  changeOffer(id: string, offer: Resource['offer']): Promise<void>
}

const LOOK_AGAIN_MS = { inWindow: 1500, idle: 5000 }

export function openAggregatorModel(
  client: Client,
  onKeyRefused: (why: string) => void,
): AggregatorModel {
  const resources = signal<readonly Resource[] | null>(null)
  const calls = signal<readonly CallSummary[]>([])
  const open = signal<readonly AggregatorCall[]>([])
  const call = signal<AggregatorCall | null>(null)
  const events = signal<readonly CallEvent[]>([])
  const decisions = signal<readonly Decision[]>([])
  const earnings = signal<Earnings | null>(null)
  const points = signal<readonly CongestionPoint[]>([])
  const placeName = (id: string) => points.value.find((point) => point.id === id)?.name ?? id
  const watch = createStateWatch((changed) => `Call at ${placeName(changed.congestionPointId)}`)

  async function refresh(): Promise<void> {
    const [devices, list, earned] = await Promise.all([
      client.v1.aggregator.resources.$get().then((answer) => answer.json()),
      client.v1['flexibility-calls'].$get({ query: {} }).then((answer) => answer.json()),
      client.v1.aggregator.earnings.$get().then((answer) => answer.json()),
    ])
    if (points.peek().length === 0)
      points.value = await (await client.v1['congestion-points'].$get()).json()
    const id = callToShow(list, chosenCall.peek(), call.peek()?.id ?? null)
    const ids = list.filter(({ state }) => !hasEnded(state)).map((one) => one.id)
    const wanted = [...new Set(id === null ? ids : [...ids, id])]
    const views = (await Promise.all(wanted.map((one) => readCall(client, one)))).filter(isOurs)
    const [happened, decided] =
      id === null ? [[], []] : await Promise.all([readEvents(client, id), readWhy(client, id)])
    batch(() => {
      resources.value = devices
      calls.value = list
      earnings.value = earned
      open.value = views.filter(({ state }) => !hasEnded(state))
      call.value = views.find((view) => view.id === id) ?? null
      events.value = happened
      decisions.value = decided
    })
    watch(list)
  }

  const live = goLive({
    client,
    refresh,
    onKeyRefused,
    lookAgainMs: () =>
      open.peek().some(({ state }) => state === 'dispatched')
        ? LOOK_AGAIN_MS.inWindow
        : LOOK_AGAIN_MS.idle,
  })
  const stopChoosing = chosenCall.subscribe(() => live.refreshSoon())
  const stop = () => {
    stopChoosing()
    live.stop()
  }
  const known = { resources, calls, open, call, events, decisions, earnings }
  async function changeOffer(id: string, json: Resource['offer']): Promise<void> {
    const answer = await client.v1.resources[':id'].offer.$put({ param: { id }, json })
    const changed = await answer.json()
    resources.value = (resources.peek() ?? []).map((one) => (one.id === id ? changed : one))
    live.refreshSoon()
  }
  return { live: { ...live, stop }, ...known, placeName, changeOffer }
}

function isOurs(view: AnyCall): view is AggregatorCall {
  return view.view === 'aggregator'
}

async function readCall(client: Client, id: string): Promise<AnyCall> {
  return (await client.v1['flexibility-calls'][':id'].$get({ param: { id } })).json()
}

async function readEvents(client: Client, id: string): Promise<CallEvent[]> {
  return (await client.v1['flexibility-calls'][':id'].events.$get({ param: { id } })).json()
}

async function readWhy(client: Client, id: string): Promise<Decision[]> {
  return (await client.v1['flexibility-calls'][':id'].decisions.$get({ param: { id } })).json()
}
