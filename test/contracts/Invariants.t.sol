// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProbedHandler} from "./support/ProbedHandler.sol";
import {Check} from "./support/Vm.sol";
import {Walk} from "./support/Walk.sol";

struct FuzzSelector {
  address addr;
  bytes4[] selectors;
}

contract InvariantsTest is Walk {
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
    targets = new FuzzSelector[](1);
    targets[0] = FuzzSelector(address(handler), actionsOf(handler));
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

  /// Nor can guardian and admin hold up any of it by pausing the pool again and again.
  function invariant_I7_everythingEndsInAPoolThatIsAlwaysPaused() public {
    handler.pauseForEver();
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

  /// The walks name other addresses, take them back, and post trees that move leaves rightly or not.
  function invariant_aLeafMovesOnlyWhereItsAccountNamedInTime() public {
    handler.leavesMoveOnlyWhereTheirAccountsNamed();
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
    string[23] memory kinds = [
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
      "I12 withdrawCredit",
      "nameRecipient",
      "takeBackRecipient",
      "moved",
      "misled"
    ];
    uint256[23] memory seen;
    uint256 robbed = 0;
    uint256[2] memory bonds;
    for (uint256 k = 0; k < 12; ++k) {
      setUp();
      walk(handler, k, 150);
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
}
