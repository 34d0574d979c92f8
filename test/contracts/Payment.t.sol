// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {PayoutTree, Sib} from "../../contracts/libraries/PayoutTree.sol";
import {Fixture} from "./support/Fixture.sol";
import {BlocklistEuro} from "./support/OddTokens.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

contract ClaimTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  function setUp() public override {
    super.setUp();
    keep(treeOf(100, 20, 0, 0));
    allocate(kept());
  }

  function claimAs(uint256 idx, address account, uint64 cum, Sib[] memory proof) external {
    pool.claim(idx, account, cum, proof);
  }

  function test_aClaimComesOnce() public {
    claimLeaf(kept(), 0);
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.NothingToClaim.selector, 0, 100));
    this.claimAs(0, payee(0), 100, kept().proof(0));
  }

  function test_anotherAmountAccountOrIndexIsNotPaid() public {
    vm.expectPartialRevert(PayoutTree.TotalMismatch.selector);
    this.claimAs(0, payee(0), 101, kept().proof(0));
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    this.claimAs(0, NOBODY, 100, kept().proof(0));
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.PositionOutOfTree.selector, 1));
    this.claimAs(4, payee(0), 100, kept().proof(0));
  }

  function test_aPendingRootPaysNothing() public {
    TreeBuilder.Tree memory fresh = treeOf(100, 50, 0, 0);
    post(fresh, one(finalRequest(30)));
    vm.expectPartialRevert(PayoutTree.TotalMismatch.selector);
    this.claimAs(1, payee(1), 50, fresh.proof(1));
  }

  function test_anOldRootPaysNothingOnceANewOneIsLive() public {
    allocate(treeOf(100, 50, 0, 0));
    vm.expectPartialRevert(PayoutTree.TotalMismatch.selector);
    this.claimAs(1, payee(1), 20, kept().proof(1));
  }

  function test_beforeTheFirstEpochNothingIsPaid() public {
    pool = newPool(pool.token());
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    this.claimAs(0, payee(0), 0, new Sib[](0));
  }

  function test_aFrozenPayeeWaitsAndIsPaidLater() public {
    BlocklistEuro(address(euro)).freeze(payee(0), true);
    vm.expectRevert(abi.encodeWithSelector(BlocklistEuro.Frozen.selector, payee(0)));
    this.claimAs(0, payee(0), 100, kept().proof(0));
    claimLeaf(kept(), 1);
    BlocklistEuro(address(euro)).freeze(payee(0), false);
    claimLeaf(kept(), 0);
    Check.eq(euro.balanceOf(payee(0)), 100, "paid");
  }

  function test_anyoneClaimsForAPayee() public {
    vm.expectEmit(address(pool));
    emit IFlexPayouts.Paid(0, payee(0), 100, 1);
    vm.prank(NOBODY);
    pool.claim(0, payee(0), 100, kept().proof(0));
    Check.eq(euro.balanceOf(payee(0)), 100, "paid");
    Check.eq(euro.balanceOf(NOBODY), 0, "the caller gets nothing");
    Check.eq(pool.claimed(0), 100, "claimed");
    Check.eq(pool.totalClaimed(), 100, "total");
    checkSolvent();
  }

  function test_oneClaimCoversManyEpochs() public {
    claimLeaf(kept(), 1);
    allocate(treeOf(100, 50, 0, 0));
    TreeBuilder.Tree memory last = treeOf(100, 70, 5, 0);
    allocate(last);
    claimLeaf(last, 1);
    Check.eq(euro.balanceOf(payee(1)), 70, "paid");
    Check.eq(pool.claimed(1), 70, "claimed");
  }

  function test_theOldRootPaysUntilTheNewOneIsLive() public {
    post(treeOf(100, 50, 0, 0), one(finalRequest(30)));
    claimLeaf(kept(), 1);
    Check.eq(euro.balanceOf(payee(1)), 20, "paid");
  }

  function test_anIndexKeepsItsPlaceWhenTheTreeDoubles() public {
    claimLeaf(kept(), 0);
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](8);
    for (uint256 i = 0; i < 8; ++i) leaves[i] = leaf(i, payee(i), uint64(100 + i));
    TreeBuilder.Tree memory fresh = TreeBuilder.build(leaves);
    allocate(fresh);
    for (uint256 i = 0; i < 8; ++i) {
      if (i > 0) claimLeaf(fresh, i);
      Check.eq(euro.balanceOf(payee(i)), 100 + i, "paid");
    }
    checkSolvent();
  }
}

