// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IPayoutRecipients} from "../../contracts/interfaces/IPayoutRecipients.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice An index goes to another address only as its account wanted, and loses nothing by it.
contract MovedLeafTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  address private constant NEW = address(0xC0DE);

  IPayoutRecipients private recipients;

  function setUp() public override {
    super.setUp();
    recipients = pool.recipients();
    keep(treeOf(100, 20, 0, 0));
    allocate(kept());
  }

  function announce(address account, address to) private {
    vm.prank(account);
    recipients.setRecipient(to);
  }

  /// @dev Index 0 has earned 30 more and bears another address.
  function moved(address to, uint64 cum) private pure returns (TreeBuilder.Tree memory) {
    IFlexPayouts.Leaf[] memory leaves = treeOf(0, 20, 0, 0).leaves;
    leaves[0] = leaf(0, to, cum);
    return TreeBuilder.build(leaves);
  }

  function postMoved(address to, uint64 cum) private returns (TreeBuilder.Tree memory fresh) {
    fresh = moved(to, cum);
    uint128 added = fresh.total() - pool.totalAllocated();
    post(fresh, added > 0 ? one(finalRequest(added)) : new bytes32[](0));
  }

  function prove(TreeBuilder.Tree memory fresh) private {
    TreeBuilder.Tree memory old = kept();
    pool.proveDecrease(old.leaves[0], old.proof(0), fresh.leaves[0], fresh.proof(0));
  }

  function proveMoved(TreeBuilder.Tree memory fresh) external {
    prove(fresh);
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }

  function expectRejected(TreeBuilder.Tree memory fresh) private {
    prove(fresh);
    Check.eq(pool.pendingEpoch().epoch, 0, "rejected");
  }

  function expectAllowed(TreeBuilder.Tree memory fresh) private {
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.NoDecrease.selector, 0));
    this.proveMoved(fresh);
  }

  // ---------------------------------------------------------------- still a decrease

  function test_anAddressThatTheAccountNeverNamedIsADecrease() public {
    expectRejected(postMoved(NEW, 130));
  }

  function test_beforeTheDelayIsOverItIsADecrease() public {
    TreeBuilder.Tree memory fresh = postMoved(NEW, 130);
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours - 1);
    expectRejected(fresh);
  }

  function test_anotherAddressThanTheNamedOneIsADecrease() public {
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours);
    expectRejected(postMoved(NOBODY, 130));
  }

  function test_whatTheAccountTookBackIsADecrease() public {
    announce(payee(0), NEW);
    vm.prank(payee(0));
    recipients.cancelRecipient();
    vm.warp(block.timestamp + 48 hours);
    expectRejected(postMoved(NEW, 130));
  }

  function test_theWordOfAnotherAccountMovesNothing() public {
    announce(payee(1), NEW);
    announce(NEW, payee(0));
    vm.warp(block.timestamp + 48 hours);
    expectRejected(postMoved(NEW, 130));
  }

  function test_aSmallerAmountIsADecreaseAtTheNamedAddressToo() public {
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours);
    TreeBuilder.Tree memory fresh = treeOf(0, 60, 0, 0);
    fresh.leaves[0] = leaf(0, NEW, 60);
    fresh = TreeBuilder.build(fresh.leaves);
    post(fresh, new bytes32[](0));
    expectRejected(fresh);
  }

  // ---------------------------------------------------------------- as the account wanted

  function test_afterTheDelayTheNewLeafStandsAndIsPaidWhatTheIndexEarned() public {
    claimLeaf(kept(), 0);
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours);
    TreeBuilder.Tree memory fresh = postMoved(NEW, 130);
    expectAllowed(fresh);
    activate();
    vm.prank(NOBODY);
    this.claimFrom(fresh, 0);
    Check.eq(euro.balanceOf(payee(0)), 100, "before, at the old address");
    Check.eq(euro.balanceOf(NEW), 30, "and since, at the new one");
    checkSolvent();
  }

  function test_untilTheNextEpochTheOldAddressIsPaid() public {
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours);
    TreeBuilder.Tree memory fresh = postMoved(NEW, 130);
    claimLeaf(kept(), 0);
    Check.eq(euro.balanceOf(payee(0)), 100, "the live tree counts");
    activate();
    claimLeaf(fresh, 0);
    Check.eq(euro.balanceOf(NEW), 30, "only the rest");
  }

  function test_anEpochMayMoveALeafAndAddNothing() public {
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours);
    TreeBuilder.Tree memory fresh = postMoved(NEW, 100);
    expectAllowed(fresh);
    activate();
    claimLeaf(fresh, 0);
    Check.eq(euro.balanceOf(NEW), 100, "all of it");
  }

  function test_aLaterWordDoesNotMakeAnHonestTreeWrong() public {
    announce(payee(0), NEW);
    vm.warp(block.timestamp + 48 hours);
    TreeBuilder.Tree memory fresh = postMoved(NEW, 130);
    announce(payee(0), NOBODY);
    expectAllowed(fresh);
  }
}
