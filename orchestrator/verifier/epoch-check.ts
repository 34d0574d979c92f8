import { hashOf, hashOfIds } from '#domain/canonical.ts'
import type { EpochData, EpochStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import { sumMoney } from '#domain/money.ts'
import { addShares } from '#domain/payout.ts'
import { moveAccounts } from '#domain/payout-recipients.ts'
import { buildPayoutTree, payoutRoot } from '#domain/payout-tree.ts'
import type { SettlementLine } from '#domain/settlement.ts'
import type { Difference } from '#domain/verification.ts'
import type { PoolState } from '#ports.ts'

const NO_ROOT: Hex = `0x${'0'.repeat(64)}`

/** What the verifier knows of one call by itself: its verified lines. */
export type VerifiedCall = { readonly requestId: Hex; readonly lines: readonly SettlementLine[] }

/**
 * Recomputes a payout epoch: every share from the lines of bundles verified before, the
 * cumulative accounts from the shares, the tree from the accounts, all on what the pool says now.
 */
export function checkEpoch(
  statement: EpochStatement,
  data: EpochData,
  calls: ReadonlyMap<string, VerifiedCall>,
  pool: PoolState,
): Difference[] {
  const agent = data.accounts.find((account) => account.index === 0)?.account
  if (agent === undefined) {
    return [{ line: 'accounts', expected: "the payout agent's at index 0", got: 'none' }]
  }
  const moved = moveAccounts(data.previous, data.moves ?? [])
  const accounts = addShares(moved, data.shares, agent)
  const tree = buildPayoutTree(accounts)
  const total = sumMoney(accounts.map((account) => account.cumulative))
  return [
    ...data.calls.flatMap((call) => unverified(call, calls.get(`${call.callId} ${call.version}`))),
    ...[...new Set(data.calls.map(({ callId }) => callId))].flatMap((callId) =>
      shareDifferences(callId, data, linesOf(callId, data, calls)),
    ),
    ...same('accounts', hashOf(data.accounts), hashOf(accounts)),
    ...same('top hash', statement.topHash, tree.topHash),
    ...same('new total', statement.newTotal, total),
    ...same('total allocated before', pool.totalAllocated, previousTotal(data)),
    ...same('previous root', statement.prevRoot, previousRoot(data)),
    ...same('live root of the pool', statement.prevRoot, pool.liveRoot),
    ...same('epoch', statement.epoch, pool.currentEpoch + 1),
    ...same(
      'request ids',
      statement.requestIdsHash,
      hashOfIds(data.calls.map((call) => call.requestId)),
    ),
    ...same('data hash', statement.dataHash, hashOf(data)),
  ]
}

function unverified(
  { callId, requestId }: EpochData['calls'][number],
  call: VerifiedCall | undefined,
): Difference[] {
  if (!call) return [{ line: `call ${callId}`, expected: 'a verified bundle', got: 'none' }]
  return same(`request id of ${callId}`, requestId, call.requestId)
}

/** A call and what it had on hold may be in one epoch: their shares are not told apart. */
function linesOf(
  callId: string,
  data: EpochData,
  calls: ReadonlyMap<string, VerifiedCall>,
): SettlementLine[] {
  return data.calls
    .filter((call) => call.callId === callId && !call.challenged)
    .flatMap((call) => calls.get(`${callId} ${call.version}`)?.lines ?? [])
}

function shareDifferences(
  callId: string,
  data: EpochData,
  lines: readonly SettlementLine[],
): Difference[] {
  const earned = new Map<string, bigint>()
  const add = (payee: string, amount: bigint) =>
    earned.set(payee, (earned.get(payee) ?? 0n) + amount)
  for (const line of lines) {
    add(line.ownerId, line.ownerAmount)
    add(line.aggregatorId, line.aggregatorAmount)
  }
  for (const { callId: id, payee, amount } of data.shares) {
    const who = payee.kind === 'owner' ? payee.ownerId : payee.aggregatorId
    if (id === callId) add(who, 0n - amount)
  }
  return [...earned]
    .filter(([, rest]) => rest !== 0n)
    .map(([payee, rest]) => ({
      line: `share of ${payee} in ${callId}`,
      expected: 'what the verified lines say',
      got: `${rest} micro-EUR less`,
    }))
}

function previousTotal(data: EpochData): bigint {
  return sumMoney(data.previous.map((account) => account.cumulative))
}

function previousRoot(data: EpochData): Hex {
  if (data.previous.length === 0) return NO_ROOT
  const { topHash, total } = buildPayoutTree(data.previous)
  return payoutRoot(topHash, total)
}

function same(line: string, got: bigint | number | Hex, expected: bigint | number | Hex) {
  return got === expected ? [] : [{ line, expected: String(expected), got: String(got) }]
}
