import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { payoutRoot } from '#domain/payout-tree.ts'
import type { PoolState } from '#ports.ts'

type Request = {
  payer: Address
  amount: bigint
  deliverStart: number
  deliverEnd: number
  settleBy: number
  state: 'funded' | 'proposed' | 'final' | 'cancelled' | 'refunded'
  payout: bigint
  fee: bigint
  windowEnd: number
}

type Pending = { epoch: number; root: Hex; newTotal: bigint; activeFrom: number }
type Body<E> = E extends unknown
  ? Omit<E, 'transactionHash' | 'logIndex' | 'block' | 'blockHash'>
  : never
export type PoolEvent = Body<ChainEvent>

export const NO_ROOT: Hex = `0x${'0'.repeat(64)}`

/** The pool's rules in memory: the same states, checks and events as contracts/FlexPool.sol. */
export class SimulatedPool {
  readonly pool: Address
  readonly feeReceiver: Address
  readonly disputeWindow: number
  readonly epochWindow: number
  readonly requests = new Map<Hex, Request>()
  readonly credits = new Map<Address, bigint>()
  readonly claimed = new Map<number, bigint>()
  balance = 0n
  locked = 0n
  allocatable = 0n
  totalAllocated = 0n
  totalClaimed = 0n
  liveRoot: Hex = NO_ROOT
  currentEpoch = 0
  pending: Pending | null = null

  constructor(options: {
    pool: Address
    feeReceiver: Address
    disputeWindow: number
    epochWindow: number
  }) {
    this.pool = options.pool
    this.feeReceiver = options.feeReceiver
    this.disputeWindow = options.disputeWindow
    this.epochWindow = options.epochWindow
  }

  /** Carries an intent out at a time in seconds. @throws Error with the contract's refusal. */
  run(intent: ChainIntent, requestId: (i: ChainIntent) => Hex, now: number): PoolEvent[] {
    switch (intent.kind) {
      case 'openRequest':
        return this.#open(intent, requestId(intent), now)
      case 'cancel':
        return this.#giveBack(intent.requestId, 'cancelled', now)
      case 'refundExpired':
        return this.#giveBack(intent.requestId, 'refunded', now)
      case 'proposeSettlement':
        return this.#propose(intent, now)
      case 'finalize':
        return this.#finalize(intent.requestId, now)
      case 'postEpoch':
        return this.#post(intent, now)
      case 'activateEpoch':
        return this.#activate(now)
      case 'payChunk':
        return this.#pay(intent)
      case 'withdrawCredit':
        return this.#withdraw(intent.account)
    }
  }

