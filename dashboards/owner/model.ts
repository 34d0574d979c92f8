import { batch, type Signal, signal } from '@preact/signals'
import type {
  AnyCall,
  Client,
  Disputes,
  Earnings,
  Limits,
  OwnDecision,
  OwnerCall,
  Payout,
  Resource,
} from '../api.ts'
import { createDisputeReader } from './dispute-reader.ts'
import { goLive, type Live } from '../shared/live.ts'
import { createStateWatch } from '../shared/state-changes.ts'
import { hasEnded } from '../shared/words.ts'

/** What an owner's page knows. */
export type OwnerModel = {
  readonly client: Client
  readonly live: Live
  /** null before the first answer. */
  readonly resources: Signal<readonly Resource[] | null>
  /** Calls that the owner's devices take part in and that have not ended. */
  readonly open: Signal<readonly OwnerCall[]>
  /** Why devices were chosen or not, newest call first. */
  readonly decisions: Signal<readonly OwnDecision[]>
  readonly earnings: Signal<Earnings | null>
  /** By device: what its owner allows, and who leads it. */
  readonly limits: Signal<ReadonlyMap<string, Limits>>
  learnLimits(resourceId: string, limits: Limits): void
  readonly payout: Signal<Payout | null>
  /** By call: until when a line can be objected to, who has, and what is on hold. */
  readonly disputes: Signal<ReadonlyMap<string, Disputes>>
}

const DECISIONS = '20'
const LOOK_AGAIN_MS = { inWindow: 2000, idle: 5000 }

export function openOwnerModel(client: Client, onKeyRefused: (why: string) => void): OwnerModel {
  const resources = signal<readonly Resource[] | null>(null)
  const open = signal<readonly OwnerCall[]>([])
  const decisions = signal<readonly OwnDecision[]>([])
  const earnings = signal<Earnings | null>(null)
  const payout = signal<Payout | null>(null)
  const limits = signal<ReadonlyMap<string, Limits>>(new Map())
  const disputes = signal<ReadonlyMap<string, Disputes>>(new Map())
  const readDisputes = createDisputeReader(client)
  const watch = createStateWatch(() => 'The call that your devices help with')

  async function refresh(): Promise<void> {
    const [devices, list, earned, paid, decided] = await Promise.all([
      client.v1.owner.resources.$get().then((answer) => answer.json()),
      client.v1['flexibility-calls'].$get({ query: {} }).then((answer) => answer.json()),
      client.v1.owner.earnings.$get().then((answer) => answer.json()),
      client.v1.owner.payout.$get().then((answer) => answer.json()),
      readWhy(client),
    ])
    const ids = list.filter(({ state }) => !hasEnded(state)).map(({ id }) => id)
    const views = await Promise.all(
      ids.map(
        async (id): Promise<AnyCall> =>
          (await client.v1['flexibility-calls'][':id'].$get({ param: { id } })).json(),
      ),
    )
    const disputed = await readDisputes(earned)
    const allowed = await readLimits(client, devices)
    batch(() => {
      limits.value = allowed
      disputes.value = disputed
      decisions.value = decided
      resources.value = devices
      earnings.value = earned
      payout.value = paid
      open.value = views.filter((view) => view.view === 'owner')
    })
    watch(list)
  }

  const live = goLive({
    client,
    refresh,
    onKeyRefused,
    lookAgainMs: () => (open.peek().length > 0 ? LOOK_AGAIN_MS.inWindow : LOOK_AGAIN_MS.idle),
  })
  return {
    client,
    live,
    resources,
    open,
    decisions,
    earnings,
    limits,
    learnLimits(resourceId, found) {
      limits.value = new Map([...limits.peek(), [resourceId, found]])
    },
    payout,
    disputes,
  }
}

async function readLimits(
  client: Client,
  devices: readonly Resource[],
): Promise<ReadonlyMap<string, Limits>> {
  const { limits } = client.v1.resources[':id']
  const found = devices.map(async ({ id }): Promise<[string, Limits]> => {
    return [id, await (await limits.$get({ param: { id } })).json()]
  })
  return new Map(await Promise.all(found))
}

async function readWhy(client: Client): Promise<OwnDecision[]> {
  return (await client.v1.owner.decisions.$get({ query: { limit: DECISIONS } })).json()
}
