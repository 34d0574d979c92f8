// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {PoolConfig} from "../../contracts/interfaces/IPoolConfiguration.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice A pool that lets a tenth of all it ever allocated out within a day.
contract OutflowTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  function setUp() public override {
    super.setUp();
    PoolConfig memory c = poolConfig(euro);
    c.outflowBps = 1_000;
    pool = createPool(c, "limited");
    vm.prank(payer);
    euro.approve(address(pool), type(uint256).max);
  }

  function limited(TreeBuilder.Tree memory t, uint256 idx, uint256 from) private {
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.OutflowLimited.selector, from));
    claimLeaf(t, idx);
  }

  function has(uint256 idx, uint256 expected) private view {
    Check.eq(euro.balanceOf(payee(idx)), expected, "paid");
    Check.eq(pool.claimed(idx), expected, "claimed");
  }

  function test_aThiefOfEverythingGetsATenthADay() public {
    TreeBuilder.Tree memory t = treeOf(1_000, 0, 0, 0);
    allocate(t);
    claimLeaf(t, 0);
    has(0, 100);
    uint256 then_ = block.timestamp;
    limited(t, 0, then_ + 4_320);
    vm.warp(then_ + 4_319);
    limited(t, 0, then_ + 4_320);
    vm.warp(then_ + 4_320);
    claimLeaf(t, 0);
    has(0, 105);
    checkSolvent();
  }

  function test_everythingIsPaidInTenDays() public {
    TreeBuilder.Tree memory t = treeOf(1_000, 0, 0, 0);
    allocate(t);
    for (uint256 day = 0; day < 10; ++day) {
      claimLeaf(t, 0);
      has(0, 100 * (day + 1));
      vm.warp(block.timestamp + 1 days);
    }
    vm.expectRevert(
      abi.encodeWithSelector(IFlexPayouts.NothingToClaim.selector, 0, 1_000)
    );
    claimLeaf(t, 0);
    checkSolvent();
  }

  function test_aChunkPaysWhatThereIsRoomForAndDefersTheRest() public {
    TreeBuilder.Tree memory t = treeOf(400, 60, 500, 40);
    allocate(t);
    vm.warp(block.timestamp + 1);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.Paid(0, payee(0), 100, 1);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.PayoutDeferred(0, payee(0), 300);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.PayoutDeferred(1, payee(1), 60);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    has(0, 100);
    has(1, 0);
    for (uint256 day = 0; day < 10; ++day) {
      vm.warp(block.timestamp + 1 days);
      pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    }
    Check.eq(pool.totalClaimed(), 1_000, "all of it");
    has(1, 60);
    checkSolvent();
  }

  function test_whatIsOwedInFullGoesOutInFullWhileThereIsRoom() public {
    TreeBuilder.Tree memory t = treeOf(30, 60, 30, 880);
    allocate(t);
    claimLeaf(t, 0);
    claimLeaf(t, 1);
    (uint256 perDay, uint256 room) = pool.outflow();
    Check.eq(perDay, 100, "limit");
    Check.eq(room, 10, "room");
    claimLeaf(t, 2);
    has(2, 10);
  }

  function test_theLimitGrowsWithWhatIsAllocated() public {
    allocate(treeOf(1_000, 0, 0, 0));
    TreeBuilder.Tree memory t = treeOf(1_000, 1_000, 0, 0);
    allocate(t);
    claimLeaf(t, 1);
    has(1, 200);
  }

  function test_creditIsNotLimited() public {
    bytes32 id = open(1_000);
    vm.prank(payer);
    pool.cancel(id);
    pool.withdrawCredit(payer);
    Check.eq(euro.balanceOf(address(pool)), 0, "all back");
  }

  function test_aPoolOfAMillionthOfAEuroPaysIt() public {
    TreeBuilder.Tree memory t = treeOf(1, 0, 0, 0);
    allocate(t);
    claimLeaf(t, 0);
    has(0, 1);
  }

  function testFuzz_noMoreThanADaysLimitAndItsRefillGoesOut(
    uint32[8] memory waits
  ) public {
    TreeBuilder.Tree memory t = treeOf(700_000, 200_000, 99_999, 1);
    allocate(t);
    uint256 since = block.timestamp;
    for (uint256 i = 0; i < waits.length; ++i) {
      vm.warp(block.timestamp + (waits[i] % 2 days));
      pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
      uint256 most = 100_000 + (100_000 * (block.timestamp - since)) / 1 days;
      Check.yes(pool.totalClaimed() <= most, "within the limit");
    }
  }
}
