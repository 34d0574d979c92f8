import type { ChainIntent, PoolState } from '#domain/chain.ts'
import { type EscrowTerms, roundIdOf } from '#domain/escrow.ts'
import { type EvidenceBundle, statementOf } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import { addSeconds } from '#domain/time.ts'
import type { EvidenceFile } from './evidence-story.ts'
import type { RailWorld } from './rail-world.ts'
import {
  ask,
  chunkIntent,
  epochIntent,
  events,
  openIntent,
  proposal,
  withoutPlace,
} from './steps.ts'

/** What became of an evidence file on a rail. Amounts in micro-EUR. */
export type Told = {
  readonly escrow: bigint | undefined
  readonly splits: readonly { payout: bigint; fee: bigint; held: bigint; refund: bigint }[]
  readonly held: readonly bigint[]
  /** Epoch, index and amount. */
  readonly paid: readonly (readonly [number, number, bigint])[]
  readonly roots: readonly Hex[]
  /** By the payer, by the receiver of fees. */
  readonly withdrawn: readonly bigint[]
  /** The pool's counters after every step. */
  readonly states: readonly PoolState[]
  /** By kind; what only this pool calls so is named by its part. */
  readonly events: Readonly<Record<string, readonly string[]>>
}

/** Settles, pays and refunds what the evidence says, on the signatures of this world's parties. */
export async function feed(world: RailWorld, file: EvidenceFile): Promise<Told> {
  const { clock, rail } = world
  const [first, second, last] = file.bundles
  const [one, two] = file.epochs
  if (!first || !second || !last?.rest || !one || !two) throw new Error('not that file')
  const terms: EscrowTerms = { ...first.escrow.terms, payer: world.dso.address }
  const request = rail.requestId(terms)
  const rest = roundIdOf(request, last.rest.round)
  const states: PoolState[] = []
  const done = async (intent: ChainIntent) => {
    const row = await ask(world, intent)
    if (row.state !== 'mined') throw new Error(`${intent.kind} is ${row.state}: ${row.reason}`)
    states.push(await rail.poolState())
  }
  const settle = async (id: Hex, bundle: EvidenceBundle, signers: number) => {
    const statement = { ...statementOf(bundle), requestId: id }
    await done(await proposal(world, statement, world.attestors.slice(0, signers)))
  }
  const finalize = async (requestId: Hex) => {
    clock.forward(600)
    await done({ kind: 'finalize', requestId })
  }
  const pay = async ({ epoch, accounts }: PayoutEpoch, requestId: Hex) => {
    await done(await epochIntent(world, accounts, [requestId]))
    clock.forward(300)
    await done({ kind: 'activateEpoch', epoch })
    await done(chunkIntent(accounts, epoch))
  }

  clock.to(addSeconds(terms.deliverStart, -240) / 1000)
  await done(await openIntent(world, terms))
  clock.to(terms.deliverEnd / 1000)
  await settle(request, first, 2)
  await settle(request, second, 2)
  await finalize(request)
  await pay(one, request)
  await settle(rest, last, 3)
  await finalize(rest)
  await pay(two, rest)
  await done({ kind: 'withdrawCredit', account: world.dso.address })
  await done({ kind: 'withdrawCredit', account: world.fees.address })
  return { ...(await figures(world)), states, events: await byKind(world, { request, rest }) }
}

async function figures(world: RailWorld): Promise<Omit<Told, 'states' | 'events'>> {
  const [opened] = await events(world, 'RequestOpened')
  const finals = await events(world, 'RequestFinalized')
  return {
    escrow: opened?.amount,
    splits: finals.map(({ payout, fee, held, refund }) => ({ payout, fee, held, refund })),
    held: (await events(world, 'RestHeld')).map(({ amount }) => amount),
    paid: (await events(world, 'Paid')).map(({ epoch, index, amount }) => [epoch, index, amount]),
    roots: (await events(world, 'EpochActivated')).map(({ root }) => root),
    withdrawn: (await events(world, 'CreditWithdrawn')).map(({ amount }) => amount),
  }
}

async function byKind(
  { store, identity }: RailWorld,
  ids: { readonly request: Hex; readonly rest: Hex },
): Promise<Record<string, string[]>> {
  const names = { ...ids, pool: identity.pool }
  const told: Record<string, string[]> = {}
  for (const event of await store.transaction((tx) => tx.chain.events())) {
    const text = Object.entries(names).reduce(
      (line, [name, hex]) => line.replaceAll(hex.toLowerCase(), name),
      shown(withoutPlace(event)).toLowerCase(),
    )
    told[event.kind] = [...(told[event.kind] ?? []), text]
  }
  return told
}

function shown(event: object): string {
  return Object.entries(event)
    .map(([name, value]) => `${name} ${value}`)
    .sort()
    .join(', ')
}
