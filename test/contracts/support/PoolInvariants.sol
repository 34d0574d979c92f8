// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {PoolWorld} from "./PoolWorld.sol";
import {Check} from "./Vm.sol";

/// @notice What must be true of the pool at every moment, each rule by its number. The sums on the
/// other side are kept by the world from what it did, never read from the pool.
abstract contract PoolInvariants is PoolWorld {
  /// @dev What all requests together should have come to.
  struct Ghost {
    uint256 locked;
    uint256 payouts;
    uint256 fees;
    uint256[2] refunds; // by payer
    uint256[2] spent;
  }

  function ghost() internal view returns (Ghost memory g) {
    for (uint256 i = 0; i < ids.length; ++i) {
      Expected memory e = expected[ids[i]];
      IFlexRequests.State s = stateOf(ids[i]);
      uint256 who = e.payer == payers[0] ? 0 : 1;
      if (!e.isRest) g.spent[who] += e.amount;
      if (isOpen(s)) g.locked += e.amount;
      if (s == IFlexRequests.State.Cancelled) g.refunds[who] += e.amount;
      // Nothing was signed, or the payout was and came back.
      if (s == IFlexRequests.State.Refunded) g.refunds[who] += e.amount - e.fee - e.held;
      if (s == IFlexRequests.State.Refunded) g.fees += e.fee;
      if (!isPaidOut(s)) continue;
      g.payouts += e.payout;
      g.fees += e.fee;
      g.refunds[who] += e.amount - e.payout - e.fee - e.held;
    }
  }

  function isOpen(IFlexRequests.State s) internal pure returns (bool) {
    return s == IFlexRequests.State.Funded || s == IFlexRequests.State.Proposed;
  }

  function i1TheBalanceCoversTheBooks() public view {
    uint256 owed = uint256(pool.locked()) +
      pool.allocatable() +
      (pool.totalAllocated() - pool.totalClaimed()) +
      pool.totalCredit() +
      pool.totalBonds();
    Check.eq(euro.balanceOf(address(pool)), owed + donated, "I1 balance against books");
    Check.eq(pool.locked(), ghost().locked, "I1 locked");
    uint256 credits = pool.credit(payers[0]) +
      pool.credit(payers[1]) +
      pool.credit(FEE_RECEIVER) +
      pool.credit(CHALLENGER);
    Check.eq(pool.totalCredit(), credits, "I1 sum of credits");
    uint256 undecided = bondsGiven - bondsReturned - bondsForfeited;
    Check.eq(pool.totalBonds(), undecided, "I1 bonds nobody has decided");
    uint256 left = START_MONEY - bondsGiven + bondsReturned;
    Check.eq(received(CHALLENGER), left, "I1 a challenger has all but its stakes");
  }

  function i2EveryRequestIsSplitAsSigned() public view {
    for (uint256 i = 0; i < ids.length; ++i) {
      Expected memory e = expected[ids[i]];
      IFlexRequests.Request memory r = pool.request(ids[i]);
      if (!isPaidOut(r.state)) continue;
      Check.eq(r.payout, e.payout, "I2 payout");
      Check.eq(r.fee, e.fee, "I2 fee");
      Check.eq(r.held, e.held, "I2 held");
      bool holds = r.state == IFlexRequests.State.PartlyFinal;
      Check.yes(holds == (e.held > 0), "I2 partly final while something is held");
    }
    uint256 fees = ghost().fees + bondsForfeited;
    Check.eq(received(FEE_RECEIVER), fees, "I2 exactly the fees and lost bonds");
  }

  function i3NoMoreIsClaimedThanAllocated() public view {
    Check.yes(pool.totalClaimed() <= pool.totalAllocated(), "I3 claimed within allocated");
  }

  function i4AllocatedAndAllocatableAreTheFinalPayouts() public view {
    uint256 found = uint256(pool.totalAllocated()) + pool.allocatable();
    Check.eq(found, ghost().payouts, "I4 allocated and allocatable are the final payouts");
  }

  function i5NobodyIsPaidTwice() public view {
    uint256 claimed = 0;
    uint256 live = 0;
    for (uint256 i = 0; i < PAYEES; ++i) {
      uint256 paid = 0;
      for (uint256 k = 0; k < ADDRESSES; ++k) paid += euro.balanceOf(addressOf(i, k));
      Check.eq(paid, pool.claimed(i), "I5 paid what the lane says");
      Check.yes(pool.claimed(i) >= lastClaimed[i], "I5 a lane never falls");
      Check.yes(pool.claimed(i) <= highestCum[i], "I5 never above a live leaf");
      claimed += pool.claimed(i);
      live += liveCum[i];
    }
    Check.eq(pool.totalClaimed(), claimed, "I5 sum of lanes");
    Check.eq(pool.totalAllocated(), live, "I5 sum of live leaves");
  }

  function i6NothingIsPaidBeforeVerification() public view {
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexRequests.Request memory r = pool.request(ids[i]);
      if (!isPaidOut(r.state)) continue;
      Expected memory e = expected[ids[i]];
      Check.yes(e.signed, "I6 no payout without a quorum");
      Check.yes(e.signedAt >= r.deliverEnd, "I6 no payout before delivery");
      Check.yes(nowAt >= e.signedAt + DISPUTE_WINDOW, "I6 no payout inside the window");
    }
  }

  function i8ARefundGoesToThePayerAlone() public view {
    Ghost memory g = ghost();
    for (uint256 i = 0; i < 2; ++i) {
      uint256 back = received(payers[i]) + g.spent[i] - START_MONEY;
      Check.eq(back, g.refunds[i], "I8 exactly the refunds");
    }
    Check.eq(received(NOBODY), 0, "I8 nothing for a stranger");
  }

  function i9OneSettlementPerRoundAndOneCountPerPayout() public view {
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexRequests.Request memory r = pool.request(ids[i]);
      Expected memory e = expected[ids[i]];
      Check.yes(r.accounted == e.counted, "I9 a payout is counted exactly once");
      bytes32 last = bytes32(bytes8(e.digest));
      if (e.signed) Check.eq(bytes32(r.digestPrefix), last, "I9 the last signed round counts");
    }
  }

  function i13WhatIsLeftOverIsRefunded() public view {
    Ghost memory g = ghost();
    uint256 found = g.locked + g.payouts + received(FEE_RECEIVER) - bondsForfeited;
    for (uint256 i = 0; i < 2; ++i) found += received(payers[i]) + g.spent[i] - START_MONEY;
    Check.eq(found, g.spent[0] + g.spent[1], "I13 not a unit is lost on the way");
  }

  /// @dev In the account or waiting for it as credit.
  function received(address account) internal view returns (uint256) {
    return euro.balanceOf(account) + pool.credit(account);
  }
}
