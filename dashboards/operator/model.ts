import { batch, type Signal, signal } from '@preact/signals'
import type { Client, Epoch, Money } from '../api.ts'
import { announce } from '../shared/announcer.tsx'
import { goLive, type Live } from '../shared/live.ts'

/** What the operator's page knows. */
export type OperatorModel = {
  readonly client: Client
  readonly live: Live
  /** null before the first answer. */
  readonly money: Signal<Money | null>
  /** Newest first. */
  readonly epochs: Signal<readonly Epoch[]>
  readonly dsoIds: Signal<readonly string[]>
}

const LOOK_AGAIN_MS = 10_000

export function openOperatorModel(
  client: Client,
  onKeyRefused: (why: string) => void,
): OperatorModel {
  const money = signal<Money | null>(null)
  const epochs = signal<readonly Epoch[]>([])
  const dsoIds = signal<readonly string[]>([])

  async function refresh(): Promise<void> {
    const [found, payouts, parties] = await Promise.all([
      client.v1.operator.money.$get().then((answer) => answer.json()),
      client.v1.payouts.epochs.$get().then((answer) => answer.json()),
      client.v1.operator.parties.$get().then((answer) => answer.json()),
    ])
    const before = money.peek()
    batch(() => {
      money.value = found
      epochs.value = payouts
      dsoIds.value = parties.payers.map(({ dsoId }) => dsoId)
    })
    if (before !== null && before.books.agree !== found.books.agree) {
      announce(found.books.agree ? 'The books agree again.' : 'Alarm: the books differ.')
    }
  }

  const live = goLive({ client, refresh, onKeyRefused, lookAgainMs: () => LOOK_AGAIN_MS })
  return { client, live, money, epochs, dsoIds }
}