  #open(intent: Extract<ChainIntent, { kind: 'openRequest' }>, id: Hex, now: number): PoolEvent[] {
    const { payer, amount, deliverStart, deliverEnd, settleBy } = intent.terms
    demand(!this.requests.has(id), 'WrongState')
    demand(now < deliverStart / 1000, 'BadSchedule')
    const times = { deliverStart: deliverStart / 1000, deliverEnd: deliverEnd / 1000 }
    const money = { payout: 0n, fee: 0n, windowEnd: 0, settleBy: settleBy / 1000 }
    this.requests.set(id, { payer, amount, ...times, ...money, state: 'funded' })
    this.locked += amount
    this.balance += amount
    return [
      { kind: 'Transfer', from: payer, to: this.pool, amount },
      { kind: 'RequestOpened', requestId: id, amount },
    ]
  }

  #giveBack(id: Hex, to: 'cancelled' | 'refunded', now: number): PoolEvent[] {
    const request = this.#find(id, 'funded')
    if (to === 'cancelled') demand(now < request.deliverStart, 'TooLate')
    else demand(now > request.settleBy, 'TooEarly')
    request.state = to
    this.locked -= request.amount
    this.#credit(request.payer, request.amount)
    const kind = to === 'cancelled' ? 'RequestCancelled' : 'RequestRefunded'
    return [{ kind, requestId: id, amount: request.amount }]
  }

  #propose(intent: Extract<ChainIntent, { kind: 'proposeSettlement' }>, now: number): PoolEvent[] {
    const { requestId, evidenceRoot, payoutTotal, feeTotal } = intent.statement
    const request = this.#find(requestId, 'funded')
    demand(now >= request.deliverEnd && now <= request.settleBy, 'OutsideSchedule')
    demand(payoutTotal + feeTotal <= request.amount, 'Over')
    const windowEnd = now + this.disputeWindow
    Object.assign(request, { state: 'proposed', payout: payoutTotal, fee: feeTotal, windowEnd })
    return [
      { kind: 'SettlementProposed', requestId, evidenceRoot, payoutTotal, feeTotal, windowEnd },
    ]
  }

  #finalize(id: Hex, now: number): PoolEvent[] {
    const request = this.#find(id, 'proposed')
    demand(now >= request.windowEnd, 'TooEarly')
    request.state = 'final'
    const { payout, fee, amount, payer } = request
    this.locked -= amount
    this.allocatable += payout
    this.#credit(this.feeReceiver, fee)
    this.#credit(payer, amount - payout - fee)
    return [{ kind: 'RequestFinalized', requestId: id, payout, fee, refund: amount - payout - fee }]
  }

  #post(intent: Extract<ChainIntent, { kind: 'postEpoch' }>, now: number): PoolEvent[] {
    const { epoch, prevRoot, topHash, newTotal } = intent.statement
    demand(this.pending === null && epoch === this.currentEpoch + 1, 'WrongEpoch')
    demand(prevRoot === this.liveRoot, 'WrongRoot')
    const added = intent.requestIds.reduce((sum, id) => sum + this.#find(id, 'final').payout, 0n)
    demand(newTotal === this.totalAllocated + added, 'WrongTotal')
    const root = payoutRoot(topHash, newTotal)
    const activeFrom = now + this.epochWindow
    this.pending = { epoch, root, newTotal, activeFrom }
    return [{ kind: 'EpochPosted', epoch, root, newTotal, activeFrom }]
  }

  #activate(now: number): PoolEvent[] {
    const { pending } = this
    demand(pending !== null && now >= pending.activeFrom, 'TooEarly')
    const { epoch, root, newTotal } = pending as Pending
    this.allocatable -= newTotal - this.totalAllocated
    this.totalAllocated = newTotal
    this.liveRoot = root
    this.currentEpoch = epoch
    this.pending = null
    return [{ kind: 'EpochActivated', epoch, root, total: newTotal }]
  }

  #pay({ first, rows }: Extract<ChainIntent, { kind: 'payChunk' }>): PoolEvent[] {
    const events: PoolEvent[] = []
    for (let i = 0; 2 + i * 56 < rows.length; i++) {
      const row = rows.slice(2 + i * 56, 2 + (i + 1) * 56)
      const account: Address = `0x${row.slice(0, 40)}`
      const amount = BigInt(`0x${row.slice(40)}`) - (this.claimed.get(first + i) ?? 0n)
      if (amount <= 0n) continue
      demand(this.totalClaimed + amount <= this.totalAllocated, 'Over')
      this.claimed.set(first + i, (this.claimed.get(first + i) ?? 0n) + amount)
      this.totalClaimed += amount
      this.balance -= amount
      events.push(
        { kind: 'Transfer', from: this.pool, to: account, amount },
        { kind: 'Paid', index: first + i, account, amount, epoch: this.currentEpoch },
      )
    }
    return events
  }

  #withdraw(account: Address): PoolEvent[] {
    const key = account.toLowerCase() as Address
    const amount = this.credits.get(key) ?? 0n
    demand(amount > 0n, 'NoCredit')
    this.credits.delete(key)
    this.balance -= amount
    return [
      { kind: 'Transfer', from: this.pool, to: account, amount },
      { kind: 'CreditWithdrawn', account, amount },
    ]
  }

  #credit(account: Address, amount: bigint): void {
    if (amount === 0n) return
    const key = account.toLowerCase() as Address
    this.credits.set(key, (this.credits.get(key) ?? 0n) + amount)
  }

  #find(id: Hex, state: Request['state']): Request {
    const request = this.requests.get(id)
    demand(request?.state === state, 'WrongState')
    return request as Request
  }

  state(): PoolState {
    const { balance, locked, allocatable, totalAllocated, totalClaimed, liveRoot } = this
    const credits = [...this.credits.values()].reduce((sum, credit) => sum + credit, 0n)
    const { currentEpoch } = this
    return {
      tokenBalance: balance,
      locked,
      allocatable,
      totalAllocated,
      totalClaimed,
      credits,
      liveRoot,
      currentEpoch,
    }
  }
}

function demand(condition: boolean, refusal: string): void {
  if (!condition) throw new Error(refusal)
}
