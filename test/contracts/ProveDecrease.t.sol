// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowAccounting} from "../../contracts/interfaces/IEscrowAccounting.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {PayoutTree} from "../../contracts/libraries/PayoutTree.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

contract ProveDecreaseTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  function setUp() public override {
    super.setUp();
    keep(treeOf(100, 20, 0, 0));
    allocate(kept());
  }

  function prove(TreeBuilder.Tree memory fresh, uint256 idx) private {
    prove(idx, fresh, idx);
  }

  function prove(uint256 oldIdx, TreeBuilder.Tree memory fresh, uint256 newIdx) private {
    TreeBuilder.Tree memory old = kept();
    pool.proveDecrease(
      old.leaves[oldIdx],
      old.proof(oldIdx),
      fresh.leaves[newIdx],
      fresh.proof(newIdx)
    );
  }

  function postDecrease() private returns (TreeBuilder.Tree memory fresh, bytes32 id) {
    id = finalRequest(30);
    fresh = treeOf(0, 150, 0, 0);
    post(fresh, one(id));
  }

  // ---------------------------------------------------------------- refusals

  function test_withoutAPendingRootThereIsNothingToDisprove() public {
    vm.expectRevert(IFlexPayouts.NoEpochPending.selector);
    this.proveFrom(kept(), 0, 0);
  }

  function test_anHonestRootCannotBeRejected() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 50, 0, 0);
    post(fresh, one(finalRequest(30)));
    for (uint256 i = 0; i < 4; ++i) {
      vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.NoDecrease.selector, i));
      this.proveFrom(fresh, i, i);
    }
  }

  function test_aSmallerLeafOfAnotherIndexIsNoDecrease() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 50, 0, 0);
    post(fresh, one(finalRequest(30)));
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.NoDecrease.selector, 0));
    this.proveFrom(fresh, 0, 1);
  }

  function test_aPositionNobodyHeldCanBeGivenToSomebody() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 20, 30, 0);
    post(fresh, one(finalRequest(30)));
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.NoDecrease.selector, 2));
    this.proveFrom(fresh, 2, 2);
  }

  function test_anInventedOldLeafRejectsNothing() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 50, 0, 0);
    post(fresh, one(finalRequest(30)));
    TreeBuilder.Tree memory invented = kept();
    invented.leaves[0].cum = 101;
    keep(invented);
    vm.expectPartialRevert(PayoutTree.TotalMismatch.selector);
    this.proveFrom(fresh, 0, 0);
  }

  function test_anInventedNewLeafRejectsNothing() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 50, 0, 0);
    post(fresh, one(finalRequest(30)));
    fresh.leaves[0].account = NOBODY;
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    this.proveFrom(fresh, 0, 0);
  }

  function test_aRejectedEpochCannotBePostedAgain() public {
    bytes32[] memory ids = one(finalRequest(30));
    TreeBuilder.Tree memory fresh = treeOf(0, 150, 0, 0);
    IFlexPayouts.Epoch memory e = epochFor(fresh, ids);
    bytes32 digest = pool.epochDigest(e);
    bytes[] memory sigs = signatures(digest);
    pool.postEpoch(e, ids, sigs);
    prove(fresh, 0);
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.EpochWasRejected.selector, digest));
    pool.postEpoch(e, ids, sigs);
  }

  // ---------------------------------------------------------------- what is rejected

  function test_aSmallerAmountIsRejectedAndItsRequestsCanBePostedAgain() public {
    (TreeBuilder.Tree memory fresh, bytes32 id) = postDecrease();
    vm.expectEmit(address(pool));
    emit IFlexPayouts.EpochRejected(2, PayoutTree.rootHash(fresh.topHash(), 150), 0);
    vm.prank(NOBODY);
    this.proveFrom(fresh, 0, 0);
    Check.eq(pool.pendingEpoch().epoch, 0, "nothing pending");
    Check.yes(!pool.request(id).accounted, "not accounted any more");
    Check.eq(pool.totalAllocated(), 120, "allocated as before");
    post(treeOf(100, 50, 0, 0), one(id));
    activate();
    Check.eq(pool.totalAllocated(), 150, "allocated");
    checkSolvent();
  }

  function test_anotherAccountAtTheSameIndexIsRejected() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 50, 0, 0);
    fresh.leaves[0].account = NOBODY;
    fresh = TreeBuilder.build(fresh.leaves);
    post(fresh, one(finalRequest(30)));
    prove(fresh, 0);
    Check.eq(pool.pendingEpoch().epoch, 0, "rejected");
    Check.eq(pool.pendingEpoch().root, bytes32(0), "nor is its root told");
  }

  function test_aTreeTooShallowForAnIndexIsRejected() public {
    keep(treeOf(100, 20, 10, 0));
    allocate(kept());
    // Two leaves only: index 2 is gone without a smaller leaf to show.
    IFlexPayouts.Leaf[] memory two = new IFlexPayouts.Leaf[](2);
    two[0] = leaf(0, payee(0), 100);
    two[1] = leaf(1, payee(1), 60);
    TreeBuilder.Tree memory fresh = TreeBuilder.build(two);
    post(fresh, one(finalRequest(30)));
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.NoDecrease.selector, 1));
    this.proveFrom(fresh, 1, 0);
    prove(2, fresh, 0);
    Check.eq(pool.pendingEpoch().epoch, 0, "rejected");
  }

  function test_aLateProofStillCountsUntilSomebodyActivates() public {
    (TreeBuilder.Tree memory fresh, ) = postDecrease();
    vm.warp(uint256(pool.pendingEpoch().activeFrom) + 1 days);
    prove(fresh, 0);
    Check.eq(pool.pendingEpoch().epoch, 0, "rejected");
  }

  function test_aDecreasedLeafOfAClaimantIsRejectedToo() public {
    claimLeaf(kept(), 0);
    (TreeBuilder.Tree memory fresh, ) = postDecrease();
    prove(fresh, 0);
    Check.eq(pool.pendingEpoch().epoch, 0, "rejected");
  }

  /// @dev The watchers slept. Without the cap the pool would pay 250 out of 150, the rest out of
  /// other escrows.
  function test_aDecreasedLeafThatNobodyDisprovedCannotDrawMoreThanWasAllocated() public {
    open(1_000);
    claimLeaf(kept(), 0);
    (TreeBuilder.Tree memory fresh, ) = postDecrease();
    activate();
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.ExceedsAllocation.selector, 250, 150));
    this.claimFrom(fresh, 1);
    bytes memory rows = fresh.rows(0, 4);
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.ExceedsAllocation.selector, 250, 150));
    pool.payChunk(0, rows, fresh.proof(0, 4));
    Check.eq(euro.balanceOf(payee(1)), 0, "nothing paid");
    Check.eq(pool.totalClaimed(), 100, "claimed");
    checkSolvent();
  }

  /// @dev Why the proof is needed beside the cap: unclaimed money can be moved inside it.
  function test_withoutAProofAnUnclaimedLeafIsLostInsideTheCap() public {
    (TreeBuilder.Tree memory fresh, ) = postDecrease();
    activate();
    claimLeaf(fresh, 1);
    Check.eq(euro.balanceOf(payee(1)), 150, "the thief has it all");
    checkSolvent();
  }

  function proveFrom(TreeBuilder.Tree memory fresh, uint256 oldIdx, uint256 newIdx) external {
    prove(oldIdx, fresh, newIdx);
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }
}
