// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {Fixture} from "./Fixture.sol";
import {TreeBuilder} from "./TreeBuilder.sol";
import {Check, vm} from "./Vm.sol";

/// @notice A pool with two payers and eight payees, and a model of what must be true of it.
/// Everything the pool should know is kept here a second time, computed another way.
abstract contract PoolWorld is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  uint256 internal constant PAYEES = 8;
  uint256 internal constant SECOND_PAYER_KEY = 0xD51;

  /// @dev What a request should come to.
  struct Expected {
    address payer;
    uint128 amount;
    uint128 payout;
    uint128 fee;
    uint128 held;
    bool isRest; // held by an earlier round; its money was spent on the request
    bool signed; // a quorum signed this payout for this request
    uint48 signedAt;
    bool counted; // in the pending or the live tree
  }

  bytes32[] public ids;
  mapping(bytes32 id => Expected) public expected;
  uint256 public donated;
  uint256 public nowAt;
  address[2] internal payers;

  uint64[PAYEES] public liveCum;
  uint64[PAYEES] public pendingCum;
  uint64[PAYEES] public highestCum;
  uint64[PAYEES] public lastClaimed;
  bytes32[] internal pendingIds;
  uint256 internal pendingThief; // index that loses in the pending tree plus one, 0 if honest
  bool public everRobbed; // a dishonest tree went live
  uint256 internal epochsTried;

  function setUp() public virtual override {
    super.setUp();
    nowAt = START;
    payers = [payer, vm.addr(SECOND_PAYER_KEY)];
    euro.mint(payers[1], 1_000_000e6);
    vm.prank(payers[1]);
    euro.approve(address(pool), type(uint256).max);
  }

  function idCount() external view returns (uint256) {
    return ids.length;
  }

  function treeFrom(uint64[PAYEES] memory cum) internal pure returns (TreeBuilder.Tree memory) {
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](PAYEES);
    for (uint256 i = 0; i < PAYEES; ++i) {
      leaves[i] = leaf(i, cum[i] > 0 ? payee(i) : address(0), cum[i]);
    }
    return TreeBuilder.build(leaves);
  }

  function stateOf(bytes32 id) internal view returns (IFlexRequests.State) {
    return pool.state(id);
  }

  function isPaidOut(IFlexRequests.State s) internal pure returns (bool) {
    return s == IFlexRequests.State.Final || s == IFlexRequests.State.PartlyFinal;
  }

  /// @dev To be called after a request went final: what it held is a request from now on.
  function expectRest(bytes32 id) internal {
    Expected memory e = expected[id];
    if (e.held == 0) return;
    bytes32 restId = keccak256(abi.encode(id, uint256(pool.request(id).round) + 1));
    ids.push(restId);
    expected[restId].payer = e.payer;
    expected[restId].amount = e.held;
    expected[restId].isRest = true;
  }

  // ---------------------------------------------------------------- the invariants

  function checkBooks() public view {
    uint256 owed = uint256(pool.locked()) +
      pool.allocatable() +
      (pool.totalAllocated() - pool.totalClaimed()) +
      pool.totalCredit();
    Check.eq(euro.balanceOf(address(pool)), owed + donated, "I1 balance against books");
    Check.yes(pool.totalClaimed() <= pool.totalAllocated(), "I3 claimed within allocated");
    uint256 credits = pool.credit(payers[0]) + pool.credit(payers[1]) + pool.credit(FEE_RECEIVER);
    Check.eq(pool.totalCredit(), credits, "sum of credits");
  }

  function checkRequests() public view {
    uint256 locked = 0;
    uint256 payouts = 0;
    uint256 fees = 0;
    uint256[2] memory refunds;
    for (uint256 i = 0; i < ids.length; ++i) {
      Expected memory e = expected[ids[i]];
      IFlexRequests.State s = stateOf(ids[i]);
      uint256 back = 0;
      if (s == IFlexRequests.State.Funded || s == IFlexRequests.State.Proposed) locked += e.amount;
      if (s == IFlexRequests.State.Cancelled) back = e.amount;
      if (s == IFlexRequests.State.Refunded) back = e.amount - e.fee - e.held;
      if (s == IFlexRequests.State.Refunded) fees += e.fee;
      if (isPaidOut(s)) {
        Check.yes(e.signed, "I6 no payout without a quorum");
        Check.yes(nowAt >= e.signedAt + DISPUTE_WINDOW, "I6 no payout inside the window");
        payouts += e.payout;
        fees += e.fee;
        back = e.amount - e.payout - e.fee - e.held;
        bool holds = s == IFlexRequests.State.PartlyFinal;
        Check.yes(holds == (e.held > 0), "partly final while something is held");
      }
      refunds[e.payer == payers[0] ? 0 : 1] += back;
    }
    Check.eq(pool.locked(), locked, "locked");
    Check.eq(
      uint256(pool.totalAllocated()) + pool.allocatable(),
      payouts,
      "I4 allocated and allocatable are the final payouts"
    );
    checkParty(FEE_RECEIVER, fees, 0);
    for (uint256 i = 0; i < 2; ++i) {
      checkParty(payers[i], refunds[i], spentBy(payers[i]));
    }
  }

  /// @dev I2, I8, I13: what came back to a party, as credit or withdrawn, is exactly its due.
  function checkParty(address party, uint256 due, uint256 spent) private view {
    uint256 start = party == FEE_RECEIVER ? 0 : 1_000_000e6;
    Check.eq(
      euro.balanceOf(party) + pool.credit(party) + spent,
      start + due,
      "I2 I8 I13 exactly the refunds or fees"
    );
  }

  function spentBy(address party) private view returns (uint256 spent) {
    for (uint256 i = 0; i < ids.length; ++i) {
      Expected memory e = expected[ids[i]];
      if (e.payer == party && !e.isRest) spent += e.amount;
    }
  }

  function checkPayees() public view {
    uint256 claimed = 0;
    uint256 live = 0;
    for (uint256 i = 0; i < PAYEES; ++i) {
      Check.eq(euro.balanceOf(payee(i)), pool.claimed(i), "I5 paid what the lane says");
      Check.yes(pool.claimed(i) >= lastClaimed[i], "I5 a lane never falls");
      Check.yes(pool.claimed(i) <= highestCum[i], "I5 never above a live leaf");
      claimed += pool.claimed(i);
      live += liveCum[i];
    }
    Check.eq(pool.totalClaimed(), claimed, "sum of lanes");
    Check.eq(pool.totalAllocated(), live, "sum of live leaves");
  }

  function checkCounted() public view {
    for (uint256 i = 0; i < ids.length; ++i) {
      Check.yes(
        pool.request(ids[i]).accounted == expected[ids[i]].counted,
        "I9 a payout is counted exactly once"
      );
    }
  }
}
