// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../../contracts/FlexPool.sol";
import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {Handler} from "./Handler.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {Check, vm} from "./Vm.sol";

/// @notice Rules that no look at the books can show: from any state that was reached, something is
/// done that must work, or must not. What a probe does is undone before the walk goes on.
contract ProbedHandler is Handler {
  address private constant GUARDIAN = address(0x6A4D);
  bool private isPausedForEver;

  /// @dev I7: from here on the guardian and the admin do what they can to hold the pool up.
  function pauseForEver() external {
    grant(GUARDIAN_ROLE, GUARDIAN);
    isPausedForEver = true;
  }

  function pass(uint256 time) internal override {
    super.pass(time);
    if (!isPausedForEver) return;
    vm.prank(OWNER);
    pool.rearmPause();
    vm.prank(GUARDIAN);
    pool.pause(uint48(nowAt) + 7 days);
  }

  /// @dev I10: the set changes to three strangers, all needed; an open request keeps its verifiers.
  function i10ANewSetLeavesOpenRequestsAlone() external {
    vm.warp(nowAt);
    uint256[] memory strangers = ascending(0x44, 0x55, 0x66);
    addSet(strangers, 3);
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexRequests.Request memory r = pool.request(ids[i]);
      if (r.state != IFlexRequests.State.Funded || nowAt > r.settleBy) continue;
      skipTo(r.deliverEnd);
      vm.warp(nowAt);
      IFlexRequests.Settlement memory s = nextRound(ids[i], 0, 0, 0);
      bytes32 digest = pool.settlementDigest(s);
      bytes[] memory byStrangers = new bytes[](3);
      for (uint256 k = 0; k < 3; ++k) byStrangers[k] = sign(strangers[k], digest);
      attempt(abi.encodeCall(pool.proposeSettlement, (s, byStrangers)), false, "I10 strangers");
      bytes[] memory byItsOwn = signatures(digest, QUORUM + 1);
      attempt(abi.encodeCall(pool.proposeSettlement, (s, byItsOwn)), true, "I10 its own set");
      return;
    }
  }

  /// @dev I11: a guardian pauses for as long as it may; all that is owed goes out all the same.
  function i11APauseHoldsUpNothingThatIsOwed() external {
    vm.warp(nowAt);
    grant(GUARDIAN_ROLE, GUARDIAN);
    vm.prank(GUARDIAN);
    pool.pause(uint48(nowAt) + 7 days);
    uint256 count = ids.length; // what is finalised may leave a rest
    for (uint256 i = 0; i < count; ++i) {
      IFlexRequests.Request memory r = pool.request(ids[i]);
      bool ripe = r.state == IFlexRequests.State.Proposed && nowAt >= r.windowEnd;
      if (ripe) attempt(abi.encodeCall(pool.finalize, (ids[i])), true, "I11 finalize");
      if (ripe) expectFinal(ids[i]);
      bool late = r.state == IFlexRequests.State.Funded &&
        nowAt > uint256(r.settleBy) + REFUND_GRACE;
      if (late) attempt(abi.encodeCall(pool.refundExpired, (ids[i])), true, "I11 refund");
      if (late) expectRefund(ids[i]);
    }
    if (pool.pendingEpoch().epoch != 0 && nowAt >= pool.pendingEpoch().activeFrom) {
      this.activateEpoch();
    }
    payRows(0, PAYEES);
    for (uint256 i = 0; i < 4; ++i) {
      address party = [payers[0], payers[1], FEE_RECEIVER, CHALLENGER][i];
      bool allowed = pool.credit(party) > 0;
      attempt(abi.encodeCall(pool.withdrawCredit, (party)), allowed, "I11 withdrawCredit");
    }
  }

  /// @dev I12: whoever is frozen, payee or payer, all others get theirs.
  function i12AFrozenRecipientHarmsNobodyElse() external {
    vm.warp(nowAt);
    BlocklistEuro token = BlocklistEuro(address(euro));
    token.freeze(liveAccounts[nowAt % PAYEES], true);
    payRows(0, PAYEES);
    token.freeze(payers[0], true);
    for (uint256 i = 0; i < 4; ++i) {
      address party = [payers[0], payers[1], FEE_RECEIVER, CHALLENGER][i];
      bool allowed = pool.credit(party) > 0 && i != 0;
      attempt(abi.encodeCall(pool.withdrawCredit, (party)), allowed, "I12 withdrawCredit");
    }
    token.freeze(payers[0], false);
  }

  /// @dev I14: nothing that is signed for this pool means anything in another one, or on a fork.
  function i14WhatIsSignedHoldsHereAlone() external {
    vm.warp(nowAt);
    bytes32 id = ids.length > 0 ? ids[nowAt % ids.length] : bytes32("unknown");
    bytes32[4] memory here = identitiesIn(pool, id);
    bytes32[4] memory there = identitiesIn(newPool(IERC20(address(euro))), id);
    vm.chainId(block.chainid + 1);
    bytes32[4] memory fork = identitiesIn(pool, id);
    for (uint256 i = 0; i < 4; ++i) {
      Check.yes(here[i] != there[i], "I14 another pool");
      Check.yes(here[i] != fork[i], "I14 another chain");
    }
    vm.chainId(block.chainid - 1);
  }

  function identitiesIn(FlexPool p, bytes32 id) private view returns (bytes32[4] memory) {
    IFlexRequests.Settlement memory s = settlement(id, 1, 1);
    IFlexPayouts.Epoch memory e;
    IFlexRequests.RequestTerms memory t;
    return [p.settlementDigest(s), p.epochDigest(e), p.cancelDigest(id), p.requestIdOf(t)];
  }
}
