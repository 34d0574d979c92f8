import { hashOf } from '#domain/canonical.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import { roundIdOf } from '#domain/escrow.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { payoutRoot } from '#domain/payout-tree.ts'
import type { PoolState } from '#ports.ts'

type Request = {
  payer: Address
  amount: bigint
  deliverStart: number
  deliverEnd: number
  settleBy: number
  state: 'funded' | 'proposed' | 'final' | 'partly-final' | 'cancelled' | 'refunded'
  /** What an earlier round held: settled by more signatures, or by the arbiter's. */
  isRest: boolean
  round: number
  payout: bigint
  fee: bigint
  held: bigint
  windowEnd: number
  /** Whose stake waits on this, and what it challenged. */
  challenge: { challenger: Address; asked: bigint; bond: bigint } | null
  /** Of the last settlement that was proposed. */
  digest: Hex
}

type Pending = {
  epoch: number
  root: Hex
  newTotal: bigint
  activeFrom: number
  requestIds: readonly Hex[]
}
type Body<E> = E extends unknown
  ? Omit<E, 'transactionHash' | 'logIndex' | 'block' | 'blockHash'>
  : never
export type PoolEvent = Body<ChainEvent>

type Propose = Extract<ChainIntent, { kind: 'proposeSettlement' }>

/** So long a final payout waits for an epoch before it may go back. */
const UNALLOCATED_MAX = 365 * 86_400

export const NO_ROOT: Hex = `0x${'0'.repeat(64)}`

const UNSETTLED = {
  state: 'funded' as const,
  isRest: false,
  round: 0,
  payout: 0n,
  fee: 0n,
  held: 0n,
  windowEnd: 0,
  challenge: null,
  digest: NO_ROOT,
}

/** The pool's rules in memory: the same states, checks and events as contracts/FlexPool.sol. */
export class SimulatedPool {
  readonly pool: Address
  readonly feeReceiver: Address
  readonly disputeWindow: number
  readonly epochWindow: number
  readonly heldWindow: number
  readonly refundGrace: number
  /** Whether somebody may settle a held rest with these signatures. */
  readonly maySettleRest: (intent: Propose) => boolean
  readonly requests = new Map<Hex, Request>()
  readonly credits = new Map<Address, bigint>()
  readonly claimed = new Map<number, bigint>()
  /** Final payouts that an epoch counts. */
  readonly accounted = new Set<Hex>()
  /** Whom the token does not pay. In lower case. */
  readonly frozen = new Set<string>()
  balance = 0n
  locked = 0n
  allocatable = 0n
  totalAllocated = 0n
  totalClaimed = 0n
  bonds = 0n
  liveRoot: Hex = NO_ROOT
  currentEpoch = 0
  pending: Pending | null = null

  constructor(options: {
    pool: Address
    feeReceiver: Address
    disputeWindow: number
    epochWindow: number
    heldWindow: number
    refundGrace: number
    maySettleRest: (intent: Propose) => boolean
  }) {
    this.pool = options.pool
    this.feeReceiver = options.feeReceiver
    this.disputeWindow = options.disputeWindow
    this.epochWindow = options.epochWindow
    this.heldWindow = options.heldWindow
    this.refundGrace = options.refundGrace
    this.maySettleRest = options.maySettleRest
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
    this.requests.set(id, {
      payer,
      amount,
      deliverStart: deliverStart / 1000,
      deliverEnd: deliverEnd / 1000,
      settleBy: settleBy / 1000,
      ...UNSETTLED,
    })
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
    else demand(now > request.settleBy + this.refundGrace, 'TooEarly')
    request.state = to
    this.locked -= request.amount
    this.#credit(request.payer, request.amount)
    const kind = to === 'cancelled' ? 'RequestCancelled' : 'RequestRefunded'
    const bond = this.#decideBond(id, request, 0n, null)
    return [...bond, { kind, requestId: id, amount: request.amount }]
  }

