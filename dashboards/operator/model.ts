import { batch, type Signal, signal } from '@preact/signals'
import {
  type Client,
  type Epoch,
  type LedgerAccount,
  type Money,
  type Parties,
  Refused,
} from '../api.ts'
import { announce } from '../shared/announcer.tsx'
import { goLive, type Live } from '../shared/live.ts'
import { createStops, type Stops } from '../shared/stops.ts'

/** What the operator's page knows. */
export type OperatorModel = {
  readonly client: Client
  readonly live: Live
  /** null before the first answer. */
  readonly money: Signal<Money | null>
  /** Newest first. */
  readonly epochs: Signal<readonly Epoch[]>
  readonly parties: Signal<Parties | null>
  /** null: the money is on a chain, or this is not known yet. */
  readonly accounts: Signal<readonly LedgerAccount[] | null>
  readonly stops: Stops
}

const LOOK_AGAIN_MS = 10_000
const STOPPING_MS = 500

export function openOperatorModel(
  client: Client,
  onKeyRefused: (why: string) => void,
): OperatorModel {
  const money = signal<Money | null>(null)
  const epochs = signal<readonly Epoch[]>([])
  const parties = signal<Parties | null>(null)
  const accounts = signal<readonly LedgerAccount[] | null>(null)
  const stops = createStops(client)
  let hasLedger: boolean | null = null

  async function refresh(): Promise<void> {
    const [found, payouts, known] = await Promise.all([
      client.v1.operator.money.$get().then((answer) => answer.json()),
      client.v1.payouts.epochs.$get().then((answer) => answer.json()),
      client.v1.operator.parties.$get().then((answer) => answer.json()),
      stops.refresh(),
    ])
    hasLedger ??= await isWithoutChain(client)
    const kept = hasLedger ? await client.v1.operator.ledger.accounts.$get() : null
    const own = kept === null ? null : await kept.json()
    const before = money.peek()
    batch(() => {
      money.value = found
      epochs.value = payouts
      parties.value = known
      accounts.value = own
    })
    if (before !== null && before.books.agree !== found.books.agree) {
      announce(found.books.agree ? 'The books agree again.' : 'Alarm: the books differ.')
    }
  }

  const lookAgainMs = () => (stops.isUnderWay() ? STOPPING_MS : LOOK_AGAIN_MS)
  const live = goLive({ client, refresh, onKeyRefused, lookAgainMs })
  return { client, live, money, epochs, parties, accounts, stops }
}

/** The pool that stands on no chain is not found where there is a chain. */
async function isWithoutChain(client: Client): Promise<boolean> {
  try {
    await client.v1.ledger.$get()
    return true
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return false
    throw error
  }
}
