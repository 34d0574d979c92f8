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

  /// @dev Cheated time does not outlive a call by itself.
  modifier atNow() {
    vm.warp(nowAt);
    _;
    for (uint256 i = 0; i < PAYEES; ++i) lastClaimed[i] = pool.claimed(i);
  }

  function attempt(bytes memory data, bool allowed, string memory what) private {
    (bool done, ) = address(pool).call(data);
    Check.yes(done == allowed, what);
  }

  function pick(uint256 seed) private view returns (bytes32) {
    return ids.length == 0 ? bytes32("unknown") : ids[seed % ids.length];
  }

  // ---------------------------------------------------------------- time and outside events

  function wait(uint256 seed) external {
    nowAt += seed % 16 == 0 ? 200 days : 1 hours + (seed % 3 days);
  }

  function donate(uint256 amount) external atNow {
    amount %= 1_000;
    euro.mint(address(pool), amount);
    donated += amount;
  }

  function freeze(uint256 seed) external atNow {
    address account = payee(seed % PAYEES);
    BlocklistEuro token = BlocklistEuro(address(euro));
    token.freeze(account, !token.frozen(account));
  }

  // ---------------------------------------------------------------- layer 1

  function openRequest(uint256 seed, uint256 amount) external atNow {
    IFlexPool.RequestTerms memory t = terms(uint128(1 + (amount % 1e9)));
    t.payer = payers[seed % 2];
    bytes32 id = open(t);
    ids.push(id);
    expected[id].payer = t.payer;
    expected[id].amount = t.amount;
  }

  function cancel(uint256 seed, bool bySignature) external atNow {
    bytes32 id = pick(seed);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Funded && nowAt < r.deliverStart;
    attempt(abi.encodeCall(pool.cancel, (id)), false, "cancelled by a stranger");
    if (bySignature) {
      uint256 key = r.payer == payers[0] ? PAYER_KEY : SECOND_PAYER_KEY;
      bytes memory signature = sign(key, pool.cancelDigest(id));
      attempt(abi.encodeCall(pool.cancelWithSignature, (id, signature)), allowed, "cancel signed");
    } else {
      vm.prank(r.payer);
      attempt(abi.encodeCall(pool.cancel, (id)), allowed, "cancel");
    }
  }

  function proposeSettlement(uint256 seed, uint256 payout, uint256 fee) external atNow {
    bytes32 id = pick(seed);
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
    bytes32 id = pick(seed);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Proposed && nowAt >= r.windowEnd;
    attempt(abi.encodeCall(pool.finalize, (id)), allowed, "finalize");
  }

  function refundExpired(uint256 seed) external atNow {
    bytes32 id = pick(seed);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Funded &&
      nowAt > uint256(r.settleBy) + REFUND_GRACE;
    attempt(abi.encodeCall(pool.refundExpired, (id)), allowed, "refundExpired");
  }

  function returnUnallocated(uint256 seed) external atNow {
    bytes32 id = pick(seed);
    IFlexPool.Request memory r = pool.request(id);
    bool allowed = r.state == IFlexPool.State.Final &&
      !expected[id].counted &&
      nowAt >= uint256(r.windowEnd) + 365 days;
    attempt(abi.encodeCall(pool.returnUnallocated, (id)), allowed, "returnUnallocated");
  }

  function withdrawCredit(uint256 seed) external atNow {
    address account = [payers[0], payers[1], FEE_RECEIVER, NOBODY][seed % 4];
    bool allowed = pool.credit(account) > 0;
    attempt(abi.encodeCall(pool.withdrawCredit, (account)), allowed, "withdrawCredit");
  }

  // ---------------------------------------------------------------- layer 2

  /// @dev One in four trees is dishonest: a quorum that colludes takes from one payee for another.
  function postEpoch(uint256 seed) external atNow {
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
    if (seed % 4 == 0 && cum[victim] > liveCum[victim] / 2 && liveCum[victim] > 1) {
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

  /// @dev A watcher tries to disprove the pending root at every index.
  function proveDecrease(uint256 seed) external atNow {
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
    uint256 i = seed % PAYEES;
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
  function payChunk(uint256 seed) external atNow {
    uint256 size = seed % 2 == 0 ? 4 : 8;
    uint256 first = size == 4 && seed % 3 == 0 ? 4 : 0;
    uint256 asked = 0;
    for (uint256 i = first; i < first + size; ++i) {
      if (!BlocklistEuro(address(euro)).frozen(payee(i))) asked += due(i);
    }
    bool allowed = pool.currentEpoch() > 0 && pool.totalClaimed() + asked <= pool.totalAllocated();
    TreeBuilder.Tree memory t = treeFrom(liveCum);
    attempt(
      abi.encodeCall(pool.payChunk, (first, t.rows(first, size), t.proof(first, size))),
      allowed,
      "payChunk"
    );
    if (!allowed) return;
    for (uint256 i = first; i < first + size; ++i) {
      if (!BlocklistEuro(address(euro)).frozen(payee(i))) {
        Check.eq(due(i), 0, "I12 everybody who can be paid is paid");
      }
    }
  }

  // ---------------------------------------------------------------- liveness

  /// @dev I7: from here on the payers, the verifiers and the registry's owner are silent. Anyone
  /// brings every request to its end and every honest payee to its money.
  function endEverything() external {
    nowAt += 1_200 days;
    vm.warp(nowAt);
    if (pool.pendingEpoch().epoch != 0) {
      this.proveDecrease(0);
      if (pool.pendingEpoch().epoch != 0) this.activateEpoch();
    }
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexPool.State s = stateOf(ids[i]);
      if (s == IFlexPool.State.Funded) this.refundExpired(i);
      if (s == IFlexPool.State.Proposed) this.finalize(i);
    }
    nowAt += 365 days;
    vm.warp(nowAt);
    for (uint256 i = 0; i < ids.length; ++i) this.returnUnallocated(i);
    for (uint256 i = 0; i < 4; ++i) this.withdrawCredit(i);
    for (uint256 i = 0; i < PAYEES; ++i) {
      BlocklistEuro(address(euro)).freeze(payee(i), false);
      this.claim(i);
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