contract PayChunkTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  function bigTree(uint256 size, uint64 each) private pure returns (TreeBuilder.Tree memory) {
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](size);
    for (uint256 i = 0; i < size; ++i) leaves[i] = leaf(i, payee(i), each);
    return TreeBuilder.build(leaves);
  }

  function pay(TreeBuilder.Tree memory t, uint256 first, uint256 size) private {
    pool.payChunk(first, t.rows(first, size), t.proof(first, size));
  }

  function payRows(uint256 first, bytes memory rows, Sib[] memory proof) external {
    pool.payChunk(first, rows, proof);
  }

  // ---------------------------------------------------------------- refusals

  function test_aChunkOfTwoRowsIsRefused() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.MalformedChunk.selector, 0, 56));
    this.payRows(0, t.rows(0, 2), t.proof(0, 2));
  }

  function test_anUnalignedChunkIsRefused() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.MalformedChunk.selector, 2, 112));
    this.payRows(2, t.rows(2, 4), t.proof(0, 4));
  }

  function test_trailingBytesAreRefused() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    bytes memory rows = abi.encodePacked(t.rows(0, 4), hex"00");
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.MalformedChunk.selector, 0, 113));
    this.payRows(0, rows, t.proof(0, 4));
  }

  function test_rowsOfAnotherTreeAreNotPaid() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    bytes memory rows = t.rows(0, 4);
    rows[27] = bytes1(uint8(rows[27]) + 1); // one more for the first
    rows[55] = bytes1(uint8(rows[55]) - 1); // one less for the second: the sum stays
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    this.payRows(0, rows, t.proof(0, 4));
  }

  function test_rowsAtAnotherPlaceAreNotPaid() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    this.payRows(4, t.rows(0, 4), t.proof(0, 4));
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.PositionOutOfTree.selector, 1));
    this.payRows(8, t.rows(0, 4), t.proof(0, 4));
  }

  // ---------------------------------------------------------------- payment

  function test_theSameChunkTwicePaysOnce() public {
    TreeBuilder.Tree memory t = bigTree(4, 10);
    allocate(t);
    allocate(bigTree(4, 10)); // a second epoch changes nothing for them
    pay(t, 0, 4);
    vm.recordLogs();
    pay(t, 0, 4);
    Check.eq(vm.getRecordedLogs().length, 0, "nothing is said twice");
    for (uint256 i = 0; i < 4; ++i) Check.eq(euro.balanceOf(payee(i)), 10, "paid once");
    Check.eq(pool.totalClaimed(), 40, "claimed");
    checkSolvent();
  }

  function test_aChunkAndAClaimShareTheBooks() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    claimLeaf(t, 5);
    pay(t, 4, 4);
    pay(t, 0, 8);
    for (uint256 i = 0; i < 8; ++i) {
      Check.eq(euro.balanceOf(payee(i)), 10, "paid once");
      Check.eq(pool.claimed(i), 10, "claimed");
    }
    checkSolvent();
  }

  function test_aFrozenPayeeDisturbsNobodyElse() public {
    TreeBuilder.Tree memory t = bigTree(8, 10);
    allocate(t);
    BlocklistEuro(address(euro)).freeze(payee(2), true);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.PayoutDeferred(2, payee(2), 10);
    pay(t, 0, 8);
    for (uint256 i = 0; i < 8; ++i) {
      Check.eq(pool.claimed(i), i == 2 ? 0 : 10, "claimed");
    }
    Check.eq(pool.totalClaimed(), 70, "total");
    BlocklistEuro(address(euro)).freeze(payee(2), false);
    pay(t, 0, 4);
    Check.eq(euro.balanceOf(payee(2)), 10, "paid later");
    checkSolvent();
  }

  function test_paddingIsSkipped() public {
    TreeBuilder.Tree memory t = treeOf(10, 0, 0, 20);
    allocate(t);
    pay(t, 0, 4);
    Check.eq(euro.balanceOf(payee(0)), 10, "first");
    Check.eq(euro.balanceOf(payee(3)), 20, "last");
    Check.eq(pool.totalClaimed(), 30, "total");
  }

  /// @dev Verifiers must not sign such a tree; if they do, it must not disturb the others.
  function test_moneyOfTheZeroAccountStaysInThePool() public {
    TreeBuilder.Tree memory t = treeOf(10, 20, 0, 0);
    t.leaves[1].account = address(0);
    t = TreeBuilder.build(t.leaves);
    allocate(t);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.PayoutDeferred(1, address(0), 20);
    pay(t, 0, 4);
    Check.eq(pool.totalClaimed(), 10, "total");
    vm.expectRevert(
      abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0))
    );
    this.claimFrom(t, 1);
    checkSolvent();
  }

  function test_aChunkOf256PaysEverybody() public {
    TreeBuilder.Tree memory t = bigTree(512, 7);
    allocate(t);
    vm.prank(NOBODY);
    pool.payChunk(256, t.rows(256, 256), t.proof(256, 256));
    for (uint256 i = 0; i < 512; ++i) {
      Check.eq(euro.balanceOf(payee(i)), i < 256 ? 0 : 7, "paid");
      Check.eq(pool.claimed(i), i < 256 ? 0 : 7, "claimed");
    }
    checkSolvent();
  }

  function testFuzz_twoEpochsPayTheCumulativeAmountsInAnyOrder(
    uint32[8] memory early,
    uint32[8] memory late,
    uint8 claimedBetween
  ) public {
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](8);
    for (uint256 i = 0; i < 8; ++i) leaves[i] = leaf(i, payee(i), early[i]);
    allocate(TreeBuilder.build(leaves));
    TreeBuilder.Tree memory first = TreeBuilder.build(leaves);
    for (uint256 i = 0; i < 8; ++i) {
      if ((claimedBetween >> i) % 2 == 1 && early[i] > 0) claimLeaf(first, i);
    }
    leaves = new IFlexPayouts.Leaf[](8);
    for (uint256 i = 0; i < 8; ++i) leaves[i] = leaf(i, payee(i), uint64(early[i]) + late[i]);
    TreeBuilder.Tree memory second = TreeBuilder.build(leaves);
    allocate(second);
    pay(second, 0, 4);
    pay(second, 4, 4);
    pay(second, 0, 8);
    for (uint256 i = 0; i < 8; ++i) {
      Check.eq(euro.balanceOf(payee(i)), uint256(early[i]) + late[i], "paid");
    }
    Check.eq(pool.totalClaimed(), pool.totalAllocated(), "everything paid");
    checkSolvent();
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }
}
