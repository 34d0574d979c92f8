// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProbedHandler} from "./support/ProbedHandler.sol";
import {Check} from "./support/Vm.sol";

struct FuzzSelector {
  address addr;
  bytes4[] selectors;
}

contract InvariantsTest {
  ProbedHandler private handler;

  function setUp() public {
    handler = new ProbedHandler();
    handler.setUp();
  }

  function targetContracts() public view returns (address[] memory targets) {
    targets = new address[](1);
    targets[0] = address(handler);
  }

  function targetSelectors() public view returns (FuzzSelector[] memory targets) {
    bytes4[] memory s = new bytes4[](19);
    s[0] = handler.wait.selector;
    s[1] = handler.donate.selector;
    s[2] = handler.freeze.selector;
    s[3] = handler.openRequest.selector;
    s[4] = handler.cancel.selector;
    s[5] = handler.proposeSettlement.selector;
    s[6] = handler.finalize.selector;
    s[7] = handler.refundExpired.selector;
    s[8] = handler.returnUnallocated.selector;
    s[9] = handler.withdrawCredit.selector;
    s[10] = handler.postEpoch.selector;
    s[11] = handler.proveDecrease.selector;
    s[12] = handler.activateEpoch.selector;
    s[13] = handler.claim.selector;
    s[14] = handler.payChunk.selector;
    s[15] = handler.advance.selector;
    s[16] = handler.holdMore.selector;
    s[17] = handler.challenge.selector;
    s[18] = handler.challengeEquivocation.selector;
    targets = new FuzzSelector[](1);
    targets[0] = FuzzSelector(address(handler), s);
  }

  // Each rule by its number in the design. What each means stands where it is checked.

  function invariant_I1_theBalanceCoversTheBooks() public view {
    handler.i1TheBalanceCoversTheBooks();
  }

  function invariant_I2_everyRequestIsSplitAsSigned() public view {
    handler.i2EveryRequestIsSplitAsSigned();
  }

  function invariant_I3_noMoreIsClaimedThanAllocated() public view {
    handler.i3NoMoreIsClaimedThanAllocated();
  }

  function invariant_I4_allocatedAndAllocatableAreTheFinalPayouts() public view {
    handler.i4AllocatedAndAllocatableAreTheFinalPayouts();
  }

  function invariant_I5_nobodyIsPaidTwice() public view {
    handler.i5NobodyIsPaidTwice();
  }

  function invariant_I6_nothingIsPaidBeforeVerification() public view {
    handler.i6NothingIsPaidBeforeVerification();
  }

  /// Whatever happened, anyone can end everything while all privileged parties are silent.
  function invariant_I7_everythingEndsWithoutPrivilegedParties() public {
    handler.endEverything();
    handler.checkEnded();
    checkBooks();
  }

  function invariant_I8_aRefundGoesToThePayerAlone() public view {
    handler.i8ARefundGoesToThePayerAlone();
  }

  function invariant_I9_oneSettlementPerRoundAndOneCountPerPayout() public view {
    handler.i9OneSettlementPerRoundAndOneCountPerPayout();
  }

  function invariant_I10_aNewSetLeavesOpenRequestsAlone() public {
    handler.i10ANewSetLeavesOpenRequestsAlone();
  }

  function invariant_I11_aPauseHoldsUpNothingThatIsOwed() public {
    handler.i11APauseHoldsUpNothingThatIsOwed();
    handler.i1TheBalanceCoversTheBooks();
  }

  function invariant_I12_aFrozenRecipientHarmsNobodyElse() public {
    handler.i12AFrozenRecipientHarmsNobodyElse();
    checkBooks();
  }

  function invariant_I13_whatIsLeftOverIsRefunded() public view {
    handler.i13WhatIsLeftOverIsRefunded();
  }

  function invariant_I14_whatIsSignedHoldsHereAlone() public {
    handler.i14WhatIsSignedHoldsHereAlone();
  }

  function checkBooks() private view {
    handler.i1TheBalanceCoversTheBooks();
    handler.i2EveryRequestIsSplitAsSigned();
    handler.i3NoMoreIsClaimedThanAllocated();
    handler.i4AllocatedAndAllocatableAreTheFinalPayouts();
    handler.i5NobodyIsPaidTwice();
    handler.i8ARefundGoesToThePayerAlone();
    handler.i13WhatIsLeftOverIsRefunded();
  }

  /// @dev An invariant proves nothing about a world in which nothing happens: on some fixed walks
  /// every kind of call must go through, and dishonest trees must be disproved and go live.
  function test_theHandlerReachesEverySituation() public {
    string[19] memory kinds = [
      "opened",
      "cancel",
      "cancel signed",
      "propose",
      "hold more",
      "challenge",
      "challenge proved",
      "propose rest",
      "arbitrate",
      "finalize",
      "refundExpired",
      "returnUnallocated",
      "withdrawCredit",
      "proveDecrease",
      "activateEpoch",
      "claim",
      "payChunk",
      "I10 its own set",
      "I12 withdrawCredit"
    ];
    uint256[19] memory seen;
    uint256 robbed = 0;
    uint256[2] memory bonds;
    for (uint256 k = 0; k < 12; ++k) {
      setUp();
      walk(k, 150);
      if (k % 2 == 1) handler.i10ANewSetLeavesOpenRequestsAlone();
      if (k % 3 == 2) handler.i12AFrozenRecipientHarmsNobodyElse();
      handler.endEverything();
      handler.checkEnded();
      for (uint256 i = 0; i < kinds.length; ++i) seen[i] += handler.successes(kinds[i]);
      robbed += handler.everRobbed() ? 1 : 0;
      bonds[0] += handler.bondsReturned();
      bonds[1] += handler.bondsForfeited();
    }
    for (uint256 i = 0; i < kinds.length; ++i) Check.yes(seen[i] > 0, kinds[i]);
    Check.yes(bonds[0] > 0, "a bond that came back");
    Check.yes(bonds[1] > 0, "a bond that was lost");
    Check.yes(robbed > 0, "a dishonest tree that nobody disproved");
  }

  /// @dev Every other step leads towards a payment, the rest is anything.
  function walk(uint256 number, uint256 steps) private {
    bytes4[] memory actions = targetSelectors()[0].selectors;
    for (uint256 i = 0; i < steps; ++i) {
      uint256 seed = uint256(keccak256(abi.encode("walk", number, i)));
      bytes4 action = i % 2 == 0 ? handler.advance.selector : actions[seed % actions.length];
      (bool ok, bytes memory reason) = address(handler).call(
        abi.encodeWithSelector(action, seed, seed >> 64, seed >> 128)
      );
      if (ok) continue;
      assembly ("memory-safe") {
        revert(add(reason, 32), mload(reason))
      }
    }
  }
}
