// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {PoolConfig} from "../../contracts/interfaces/IPoolConfiguration.sol";
import {IPoolGuard} from "../../contracts/interfaces/IPoolGuard.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice The worst day a pool can have, and its end by calls of a stranger alone: money in every
/// state there is, the day's outflow used up, the pool paused, and payers, verifiers, arbiter and
/// admin silent from there on.
contract LivenessTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  address private constant GUARDIAN = address(0x6A4D);
  uint256 private constant START_MONEY = 1_000_000e6;
  bytes32[] private ids;
  bool private isPausedAgain;

  function setUp() public override {
    super.setUp();
    grant(GUARDIAN_ROLE, GUARDIAN);
    PoolConfig memory c = poolConfig(euro);
    c.outflowBps = 1_000;
    pool = createPool(c, "limited");
    vm.prank(payer);
    euro.approve(address(pool), type(uint256).max);
  }

  function first() private pure returns (TreeBuilder.Tree memory) {
    return treeOf(4_000, 3_000, 2_000, 1_000);
  }

  function second() private pure returns (TreeBuilder.Tree memory) {
    return treeOf(4_000, 8_000, 2_000, 1_000);
  }

  function live() private view returns (TreeBuilder.Tree memory) {
    return pool.currentEpoch() == 1 ? first() : second();
  }

  /// @dev One request in every state, a tree that pays and one that waits.
  function fill() private {
    ids.push(finalRequest(10_000));
    post(first(), one(ids[0]));
    activate();
    ids.push(finalRequest(600)); // no epoch will count it
    bytes32 held = open(1_000);
    ids.push(settleHolding(held, 400, 40, 500));
    ids.push(held);
    ids.push(finalRequest(5_000));
    post(second(), one(ids[4]));
    for (uint256 i = 0; i < 4; ++i) ids.push(open(uint128(1_000 + i)));
    vm.warp(pool.request(ids[5]).deliverEnd);
    propose(ids[5], 700, 70);
    proposeNext(ids[6], 300, 30, 600, QUORUM); // of the others nobody says a word
    ids.push(open(77)); // not delivered yet
  }

  function pause() private {
    vm.prank(OWNER);
    pool.rearmPause();
    vm.prank(GUARDIAN);
    pool.pause(uint48(block.timestamp) + 7 days);
  }

  /// @dev What a stranger can bring forward at this second; the rest is too early.
  function push() private {
    if (isPausedAgain) pause();
    uint256 count = ids.length;
    for (uint256 i = 0; i < count; ++i) {
      if (did(abi.encodeCall(pool.finalize, (ids[i])))) {
        bytes32 rest = pool.roundIdOf(ids[i], uint256(pool.request(ids[i]).round) + 1);
        if (pool.request(ids[i]).held > 0) ids.push(rest);
      }
      did(abi.encodeCall(pool.refundExpired, (ids[i])));
      did(abi.encodeCall(pool.returnUnallocated, (ids[i])));
    }
    did(abi.encodeCall(pool.activateEpoch, ()));
    TreeBuilder.Tree memory t = live();
    did(abi.encodeCall(pool.payChunk, (0, t.rows(0, 4), t.proof(0, 4))));
    did(abi.encodeCall(pool.withdrawCredit, (payer)));
    did(abi.encodeCall(pool.withdrawCredit, (FEE_RECEIVER)));
  }

  function did(bytes memory data) private returns (bool done) {
    vm.prank(NOBODY);
    (done, ) = address(pool).call(data);
  }

  function checkPaused() private {
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectPartialRevert(IPoolGuard.PoolPaused.selector);
    vm.prank(payer);
    pool.openRequest(t);
  }

  function checkOutflowUsedUp() private {
    TreeBuilder.Tree memory t = live();
    Check.yes(pool.claimed(1) < t.leaves[1].cum, "more is owed");
    vm.expectPartialRevert(IFlexPayouts.OutflowLimited.selector);
    claimLeaf(t, 1);
  }

  function endsWell() private {
    fill();
    push();
    checkOutflowUsedUp();
    pause();
    checkPaused();

    // While the pool is paused: what is proposed ends, the tree goes live, a tenth a day is paid.
    uint256 paid = pool.totalClaimed();
    vm.warp(pool.request(ids[5]).windowEnd);
    push();
    checkState(ids[5], IFlexRequests.State.Final);
    checkState(ids[6], IFlexRequests.State.PartlyFinal);
    Check.yes(pool.totalClaimed() > paid, "payees are paid");
    checkPaused();
    vm.warp(pool.pendingEpoch().activeFrom);
    push();
    Check.eq(pool.currentEpoch(), 2, "the waiting tree is live");
    checkOutflowUsedUp();
    checkPaused();

    vm.warp(block.timestamp + uint256(HELD_WINDOW) + REFUND_GRACE + 1);
    push(); // refunds, those of the rests among them
    Check.eq(pool.locked(), 0, "nothing is locked");
    vm.warp(block.timestamp + 365 days);
    push(); // payouts that no epoch counts
    for (uint256 day = 0; day < 10; ++day) {
      vm.warp(block.timestamp + 1 days);
      push();
    }
    if (isPausedAgain) checkPaused();
    checkEnded();
  }

  function checkEnded() private view {
    for (uint256 i = 0; i < ids.length; ++i) {
      IFlexRequests.Request memory r = pool.request(ids[i]);
      bool counted = r.accounted && r.state == IFlexRequests.State.Final;
      Check.yes(counted || r.state == IFlexRequests.State.Refunded, "every request has ended");
    }
    Check.eq(euro.balanceOf(address(pool)), 0, "the pool is empty");
    uint256 payees = 0;
    for (uint256 i = 0; i < 4; ++i) {
      Check.eq(euro.balanceOf(payee(i)), second().leaves[i].cum, "a payee has all it earned");
      payees += second().leaves[i].cum;
    }
    uint256 fees = 1 + 1 + 40 + 1 + 70 + 30; // of the six that were settled
    Check.eq(euro.balanceOf(FEE_RECEIVER), fees, "fees");
    Check.eq(euro.balanceOf(payer), START_MONEY - payees - fees, "the rest is the payer's");
    Check.eq(euro.balanceOf(NOBODY), 0, "a stranger gets nothing");
  }

  /// @dev The guardian pauses for as long as it may, and is silent then, as everybody else is.
  function test_I7_everythingEndsPausedLimitedAndWithEverybodySilent() public {
    endsWell();
  }

  /// @dev Guardian and admin do all they can: they pause it again every time anything is due.
  function test_I7_everythingEndsInAPoolThatTheyAlwaysPauseAgain() public {
    isPausedAgain = true;
    endsWell();
  }
}
