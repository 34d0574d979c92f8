// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {PoolInvariants} from "./PoolInvariants.sol";
import {Check, vm} from "./Vm.sol";

/// @notice Does with requests anything anyone could do, in any order, and requires of each call that
/// it succeeds exactly when the rules say so.
abstract contract RequestHandler is PoolInvariants {
  /// @notice How often each kind of call went through.
  mapping(string what => uint256) public successes;

  /// @dev Cheated time does not outlive a call by itself.
  modifier atNow() {
    vm.warp(nowAt);
    _;
    for (uint256 i = 0; i < PAYEES; ++i) lastClaimed[i] = pool.claimed(i);
  }

  /// @dev The fuzzer likes small and repeated numbers; decisions need all bits of a seed.
  function mix(uint256 seed) internal view returns (uint256) {
    return uint256(keccak256(abi.encode(seed, nowAt, ids.length, epochsTried)));
  }

  function attempt(bytes memory data, bool allowed, string memory what) internal virtual {
    (bool done, ) = address(pool).call(data);
    Check.yes(done == allowed, what);
    if (done) ++successes[what];
  }

  /// @dev A request in this state if there is one; every eighth time any request at all.
  function pick(uint256 seed, IFlexRequests.State wanted) internal view returns (bytes32) {
    if (ids.length == 0) return "unknown";
    for (uint256 k = 0; k < ids.length && seed % 8 != 0; ++k) {
      bytes32 id = ids[((seed >> 3) + k) % ids.length];
      if (stateOf(id) == wanted) return id;
    }
    return ids[(seed >> 3) % ids.length];
  }

  // ---------------------------------------------------------------- time and outside events

  /// @dev Blind waiting would miss most windows: two times in three it ends where something can
  /// be done, and now and then it is long enough for the exits.
  function wait(uint256 seed) external {
    seed = mix(seed);
    if (seed % 20 == 0) nowAt += 400 days;
    else if (seed % 8 == 1) nowAt += 15 days;
    else if (seed % 3 == 0) nowAt += 1 hours + (seed % 1 days);
    else skipTo(nextInstant(seed >> 6));
  }

  function skipTo(uint256 instant) internal {
    if (instant > nowAt) nowAt = instant;
  }

  function nextInstant(uint256 seed) internal view returns (uint256) {
    IFlexRequests.State wanted = IFlexRequests.State(1 + (seed % 2));
    IFlexRequests.Request memory r = pool.request(pick(seed | 1, wanted));
    if (seed % 5 == 0) return pool.pendingEpoch().activeFrom;
    return r.state == IFlexRequests.State.Funded ? r.deliverEnd : r.windowEnd;
  }

  function donate(uint256 amount) external atNow {
    amount %= 1_000;
    euro.mint(address(pool), amount);
    donated += amount;
  }

  function freeze(uint256 seed) external atNow {
    seed = mix(seed);
    address account = liveAccounts[seed % PAYEES];
    BlocklistEuro token = BlocklistEuro(address(euro));
    token.freeze(account, !token.frozen(account) && seed % 3 == 0);
  }

  // ---------------------------------------------------------------- layer 1

  function openRequest(uint256 seed, uint256 amount) external atNow {
    if (ids.length >= 24) return; // enough for any mixture of states, and quick to check
    seed = mix(seed);
    IFlexRequests.RequestTerms memory t = terms(uint128(1 + (amount % 1e9)));
    t.payer = payers[seed % 2];
    uint48 lead = (seed >> 1) % 3 == 0 ? uint48((seed >> 8) % 40 days) : 0;
    (t.deliverStart, t.deliverEnd) = (t.deliverStart + lead, t.deliverEnd + lead);
    t.settleBy += lead;
    bytes32 id = open(t);
    ids.push(id);
    ++successes["opened"];
    expected[id].payer = t.payer;
    expected[id].amount = t.amount;
  }

  function cancel(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Funded);
    IFlexRequests.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexRequests.State.Funded && nowAt < r.deliverStart;
    attempt(abi.encodeCall(pool.cancel, (id)), false, "cancelled by a stranger");
    if ((seed >> 200) % 2 == 0) {
      uint256 key = r.payer == payers[0] ? PAYER_KEY : SECOND_PAYER_KEY;
      bytes memory signature = sign(key, pool.cancelDigest(id));
      attempt(abi.encodeCall(pool.cancelWithSignature, (id, signature)), allowed, "cancel signed");
    } else {
      vm.prank(r.payer);
      attempt(abi.encodeCall(pool.cancel, (id)), allowed, "cancel");
    }
  }

  function proposeSettlement(uint256 seed, uint256 payout, uint256 fee) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Funded);
    IFlexRequests.Request memory r = pool.request(id);
    if (r.state == IFlexRequests.State.Proposed) return; // a later round is another matter
    bool allowed = r.state == IFlexRequests.State.Funded &&
      nowAt >= r.deliverEnd &&
      nowAt <= r.settleBy;
    uint256 room = uint256(r.amount) + (seed % 32 == 0 ? 1 : 0); // now and then too much
    payout %= room + 1;
    fee %= room - payout + 1;
    bool inFull = expected[id].doubted > 0 && (seed >> 40) % 2 == 0; // chance alone never hits it
    if (inFull) fee = room - payout;
    bool holds = (seed >> 16) % 2 == 0 && ids.length < 40;
    uint256 held = holds ? (seed >> 24) % (room - payout - fee + 1) : 0;
    allowed = allowed && payout + fee + held <= r.amount;
    proposeBy(seed, nextRound(id, uint128(payout), uint128(fee), uint128(held)), allowed);
  }

  /// @dev A later round inside the window; every other time it would also give somebody more.
  function holdMore(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Proposed);
    IFlexRequests.Request memory r = pool.request(id);
    if (r.state == IFlexRequests.State.Funded) return; // a first proposal
    uint128 refund = r.amount - r.payout - r.fee - r.held;
    uint128[3] memory left = [r.payout, r.fee, refund];
    for (uint256 i = 0; i < 3; ++i) left[i] -= uint128((seed >> (32 * i)) % (left[i] + 1));
    uint256 winner = (seed >> 100) % 6;
    if (winner < 3) left[winner] += 1;
    if (uint256(left[0]) + left[1] + left[2] > r.amount) return;
    bool allowed = r.state == IFlexRequests.State.Proposed &&
      nowAt < r.windowEnd &&
      left[0] <= r.payout &&
      left[1] <= r.fee &&
      left[2] <= refund;
    uint128 held = r.amount - left[0] - left[1] - left[2];
    proposeBy(seed, nextRound(id, left[0], left[1], held), allowed);
  }

  function proposeBy(uint256 seed, IFlexRequests.Settlement memory s, bool allowed) private {
    Expected storage e = expected[s.requestId];
    bytes32 digest = pool.settlementDigest(s);
    uint256 votes = e.isRest ? QUORUM + 1 : QUORUM;
    bytes[] memory byArbiter = new bytes[](1);
    byArbiter[0] = sign(ARBITER_KEY, digest);
    bool arbitrated = (seed >> 120) % 2 == 0;
    refusedBy(s, signatures(digest, votes - 1));
    if (!e.isRest) refusedBy(s, byArbiter);
    string memory what = e.signed && !e.isRest ? "hold more" : "propose";
    if (e.isRest) what = arbitrated ? "arbitrate" : "propose rest";
    attempt(
      abi.encodeCall(
        pool.proposeSettlement,
        (s, e.isRest && arbitrated ? byArbiter : signatures(digest, votes))
      ),
      allowed,
      what
    );
    if (!allowed) return;
    (e.payout, e.fee, e.held) = (s.payoutTotal, s.feeTotal, s.heldTotal);
    if (!e.signed) e.signedAt = uint48(nowAt);
    e.signed = true;
    e.digest = digest;
  }

  function refusedBy(IFlexRequests.Settlement memory s, bytes[] memory signatures_) private {
    bytes memory data = abi.encodeCall(pool.proposeSettlement, (s, signatures_));
    attempt(data, false, "I6 settled without a quorum");
  }

  function finalize(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Proposed);
    IFlexRequests.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexRequests.State.Proposed && nowAt >= r.windowEnd;
    attempt(abi.encodeCall(pool.finalize, (id)), allowed, "finalize");
    if (allowed) expectFinal(id);
  }

  function refundExpired(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Funded);
    IFlexRequests.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexRequests.State.Funded &&
      nowAt > uint256(r.settleBy) + REFUND_GRACE;
    attempt(abi.encodeCall(pool.refundExpired, (id)), allowed, "refundExpired");
    if (allowed) expectRefund(id);
  }

  function returnUnallocated(uint256 seed) external atNow {
    seed = mix(seed);
    bool part = (seed >> 100) % 2 == 0;
    bytes32 id = pick(seed, part ? IFlexRequests.State.PartlyFinal : IFlexRequests.State.Final);
    IFlexRequests.Request memory r = pool.request(id);
    bool allowed = isPaidOut(r.state) &&
      !expected[id].counted &&
      nowAt >= uint256(r.windowEnd) + 365 days;
    attempt(abi.encodeCall(pool.returnUnallocated, (id)), allowed, "returnUnallocated");
  }

  function withdrawCredit(uint256 seed) external atNow {
    seed = mix(seed);
    address account = [payers[0], payers[1], FEE_RECEIVER, CHALLENGER, NOBODY][seed % 5];
    bool allowed = pool.credit(account) > 0;
    attempt(abi.encodeCall(pool.withdrawCredit, (account)), allowed, "withdrawCredit");
  }
}
