// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {PausableEuro, Refuser, TellingToken} from "./support/TroubledTokens.sol";
import {HookedPool, OddPool} from "./support/OddPool.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

contract PausedTokenTest is OddPool {
  using TreeBuilder for TreeBuilder.Tree;

  PausableEuro private token;

  function setUp() public override {
    super.setUp();
    token = new PausableEuro();
    switchTo(address(token));
  }

  function openFrom(IFlexRequests.RequestTerms memory t) external {
    open(t);
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }

  function expectPaused() private {
    vm.expectRevert(abi.encodeWithSelector(PausableEuro.Paused.selector));
  }

  function test_whileTheTokenIsPausedNothingIsOpened() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    token.pause(true);
    expectPaused();
    this.openFrom(t);
    checkState(pool.requestIdOf(t), IFlexRequests.State.None);
    token.pause(false);
    checkState(open(t), IFlexRequests.State.Funded);
  }

  function test_aPausedTokenStopsNoRequestAndNoEpoch() public {
    bytes32 refunded = open(100);
    bytes32 id = open(100);
    token.pause(true);
    settle(id, 90, 5);
    post(treeOf(20, 20, 20, 30), one(id));
    activate();
    vm.warp(uint256(pool.request(refunded).settleBy) + REFUND_GRACE + 1);
    pool.refundExpired(refunded);
    Check.eq(pool.totalAllocated(), 90, "allocated");
    Check.eq(pool.credit(payer), 105, "the payer's refunds wait");
  }

  function test_whatIsOwedWaitsForAPausedTokenAndIsPaidAfterwards() public {
    TreeBuilder.Tree memory t = treeOf(10, 20, 30, 40);
    allocate(t);
    token.pause(true);
    expectPaused();
    this.claimFrom(t, 0);
    expectPaused();
    pool.withdrawCredit(payer);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    Check.eq(pool.totalClaimed(), 0, "every row waits");
    Check.eq(pool.credit(payer), 1, "the credit waits");

    token.pause(false);
    pool.withdrawCredit(payer);
    pool.withdrawCredit(FEE_RECEIVER);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    for (uint256 i = 0; i < 4; ++i) Check.eq(token.balanceOf(payee(i)), 10 * (i + 1), "paid");
    Check.eq(token.balanceOf(address(pool)), 0, "nothing is left behind");
  }
}

contract RefusingRecipientTest is OddPool {
  using TreeBuilder for TreeBuilder.Tree;

  TellingToken private token;
  Refuser private refuser;

  function setUp() public override {
    super.setUp();
    token = new TellingToken();
    switchTo(address(token));
    refuser = new Refuser();
    token.tell(address(refuser));
  }

  function withRefuser() private view returns (TreeBuilder.Tree memory) {
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](4);
    for (uint256 i = 0; i < 4; ++i) leaves[i] = leaf(i, payee(i), 10);
    leaves[2] = leaf(2, address(refuser), 10);
    return TreeBuilder.build(leaves);
  }

  function test_aRecipientThatRevertsDefersItsOwnRowOnly() public {
    TreeBuilder.Tree memory t = withRefuser();
    allocate(t);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.PayoutDeferred(2, address(refuser), 10);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    Check.eq(pool.totalClaimed(), 30, "the others are paid");
    vm.expectRevert(abi.encodeWithSelector(Refuser.NoThanks.selector));
    this.claimFrom(t, 2);
    refuser.want(true);
    claimLeaf(t, 2);
    Check.eq(token.balanceOf(address(refuser)), 10, "paid once it wants to be");
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }

  function test_aPayerThatRevertsKeepsItsCreditAndNobodyElses() public {
    bytes32 id = open(100);
    settle(id, 0, 40);
    token.tell(payer);
    vm.etch(payer, address(refuser).code); // its storage is empty: it wants nothing
    vm.expectRevert(abi.encodeWithSelector(Refuser.NoThanks.selector));
    pool.withdrawCredit(payer);
    Check.eq(pool.credit(payer), 60, "kept");
    pool.withdrawCredit(FEE_RECEIVER);
    Check.eq(token.balanceOf(FEE_RECEIVER), 40, "the fees are paid");
  }
}

/// @notice Every function that sends money, and every function that changes anything from inside it.
contract ReentrancyMatrixTest is HookedPool {
  using TreeBuilder for TreeBuilder.Tree;

  /// @dev Each way money moves meets each attack; only the guard may have answered.
  function repelled(uint256 outer) private {
    bytes[] memory calls = attacks();
    TreeBuilder.Tree memory tree = kept();
    for (uint256 i = 0; i < calls.length; ++i) {
      uint256 snapshot = vm.snapshotState();
      token.arm(address(pool), calls[i]);
      if (outer == 0) claimLeaf(tree, 3);
      else if (outer == 1) pool.payChunk(0, tree.rows(0, 4), tree.proof(0, 4));
      else if (outer == 2) pool.withdrawCredit(payer);
      else if (outer == 3) open(1);
      else if (outer == 4) challengeWaiting();
      else if (outer == 5) openSigned();
      else pool.openRequestWithAuthorization(terms(1), 0, 0, "");
      Check.yes(token.attempts() > 0, "the attack was tried");
      checkGuarded();
      vm.revertToState(snapshot);
    }
  }

  function test_nothingEntersFromAClaim() public {
    repelled(0);
  }

  function test_nothingEntersFromAChunk() public {
    repelled(1);
  }

  function test_nothingEntersFromAWithdrawal() public {
    repelled(2);
  }

  function test_nothingEntersFromAnOpening() public {
    repelled(3);
  }

  function test_nothingEntersFromAChallenge() public {
    vm.warp(pool.request(waiting).deliverEnd);
    propose(waiting, 60, 5);
    giveBond(token);
    repelled(4);
  }

  function test_nothingEntersFromAPermit() public {
    repelled(5);
  }

  function openSigned() private {
    IFlexRequests.RequestTerms memory t = terms(1);
    bytes memory signature = sign(PAYER_KEY, pool.openDigest(pool.requestIdOf(t)));
    pool.openRequestWithSignature(t, signature, IFlexRequests.Permit(1, START, 0, 0, 0));
  }

  function challengeWaiting() private {
    vm.prank(CHALLENGER);
    pool.challenge(waiting);
  }

  function test_nothingEntersFromAnOpeningByAuthorisation() public {
    repelled(6);
  }

  function test_theTokenHasNoRoleThatItCouldUseFromInside() public {
    (bytes[] memory calls, bytes4[] memory refusals) = roleCalls();
    for (uint256 i = 0; i < calls.length; ++i) {
      token.arm(address(pool), calls[i]);
      open(1);
      Check.eq(bytes32(bytes4(token.answer())), bytes32(refusals[i]), "the role is asked for");
    }
  }
}
