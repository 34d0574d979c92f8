import type { Hex } from '#domain/ids.ts'
import type { PoolRequest } from '#domain/pool-books.ts'

/** Why the ledger does not do something, under the names of the contracts' errors. */
export type RefusalName =
  | 'WrongState'
  | 'AmountOutOfRange'
  | 'BadSchedule'
  | 'VerifierSetNotCurrent'
  | 'AuthorisationTime'
  | 'NotSignedByPayer'
  | 'DepositTooSmall'
  | 'TooLate'
  | 'TooEarly'
  | 'WrongRound'
  | 'MayOnlyHold'
  | 'ExceedsEscrow'
  | 'QuorumNotReached'
  | 'MalformedSignature'
  | 'SignersNotAscending'
  | 'NotAVerifier'
  | 'EpochPending'
  | 'NoEpochPending'
  | 'WrongEpoch'
  | 'WrongPrevRoot'
  | 'WrongRequestIds'
  | 'WrongTotal'
  | 'AlreadyAccounted'
  | 'MalformedChunk'
  | 'PositionOutOfTree'
  | 'TotalMismatch'
  | 'RootMismatch'
  | 'ExceedsAllocation'
  | 'NoCredit'
  | 'PoolPaused'
  | 'PauseTooLong'
  | 'NotSignedByChallenger'
  | 'PayerMayNotChallenge'
  | 'NothingToChallenge'
  | 'UnknownVerifierSet'
  | 'QuorumOutOfRange'
  | 'SetNotAscending'
  | 'SignerEquivocated'
  | 'NoEquivocation'
  | 'SignersDiffer'
  | 'NotInSet'

type Args = Readonly<Record<string, string | number | bigint>>

/** The message is one line for people: name and arguments, as the EVM rail words it. */
export class Refusal extends Error {
  override readonly name: RefusalName
  /** Unix seconds before which the answer stays the same; null where time changes nothing. */
  readonly notBefore: number | null

  constructor(name: RefusalName, args: Args = {}, notBefore: number | null = null) {
    const shown = Object.entries(args).map(([key, value]) => `${key} ${value}`)
    super(shown.length === 0 ? name : `${name}: ${shown.join(', ')}`)
    this.name = name
    this.notBefore = notBefore
  }
}

/** @throws Refusal unless the condition holds */
export function demand(condition: boolean, name: RefusalName, args: Args = {}): asserts condition {
  if (!condition) throw new Refusal(name, args)
}

/** @throws Refusal 'TooEarly' before an instant in Unix seconds */
export function demandFrom(now: number, from: number): void {
  if (now < from) throw new Refusal('TooEarly', { nowAt: now, from }, from)
}

/** @throws Refusal 'TooLate' after an instant in Unix seconds */
export function demandUntil(now: number, until: number): void {
  demand(now <= until, 'TooLate', { nowAt: now, until })
}

const stateNames: Readonly<Record<PoolRequest['state'], string>> = {
  funded: 'Funded',
  proposed: 'Proposed',
  final: 'Final',
  'partly-final': 'PartlyFinal',
  cancelled: 'Cancelled',
  refunded: 'Refunded',
}

/** @throws Refusal 'WrongState' unless the request stands so */
export function demandState(
  id: Hex,
  request: PoolRequest | null,
  expected: PoolRequest['state'],
): asserts request is PoolRequest {
  if (request?.state !== expected) throw wrongState(id, request, stateNames[expected])
}

/** The refusal of what stands otherwise than it must. */
export function wrongState(id: Hex, request: PoolRequest | null, expected: string): Refusal {
  const found = request === null ? 'None' : stateNames[request.state]
  return new Refusal('WrongState', { id, found, expected })
}
