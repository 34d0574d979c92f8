import { callId, type Hex, organisationId, ownerId } from '#domain/ids.ts'
import { microEur, sumMoney } from '#domain/money.ts'
import { addShares, type PayoutEpoch, type PayoutShare } from '#domain/payout.ts'
import { finishEpoch } from '#lifecycle/finish-epoch.ts'
import type { Ports } from '#ports.ts'
import { hexOf } from '../postgres/samples.ts'

/** What an owner, or an aggregator under 'agg:ID', earned in a call, in micro-EUR. */
export type Earned = readonly [who: string, minor: bigint, call?: string]

/** The next payout epoch with these shares through the agent's leaf, posted, paid and finished. */
export async function paidEpoch(
  ports: Pick<Ports, 'store' | 'clock'>,
  earned: readonly Earned[],
): Promise<PayoutEpoch> {
  return ports.store.transaction(async (tx) => {
    const [previous] = await tx.payouts.list()
    const [agent] = await tx.organisations.list('agent')
    if (!agent?.address) throw new Error('register an agent first')
    const shares = earned.map(shareOf)
    const accounts = addShares(previous?.accounts ?? [], shares, agent.address)
    const number = (previous?.epoch ?? 0) + 1
    const epoch: PayoutEpoch = {
      epoch: number,
      callIds: [...new Set(shares.map((share) => share.callId))],
      requestIds: [],
      prevRoot: hexOf(0),
      topHash: hexOf(number),
      root: hexOf(number),
      newTotal: sumMoney(accounts.map(({ cumulative }) => cumulative)),
      accounts,
      shares,
      state: 'active',
      createdAt: ports.clock.now(),
    }
    await tx.payouts.save(epoch)
    const block = { block: 1000 + number, blockHash: hexOf(number) as Hex }
    const paid = accounts.map(({ index, account, cumulative }) => ({
      kind: 'Paid' as const,
      index,
      account,
      amount: cumulative,
      epoch: number,
      transactionHash: hexOf(100 + number),
      logIndex: index,
      ...block,
    }))
    await tx.chain.record(paid, { block: block.block, hash: block.blockHash })
    await finishEpoch(ports as Ports, tx, epoch)
    const finished = await tx.payouts.find(number)
    if (finished?.state !== 'paid') throw new Error(`epoch ${number} is ${finished?.state}`)
    return finished
  })
}

function shareOf([who, minor, call = 'call-1']: Earned): PayoutShare {
  const aggregator = /^agg:(.+)$/.exec(who)?.[1]
  return {
    payee:
      aggregator === undefined
        ? { kind: 'owner', ownerId: ownerId(who) }
        : { kind: 'aggregator', aggregatorId: organisationId(aggregator) },
    callId: callId(call),
    amount: microEur(minor),
    wallet: null,
  }
}