  /** What the contract's `challenge` does; an intent of nobody in the service. */
  challenge(id: Hex, challenger: Address, bond: bigint, now: number): PoolEvent[] {
    const request = this.#find(id, 'proposed')
    demand(now < request.windowEnd, 'TooLate')
    demand(challenger !== request.payer, 'PayerMayNotChallenge')
    const asked = request.payout + request.fee
    demand(asked > 0n && !request.isRest, 'NothingToChallenge')
    Object.assign(request, { payout: 0n, fee: 0n, held: request.held + asked })
    request.challenge = { challenger, asked, bond }
    this.bonds += bond
    this.balance += bond
    return [
      { kind: 'Transfer', from: challenger, to: this.pool, amount: bond },
      { kind: 'SettlementChallenged', requestId: id, challenger, amount: asked, bond },
    ]
  }

  #decideBond(id: Hex, request: Request, settled: bigint, rest: Request | null): PoolEvent[] {
    if (request.challenge === null) return []
    const { challenger, asked, bond } = request.challenge
    request.challenge = null
    if (settled < asked && rest !== null) {
      rest.challenge = { challenger, asked: asked - settled, bond }
      return []
    }
    const isRight = settled < asked
    this.bonds -= bond
    this.#credit(isRight ? challenger : this.feeReceiver, bond)
    return [{ kind: isRight ? 'BondReturned' : 'BondForfeited', requestId: id, challenger, bond }]
  }

  #propose(intent: Propose, now: number): PoolEvent[] {
    const { statement } = intent
    const { requestId, round, evidenceRoot, payoutTotal, feeTotal, heldTotal } = statement
    const request = this.requests.get(requestId)
    demand(request?.state === 'funded' || request?.state === 'proposed', 'WrongState')
    const { state, payout, fee, held, deliverEnd, settleBy } = request as Request
    const asked = payoutTotal + feeTotal + heldTotal
    if (state === 'proposed') {
      demand(now < (request as Request).windowEnd, 'TooLate')
      const isMore = payoutTotal > payout || feeTotal > fee || asked < payout + fee + held
      demand(!isMore, 'MayOnlyHold')
    } else {
      demand(now >= deliverEnd, 'TooEarly')
      demand(now <= settleBy, 'OutsideSchedule')
    }
    demand(asked <= (request as Request).amount, 'Over')
    demand(round > (request as Request).round, 'WrongRound')
    demand(!request?.isRest || this.maySettleRest(intent), 'QuorumNotReached')
    const windowEnd =
      state === 'proposed' ? (request as Request).windowEnd : now + this.disputeWindow
    const money = { payout: payoutTotal, fee: feeTotal, held: heldTotal }
    const digest = hashOf(statement)
    Object.assign(request as Request, { state: 'proposed', round, ...money, windowEnd, digest })
    const totals = { payoutTotal, feeTotal, heldTotal, windowEnd }
    return [{ kind: 'SettlementProposed', requestId, round, evidenceRoot, ...totals }]
  }

  #finalize(id: Hex, now: number): PoolEvent[] {
    const request = this.#find(id, 'proposed')
    demand(now >= request.windowEnd, 'TooEarly')
    const { payout, fee, held, amount, payer } = request
    request.state = held > 0n ? 'partly-final' : 'final'
    const refund = amount - payout - fee - held
    this.locked -= amount - held
    this.allocatable += payout
    this.#credit(this.feeReceiver, fee)
    this.#credit(payer, refund)
    const final: PoolEvent = { kind: 'RequestFinalized', requestId: id, payout, fee, held, refund }
    const settled = payout + fee
    if (held === 0n) return [final, ...this.#decideBond(id, request, settled, null)]
    const kept = this.#hold(id, request, now)
    const rest = this.requests.get(roundIdOf(id, request.round + 1)) ?? null
    return [final, kept, ...this.#decideBond(id, request, settled, rest)]
  }

  #hold(requestId: Hex, request: Request, now: number): PoolEvent {
    const { payer, deliverEnd, held: amount, isRest } = request
    const round = request.round + 1
    const restId = roundIdOf(requestId, round)
    const settleBy = isRest ? request.settleBy : now + this.heldWindow
    const times = { deliverStart: deliverEnd, deliverEnd, settleBy }
    const rest = { ...UNSETTLED, isRest: true, round: request.round }
    this.requests.set(restId, { payer, amount, ...times, ...rest })
    return { kind: 'RestHeld', requestId, restId, round, amount, settleBy }
  }

  #post(intent: Extract<ChainIntent, { kind: 'postEpoch' }>, now: number): PoolEvent[] {
    const { epoch, prevRoot, topHash, newTotal } = intent.statement
    demand(this.pending === null && epoch === this.currentEpoch + 1, 'WrongEpoch')
    demand(prevRoot === this.liveRoot, 'WrongRoot')
    const added = intent.requestIds.reduce((sum, id) => {
      const isPart = this.requests.get(id)?.state === 'partly-final'
      return sum + this.#find(id, isPart ? 'partly-final' : 'final').payout
    }, 0n)
    demand(newTotal === this.totalAllocated + added, 'WrongTotal')
    const root = payoutRoot(topHash, newTotal)
    for (const id of intent.requestIds) this.accounted.add(id)
    const activeFrom = now + this.epochWindow
    this.pending = { epoch, root, newTotal, activeFrom, requestIds: intent.requestIds }
    return [{ kind: 'EpochPosted', epoch, root, newTotal, activeFrom }]
  }

  /** What the contract's `returnUnallocated` does; an intent of nobody in the service. */
  returnUnallocated(id: Hex, now: number): PoolEvent[] {
    const isPart = this.requests.get(id)?.state === 'partly-final'
    const request = this.#find(id, isPart ? 'partly-final' : 'final')
    demand(!this.accounted.has(id), 'AlreadyAccounted')
    demand(now >= request.windowEnd + UNALLOCATED_MAX, 'TooEarly')
    const { payer, payout: amount } = request
    request.state = 'refunded'
    this.allocatable -= amount
    this.#credit(payer, amount)
    return [{ kind: 'PayoutReturned', requestId: id, amount }]
  }

  /** What the contract's `proveDecrease` does once a proof holds, whatever was wrong. */
  reject(): PoolEvent[] {
    const { pending } = this
    demand(pending !== null, 'NoEpochPending')
    const { epoch, requestIds } = pending as Pending
    for (const id of requestIds) this.accounted.delete(id)
    this.pending = null
    return [{ kind: 'EpochRejected', epoch }]
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
      if (this.frozen.has(account.toLowerCase())) {
        events.push({ kind: 'PayoutDeferred', index: first + i, account, amount })
        continue
      }
      events.push(...this.claim(first + i, account, amount + (this.claimed.get(first + i) ?? 0n)))
    }
    return events
  }

  /** What is left of a leaf goes to its account. @throws Error with the contract's refusal */
  claim(index: number, account: Address, cumulative: bigint): PoolEvent[] {
    const amount = cumulative - (this.claimed.get(index) ?? 0n)
    demand(amount > 0n, 'NothingToClaim')
    demand(this.totalClaimed + amount <= this.totalAllocated, 'Over')
    this.claimed.set(index, cumulative)
    this.totalClaimed += amount
    this.balance -= amount
    return [
      { kind: 'Transfer', from: this.pool, to: account, amount },
      { kind: 'Paid', index, account, amount, epoch: this.currentEpoch },
    ]
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
    const { currentEpoch, bonds } = this
    return {
      tokenBalance: balance,
      locked,
      allocatable,
      totalAllocated,
      totalClaimed,
      credits,
      bonds,
      liveRoot,
      currentEpoch,
    }
  }
}

function demand(condition: boolean, refusal: string): void {
  if (!condition) throw new Error(refusal)
}
