// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {RecipientHandler} from "./RecipientHandler.sol";
import {TreeBuilder} from "./TreeBuilder.sol";
import {Check, vm} from "./Vm.sol";

/// @notice The same for epochs and payments, the way to a payment, and the end of everything.
contract Handler is RecipientHandler {
  using TreeBuilder for TreeBuilder.Tree;

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
    IFlexRequests.State wanted = step == 3 ? IFlexRequests.State.Funded : IFlexRequests.State.Proposed;
    IFlexRequests.Request memory r = pool.request(pick(seed | 1, wanted));
    skipTo(r.state == IFlexRequests.State.Funded ? r.deliverEnd : r.windowEnd);
    if (step == 3) this.proposeSettlement(seed, seed >> 64, seed >> 128);
    else this.finalize(seed);
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
      bool counts = isPaidOut(stateOf(id)) && !expected[id].counted;
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
    pendingCum = cum;
    pendingAccounts = movedAccounts(seed);
    IFlexPayouts.Epoch memory e = epochFor(pendingTree(), pendingIds);
    e.dataHash = bytes32(++epochsTried);
    bytes[] memory few = signatures(pool.epochDigest(e), 1);
    attempt(abi.encodeCall(pool.postEpoch, (e, pendingIds, few)), false, "posted by too few");
    pool.postEpoch(e, pendingIds, signatures(pool.epochDigest(e)));
    for (uint256 i = 0; i < pendingIds.length; ++i) expected[pendingIds[i]].counted = true;
  }

  /// @dev A watcher, awake half of the time, tries to disprove the pending root at every index.
  function proveDecrease(uint256 seed) external atNow {
    seed = mix(seed);
    if (seed % 2 == 0) return;
    bool pending = pool.pendingEpoch().epoch != 0;
    TreeBuilder.Tree memory old = liveTree();
    TreeBuilder.Tree memory fresh = pendingTree();
    for (uint256 k = 0; k < PAYEES; ++k) {
      uint256 i = (seed % PAYEES + k) % PAYEES;
      bool allowed = pending && loses(i);
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
    IFlexPayouts.PendingEpoch memory p = pool.pendingEpoch();
    bool allowed = p.epoch != 0 && nowAt >= p.activeFrom;
    attempt(abi.encodeCall(pool.activateEpoch, ()), allowed, "activateEpoch");
    if (!allowed) return;
    if (pendingThief != 0) everRobbed = true;
    noteMisled();
    liveCum = pendingCum;
    liveAccounts = pendingAccounts;
    for (uint256 i = 0; i < PAYEES; ++i) {
      if (liveCum[i] > highestCum[i]) highestCum[i] = liveCum[i];
    }
  }

  function due(uint256 i) internal view returns (uint256) {
    return liveCum[i] > pool.claimed(i) ? liveCum[i] - pool.claimed(i) : 0;
  }

  function claim(uint256 seed) external atNow {
    seed = mix(seed);
    uint256 i = seed % PAYEES;
    for (uint256 k = 0; k < PAYEES && due(i) == 0; ++k) i = (i + 1) % PAYEES;
    bool frozen = BlocklistEuro(address(euro)).frozen(liveAccounts[i]);
    bool allowed = due(i) > 0 &&
      pool.totalClaimed() + due(i) <= pool.totalAllocated() &&
      !frozen;
    TreeBuilder.Tree memory t = liveTree();
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
    payRows(size == 4 && seed % 3 == 0 ? 4 : 0, size);
  }

  function payRows(uint256 first, uint256 size) internal {
    uint256 balance = euro.balanceOf(address(pool));
    uint256 paid = 0;
    uint256 deferred = 0;
    for (uint256 i = first; i < first + size; ++i) {
      bool frozen = BlocklistEuro(address(euro)).frozen(liveAccounts[i]);
      if (!frozen && due(i) <= balance - paid) paid += due(i);
      else deferred += due(i);
    }
    bool allowed = pool.currentEpoch() > 0 && pool.totalClaimed() + paid <= pool.totalAllocated();
    TreeBuilder.Tree memory t = liveTree();
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
    pass(1_200 days);
    if (pool.pendingEpoch().epoch != 0) {
      for (uint256 i = 0; anyLoses() && pool.pendingEpoch().epoch != 0; ++i) {
        this.proveDecrease(i);
      }
      if (pool.pendingEpoch().epoch != 0) this.activateEpoch();
    }
    endRequests();
    pass(365 days);
    endRequests(); // what the first time held
    for (uint256 i = 0; i < ids.length; ++i) {
      bool waits = isPaidOut(stateOf(ids[i])) && !expected[ids[i]].counted;
      if (waits) attempt(abi.encodeCall(pool.returnUnallocated, (ids[i])), true, "returnUnallocated");
    }
    for (uint256 i = 0; i < 4; ++i) {
      address party = [payers[0], payers[1], FEE_RECEIVER, CHALLENGER][i];
      if (pool.credit(party) > 0) pool.withdrawCredit(party);
    }
    TreeBuilder.Tree memory t = liveTree();
    for (uint256 i = 0; i < PAYEES; ++i) {
      BlocklistEuro(address(euro)).freeze(liveAccounts[i], false);
      bool payable_ = pool.totalClaimed() + due(i) <= pool.totalAllocated();
      if (due(i) > 0 && payable_) claimLeaf(t, i);
    }
  }

  function pass(uint256 time) internal virtual {
    nowAt += time;
    vm.warp(nowAt);
  }

  function endRequests() private {
    uint256 count = ids.length;
    for (uint256 i = 0; i < count; ++i) {
      IFlexRequests.State s = stateOf(ids[i]);
      if (s == IFlexRequests.State.Funded) {
        pool.refundExpired(ids[i]);
        expectRefund(ids[i]);
      }
      if (s != IFlexRequests.State.Proposed) continue;
      pool.finalize(ids[i]);
      expectFinal(ids[i]);
    }
  }

  function checkEnded() external view {
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexRequests.State s = stateOf(ids[i]);
      bool ended = isPaidOut(s) ||
        s == IFlexRequests.State.Cancelled ||
        s == IFlexRequests.State.Refunded;
      Check.yes(ended, "I7 every request ends");
    }
    Check.eq(pool.locked(), 0, "I7 nothing locked");
    Check.eq(pool.allocatable(), 0, "I7 nothing waits for an epoch");
    Check.eq(pool.totalCredit(), 0, "I7 no credit left");
    Check.eq(pool.totalBonds(), 0, "I7 every bond is decided");
    if (everRobbed) return; // the cap keeps the robbed from more than the pool has
    Check.eq(pool.totalClaimed(), pool.totalAllocated(), "I7 every payee is paid");
    Check.eq(euro.balanceOf(address(pool)), donated, "I7 the pool is empty");
  }
}
