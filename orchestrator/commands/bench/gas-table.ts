import type { EpochGas } from './gas-pool.ts'
import type { RivalGas } from './gas-rivals.ts'
import { type Measurement, measurement } from './measurement.ts'

/** What was measured for one number of payees; the maps are by the number of calls paid at once. */
export type ProgrammeGas = {
  readonly payees: number
  /** The very first call of a pool, whose payees never held the euro. */
  readonly first: EpochGas
  readonly relayed: ReadonlyMap<number, EpochGas>
  readonly withdraw: readonly number[]
  /** A call after all credits were withdrawn. */
  readonly afterwards: EpochGas
  /** A pool whose only leaf is the payout agent's. */
  readonly agent: ReadonlyMap<number, EpochGas>
  readonly rivals: { readonly first: RivalGas; readonly repeat: RivalGas }
}

export type ClaimGas = {
  readonly depth: number
  readonly first: readonly number[]
  readonly repeat: readonly number[]
}

/** The figures that are asked of a whole programme, and of how large a one. */
const ASKED = { payees: 1_000, calls: 20, relayed: 1_400, agent: 400 }

/** Each transaction on its own, of the largest programme. */
export function stepsOf(measured: readonly ProgrammeGas[], claims: ClaimGas): Measurement[] {
  const programme = measured.at(-1)
  const [[calls, many] = []] = [...(programme?.relayed ?? [])].slice(-1)
  const one = programme?.relayed.get(1)
  if (!programme || !many || !one) throw new RangeError('nothing was measured')
  const { payees, first, rivals } = programme
  const rows = Math.min(payees, 256)
  const [chunk = 0] = many.pay
  const [firstChunk = 0] = first.pay
  const agent = programme.agent.get(calls ?? 1)
  return [
    gas('open, with the payer’s authorisation', last(many.open)),
    gas('propose, 3 signatures', mean(many.propose), 100_000),
    gas('finalise', mean(many.finalise), 60_000),
    gas('finalise, once all credits were withdrawn', mean(programme.afterwards.finalise)),
    gas('post an epoch of 1 call', one.post),
    gas(`post an epoch of ${calls} calls`, many.post),
    gas('activate an epoch', many.activate),
    gas(`payChunk, ${rows} rows, each repeat payout`, chunk / rows, rows === 256 ? 18_000 : null),
    gas(`payChunk, ${rows} rows, each first payout`, firstChunk / rows),
    gas('payChunk, the agent’s leaf alone', sum(agent?.pay ?? [])),
    gas(`claim at depth ${claims.depth}, repeat`, mean(claims.repeat), 76_000),
    gas(`claim at depth ${claims.depth}, first`, mean(claims.first)),
    gas('withdraw a credit', mean(programme.withdraw)),
    gas('push: each repeat transfer', sum(rivals.repeat.push) / payees),
    gas('push: each first transfer', sum(rivals.first.push) / payees),
    gas('Merkle and bitmap: post', rivals.repeat.bitmapPost),
    gas('Merkle and bitmap: claim, repeat', mean(rivals.repeat.bitmapClaims)),
    gas('cumulative Merkle: post', rivals.repeat.cumulativePost),
    gas('cumulative Merkle: claim, repeat', mean(rivals.repeat.cumulativeClaims)),
  ]
}

/** Every transaction from the escrow to the payees, for each participant and call. */
export function tableOf(
  measured: readonly ProgrammeGas[],
  say: (line: string) => void,
): Measurement[] {
  say('| payees | calls a payout | push | bitmap | cumulative | relayed | by agent |')
  say('| ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
  return measured.flatMap((programme) =>
    [...programme.relayed].flatMap(([calls, relayed]) => {
      const agent = programme.agent.get(calls)
      if (agent === undefined) throw new RangeError(`no agent was paid for ${calls} calls`)
      const { payees } = programme
      const each = (total: number) => total / payees / calls
      const others = othersOf(programme, relayed, calls).map(each)
      const ours = { relayed: each(wholeOf(relayed)), agent: each(wholeOf(agent)) }
      const cells = [...others, ours.relayed, ours.agent].map((value) => Math.round(value))
      say(`| ${payees} | ${calls} | ${cells.join(' | ')} |`)
      const what = `each of ${payees} payees and ${calls} calls`
      const compared = { unit: 'gas', better: 'lower', reference: Math.min(...others) } as const
      const bar = calls >= 2 ? { bar: 1 } : {}
      const isAsked = payees === ASKED.payees && calls === ASKED.calls
      return [
        measurement({ measure: `${what}, relayed`, value: ours.relayed, ...compared, ...bar }),
        measurement({ measure: `${what}, by agent`, value: ours.agent, ...compared, ...bar }),
        ...(isAsked ? [gas(`${what}, relayed: whole`, ours.relayed, ASKED.relayed)] : []),
        ...(isAsked ? [gas(`${what}, by agent: whole`, ours.agent, ASKED.agent)] : []),
      ]
    }),
  )
}

/** Push, bitmap, cumulative; the escrow's own transactions are the product's. */
function othersOf({ rivals }: ProgrammeGas, epoch: EpochGas, calls: number): number[] {
  const { push, bitmapPost, bitmapClaims, cumulativePost, cumulativeClaims } = rivals.repeat
  const escrow = escrowOf(epoch)
  return [
    escrow + calls * sum(push),
    escrow + calls * (bitmapPost + sum(bitmapClaims)),
    escrow + cumulativePost + sum(cumulativeClaims),
  ]
}

function wholeOf(epoch: EpochGas): number {
  return escrowOf(epoch) + epoch.post + epoch.activate + sum(epoch.pay)
}

function escrowOf({ open, propose, finalise }: EpochGas): number {
  return sum(open) + sum(propose) + sum(finalise)
}

function gas(measure: string, value: number, bar: number | null = null): Measurement {
  const told = { measure, value, unit: 'gas', better: 'lower' } as const
  return measurement(bar === null ? told : { ...told, bar })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length
}

/** The last of several in one block: the others wrote what it finds. */
function last(values: readonly number[]): number {
  return values.at(-1) ?? 0
}
