// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPool} from "../../../contracts/interfaces/IFlexPool.sol";
import {Sib} from "../../../contracts/libraries/PayoutTree.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {PoolWorld} from "./PoolWorld.sol";
import {TreeBuilder} from "./TreeBuilder.sol";
import {Check, vm} from "./Vm.sol";

/// @notice Does anything anyone could do, in any order, and requires of each call that it succeeds
/// exactly when the rules say so.
contract Handler is PoolWorld {
  using TreeBuilder for TreeBuilder.Tree;

  /// @notice How often each kind of call went through.
  mapping(string what => uint256) public successes;

  /// @dev Cheated time does not outlive a call by itself.
  modifier atNow() {
    vm.warp(nowAt);
    _;
    for (uint256 i = 0; i < PAYEES; ++i) lastClaimed[i] = pool.claimed(i);
  }

  /// @dev The fuzzer likes small and repeated numbers; decisions need all bits of a seed.
  function mix(uint256 seed) private view returns (uint256) {
    return uint256(keccak256(abi.encode(seed, nowAt, ids.length, epochsTried)));
  }

  function attempt(bytes memory data, bool allowed, string memory what) private {
    (bool done, ) = address(pool).call(data);
    Check.yes(done == allowed, what);
    if (done) ++successes[what];
  }

  /// @dev A request in this state if there is one; every eighth time any request at all.
  function pick(uint256 seed, IFlexPool.State wanted) private view returns (bytes32) {
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

  function skipTo(uint256 instant) private {
    if (instant > nowAt) nowAt = instant;
  }

  function nextInstant(uint256 seed) private view returns (uint256) {
    IFlexPool.State wanted = IFlexPool.State(1 + (seed % 2));
    IFlexPool.Request memory r = pool.request(pick(seed | 1, wanted));
    if (seed % 5 == 0) return pool.pendingEpoch().activeFrom;
    return r.state == IFlexPool.State.Funded ? r.deliverEnd : r.windowEnd;
  }

  function donate(uint256 amount) external atNow {
    amount %= 1_000;
    euro.mint(address(pool), amount);
    donated += amount;
  }

  function freeze(uint256 seed) external atNow {
    seed = mix(seed);
    address account = payee(seed % PAYEES);
    BlocklistEuro token = BlocklistEuro(address(euro));
    token.freeze(account, !token.frozen(account) && seed % 3 == 0);
  }

  /// @dev Blind chance seldom walks the whole way to a payment: this takes the next step on it.
  function advance(uint256 seed) external {
    seed = mix(seed);
    uint256 step = seed % 5;
    if (step == 0) return this.openRequest(seed, seed >> 64);
    if (step == 1) return this.postEpoch(seed);
    if (step == 2) {
      if ((seed >> 4) % 2 == 0) this.proveDecrease(seed);
      skipTo(pool.pendingEpoch().activeFrom);
      return this.activateEpoch();
    }
    IFlexPool.State wanted = step == 3 ? IFlexPool.State.Funded : IFlexPool.State.Proposed;
    IFlexPool.Request memory r = pool.request(pick(seed | 1, wanted));
    skipTo(r.state == IFlexPool.State.Funded ? r.deliverEnd : r.windowEnd);
    if (step == 3) this.proposeSettlement(seed, seed >> 64, seed >> 128);
    else this.finalize(seed);
  }

  // ---------------------------------------------------------------- layer 1

  function openRequest(uint256 seed, uint256 amount) external atNow {
    if (ids.length >= 24) return; // enough for any mixture of states, and quick to check
    seed = mix(seed);
    IFlexPool.RequestTerms memory t = terms(uint128(1 + (amount % 1e9)));
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
    bytes32 id = pick(seed, IFlexPool.State.Funded);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Funded && nowAt < r.deliverStart;
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
    bytes32 id = pick(seed, IFlexPool.State.Funded);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Funded &&
      nowAt >= r.deliverEnd &&
      nowAt <= r.settleBy;
    uint256 room = uint256(r.amount) + (seed % 32 == 0 ? 1 : 0); // now and then too much
    payout %= room + 1;
    fee %= room - payout + 1;
    allowed = allowed && payout + fee <= r.amount;
    IFlexPool.Settlement memory s = settlement(id, uint128(payout), uint128(fee));
    bytes32 digest = pool.settlementDigest(s);
    attempt(
      abi.encodeCall(pool.proposeSettlement, (s, signatures(digest, 1))),
      false,
      "I6 settled without a quorum"
    );
    attempt(
      abi.encodeCall(pool.proposeSettlement, (s, signatures(digest))),
      allowed,
      "propose"
    );
    if (!allowed) return;
    Expected storage e = expected[id];
    (e.payout, e.fee) = (s.payoutTotal, s.feeTotal);
    (e.signed, e.signedAt) = (true, uint48(nowAt));
  }

  function finalize(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexPool.State.Proposed);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Proposed && nowAt >= r.windowEnd;
    attempt(abi.encodeCall(pool.finalize, (id)), allowed, "finalize");
  }

  function refundExpired(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexPool.State.Funded);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Funded &&
      nowAt > uint256(r.settleBy) + REFUND_GRACE;
    attempt(abi.encodeCall(pool.refundExpired, (id)), allowed, "refundExpired");
  }

  function returnUnallocated(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexPool.State.Final);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Final &&
      !expected[id].counted &&
      nowAt >= uint256(r.windowEnd) + 365 days;
    attempt(abi.encodeCall(pool.returnUnallocated, (id)), allowed, "returnUnallocated");
  }

  function withdrawCredit(uint256 seed) external atNow {
    seed = mix(seed);
    address account = [payers[0], payers[1], FEE_RECEIVER, NOBODY][seed % 4];
    bool allowed = pool.credit(account) > 0;
    attempt(abi.encodeCall(pool.withdrawCredit, (account)), allowed, "withdrawCredit");
  }

  // ---------------------------------------------------------------- layer 2

  /// @dev Every other tree is dishonest: a quorum that colludes takes from one payee for another.
  function postEpoch(uint256 seed) external atNow {
    seed = mix(seed);
    if (pool.pendingEpoch().epoch != 0) return;
    delete pendingIds;
    uint64[PAYEES] memory cum = liveCum;
    for (uint256 i = 0; i < ids.length; ++i) {
      bytes32 id = ids[i];
      bool counts = stateOf(id) == IFlexPool.State.Final && !expected[id].counted;
      if (!counts || (seed >> i) % 4 == 0) continue;
      pendingIds.push(id);
      cum[(seed >> i) % PAYEES] += uint64(expected[id].payout);
    }
    pendingThief = 0;
    uint256 victim = (seed >> 8) % PAYEES;
    for (uint256 k = 0; k < PAYEES && liveCum[victim] < 2; ++k) victim = (victim + 1) % PAYEES;
    if (seed % 2 == 0 && liveCum[victim] > 1) {
      uint64 loot = cum[victim] - liveCum[victim] / 2;
      cum[victim] -= loot;
      cum[(victim + 1) % PAYEES] += loot;
      pendingThief = victim + 1;
    }
    TreeBuilder.Tree memory t = treeFrom(cum);
    IFlexPool.Epoch memory e = epochFor(t, pendingIds);
    e.dataHash = bytes32(++epochsTried);
    bytes[] memory few = signatures(pool.epochDigest(e), 1);
    attempt(abi.encodeCall(pool.postEpoch, (e, pendingIds, few)), false, "posted by too few");
    pool.postEpoch(e, pendingIds, signatures(pool.epochDigest(e)));
    pendingCum = cum;
    for (uint256 i = 0; i < pendingIds.length; ++i) expected[pendingIds[i]].counted = true;
  }

  /// @dev A watcher, awake half of the time, tries to disprove the pending root at every index.
  function proveDecrease(uint256 seed) external atNow {
    seed = mix(seed);
    if (seed % 2 == 0) return;
    bool pending = pool.pendingEpoch().epoch != 0;
    TreeBuilder.Tree memory old = treeFrom(liveCum);
    TreeBuilder.Tree memory fresh = treeFrom(pendingCum);
    for (uint256 k = 0; k < PAYEES; ++k) {
      uint256 i = (seed % PAYEES + k) % PAYEES;
      bool allowed = pending && pendingThief == i + 1;
      attempt(
        abi.encodeCall(
          pool.proveDecrease,
          (old.leaves[i], old.proof(i), fresh.leaves[i], fresh.proof(i))
        ),
        allowed,
        "proveDecrease"
      );
      if (!allowed) continue;
      for (uint256 j = 0; j < pendingIds.length; ++j) expected[pendingIds[j]].counted = false;
      return;
    }
  }

  function activateEpoch() external atNow {
    IFlexPool.PendingEpoch memory p = pool.pendingEpoch();
    bool allowed = p.epoch != 0 && nowAt >= p.activeFrom;
    attempt(abi.encodeCall(pool.activateEpoch, ()), allowed, "activateEpoch");
    if (!allowed) return;
    if (pendingThief != 0) everRobbed = true;
    liveCum = pendingCum;
    for (uint256 i = 0; i < PAYEES; ++i) {
      if (liveCum[i] > highestCum[i]) highestCum[i] = liveCum[i];
    }
  }

  function due(uint256 i) private view returns (uint256) {
    return liveCum[i] > pool.claimed(i) ? liveCum[i] - pool.claimed(i) : 0;
  }

  function claim(uint256 seed) external atNow {
    seed = mix(seed);
    uint256 i = seed % PAYEES;
    for (uint256 k = 0; k < PAYEES && due(i) == 0; ++k) i = (i + 1) % PAYEES;
    bool frozen = BlocklistEuro(address(euro)).frozen(payee(i));
    bool allowed = due(i) > 0 &&
      pool.totalClaimed() + due(i) <= pool.totalAllocated() &&
      !frozen;
    TreeBuilder.Tree memory t = treeFrom(liveCum);
    attempt(
      abi.encodeCall(pool.claim, (i, t.leaves[i].account, liveCum[i], t.proof(i))),
      allowed,
      "claim"
    );
  }

  /// @dev I12: whoever is frozen, the chunk goes through and the others have their money.
  /// After a robbery the rows may ask for more than the whole pool holds: then a transfer fails like
  /// one to a frozen payee, and what is paid must still fit the cap.
  function payChunk(uint256 seed) external atNow {
    seed = mix(seed);
    uint256 size = seed % 2 == 0 ? 4 : 8;
    uint256 first = size == 4 && seed % 3 == 0 ? 4 : 0;
    uint256 balance = euro.balanceOf(address(pool));
    uint256 paid = 0;
    uint256 deferred = 0;
    for (uint256 i = first; i < first + size; ++i) {
      bool frozen = BlocklistEuro(address(euro)).frozen(payee(i));
      if (!frozen && due(i) <= balance - paid) paid += due(i);
      else deferred += due(i);
    }
    bool allowed = pool.currentEpoch() > 0 && pool.totalClaimed() + paid <= pool.totalAllocated();
    TreeBuilder.Tree memory t = treeFrom(liveCum);
    attempt(
      abi.encodeCall(pool.payChunk, (first, t.rows(first, size), t.proof(first, size))),
      allowed,
      "payChunk"
    );
    if (!allowed) return;
    uint256 left = 0;
    for (uint256 i = first; i < first + size; ++i) left += due(i);
    Check.eq(left, deferred, "I12 everybody who can be paid is paid");
  }

  // ---------------------------------------------------------------- liveness

  /// @dev I7: from here on the payers, the verifiers and the registry's owner are silent. Anyone
  /// brings every request to its end and every honest payee to its money.
  function endEverything() external {
    nowAt += 1_200 days;
    vm.warp(nowAt);
    if (pool.pendingEpoch().epoch != 0) {
      for (uint256 i = 0; pendingThief != 0 && pool.pendingEpoch().epoch != 0; ++i) {
        this.proveDecrease(i);
      }
      if (pool.pendingEpoch().epoch != 0) this.activateEpoch();
    }
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexPool.State s = stateOf(ids[i]);
      if (s == IFlexPool.State.Funded) pool.refundExpired(ids[i]);
      if (s == IFlexPool.State.Proposed) pool.finalize(ids[i]);
    }
    nowAt += 365 days;
    vm.warp(nowAt);
    for (uint256 i = 0; i < ids.length; ++i) {
      bool waits = stateOf(ids[i]) == IFlexPool.State.Final && !expected[ids[i]].counted;
      if (waits) attempt(abi.encodeCall(pool.returnUnallocated, (ids[i])), true, "returnUnallocated");
    }
    for (uint256 i = 0; i < 3; ++i) {
      address party = [payers[0], payers[1], FEE_RECEIVER][i];
      if (pool.credit(party) > 0) pool.withdrawCredit(party);
    }
    TreeBuilder.Tree memory t = treeFrom(liveCum);
    for (uint256 i = 0; i < PAYEES; ++i) {
      BlocklistEuro(address(euro)).freeze(payee(i), false);
      bool payable_ = pool.totalClaimed() + due(i) <= pool.totalAllocated();
      if (due(i) > 0 && payable_) claimLeaf(t, i);
    }
  }

  function checkEnded() external view {
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexPool.State s = stateOf(ids[i]);
      bool ended = s == IFlexPool.State.Final ||
        s == IFlexPool.State.Cancelled ||
        s == IFlexPool.State.Refunded;
      Check.yes(ended, "I7 every request ends");
    }
    Check.eq(pool.locked(), 0, "I7 nothing locked");
    Check.eq(pool.allocatable(), 0, "I7 nothing waits for an epoch");
    Check.eq(pool.totalCredit(), 0, "I7 no credit left");
    if (everRobbed) return; // the cap keeps the robbed from more than the pool has
    Check.eq(pool.totalClaimed(), pool.totalAllocated(), "I7 every payee is paid");
    Check.eq(euro.balanceOf(address(pool)), donated, "I7 the pool is empty");
  }
}
