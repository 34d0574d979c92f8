// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {
  BlocklistEuro,
  FalseToken,
  FeeToken,
  GenerousToken,
  HookToken,
  PlainToken,
  SilentToken
} from "./support/OddTokens.sol";
import {HookedPool, OddPool} from "./support/OddPool.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

contract OddTokensTest is OddPool {
  using TreeBuilder for TreeBuilder.Tree;

  function openFrom(IFlexRequests.RequestTerms memory t) external {
    open(t);
  }

  // ---------------------------------------------------------------- into the pool

  function test_aFeeOnTransferIsRefused() public {
    switchTo(address(new FeeToken()));
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.InexactTransfer.selector, 99, 100));
    this.openFrom(t);
  }

  function test_aTokenThatGivesTooMuchIsRefused() public {
    switchTo(address(new GenerousToken()));
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.InexactTransfer.selector, 101, 100));
    this.openFrom(t);
  }

  function test_aFalseFromTheTokenOpensNothing() public {
    FalseToken token = new FalseToken();
    switchTo(address(token));
    token.refuse(true, address(0));
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(
      abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
    );
    this.openFrom(t);
  }

  function test_anAuthorisationThatMovesNothingOpensNothing() public {
    switchTo(address(new ShrugToken()));
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.InexactTransfer.selector, 0, 100));
    pool.openRequestWithAuthorization(t, 0, type(uint40).max, "");
  }

  function test_aBondThatDoesNotComeInWholeIsNone() public {
    FeeToken token = new FeeToken();
    token.charge(false);
    switchTo(address(token));
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 5);
    giveBond(token);
    token.charge(true);
    bytes memory err = abi.encodeWithSelector(
      IFlexRequests.InexactTransfer.selector,
      BOND - 1,
      BOND
    );
    vm.expectRevert(err);
    vm.prank(CHALLENGER);
    pool.challenge(id);
    Check.eq(pool.request(id).payout, 60, "not held");
    Check.eq(pool.totalBonds(), 0, "no bond");
  }

  function test_aTokenWithoutAuthorisationsCanStillBeAllowed() public {
    switchTo(address(new PlainToken()));
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert();
    pool.openRequestWithAuthorization(t, 0, type(uint40).max, "");
    checkState(open(t), IFlexRequests.State.Funded);
  }

  // ---------------------------------------------------------------- out of the pool

  function test_aTokenThatReturnsNothingWorks() public {
    SilentToken token = new SilentToken();
    switchTo(address(token));
    TreeBuilder.Tree memory t = treeOf(10, 20, 30, 40);
    allocate(t);
    claimLeaf(t, 0);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    pool.withdrawCredit(payer);
    for (uint256 i = 0; i < 4; ++i) Check.eq(token.balanceOf(payee(i)), 10 * (i + 1), "paid");
    Check.eq(token.balanceOf(address(pool)), 1, "the fee is left");
  }

  function test_aFalseForOneRowDefersThisRowOnly() public {
    FalseToken token = new FalseToken();
    switchTo(address(token));
    TreeBuilder.Tree memory t = treeOf(10, 20, 30, 40);
    allocate(t);
    token.refuse(false, payee(1));
    vm.expectEmit(address(pool));
    emit IFlexPayouts.PayoutDeferred(1, payee(1), 20);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    Check.eq(pool.totalClaimed(), 80, "the others are paid");
    Check.eq(pool.claimed(1), 0, "still claimable");
  }

  function test_aFalseForAClaimIsNoPayment() public {
    FalseToken token = new FalseToken();
    switchTo(address(token));
    TreeBuilder.Tree memory t = treeOf(10, 20, 30, 40);
    allocate(t);
    token.refuse(true, address(0));
    vm.expectRevert(
      abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
    );
    this.claimFrom(t, 0);
    vm.expectRevert(
      abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token))
    );
    pool.withdrawCredit(payer);
  }

  function test_aFrozenPayerWaitsForItsRefundAlone() public {
    finalRequest(60);
    BlocklistEuro(address(euro)).freeze(payer, true);
    vm.expectRevert(abi.encodeWithSelector(BlocklistEuro.Frozen.selector, payer));
    pool.withdrawCredit(payer);
    pool.withdrawCredit(FEE_RECEIVER);
    BlocklistEuro(address(euro)).freeze(payer, false);
    pool.withdrawCredit(payer);
    checkSolvent();
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }
}

/// @notice Takes any authorisation and moves nothing.
contract ShrugToken is PlainToken {
  function receiveWithAuthorization(
    address,
    address,
    uint256,
    uint256,
    uint256,
    bytes32,
    bytes calldata
  ) external {}
}

/// @notice Every function that moves money, called from inside every transfer of the pool.
contract ReentrancyTest is HookedPool {
  using TreeBuilder for TreeBuilder.Tree;

  function checkRepelled(uint256 attempts) private view {
    Check.eq(token.attempts(), attempts, "attempts");
    checkGuarded();
  }

  function test_noFunctionCanBeEnteredFromAClaim() public {
    bytes[] memory calls = attacks();
    for (uint256 i = 0; i < calls.length; ++i) {
      token.arm(address(pool), calls[i]);
      if (i < 4) claimLeaf(kept(), i);
      else open(1);
      checkRepelled(i + 1);
    }
    token.arm(address(0), "");
    Check.eq(token.balanceOf(payee(0)), 10, "paid once");
    Check.eq(pool.totalClaimed(), 100, "claimed");
  }

  function test_theFinalRefundCannotBeEntered() public {
    token.arm(address(pool), abi.encodeCall(pool.returnUnallocated, (waiting)));
    pool.withdrawCredit(payer);
    checkRepelled(1);
  }

  function test_aRecipientCannotEnterWhileItsRowIsPaid() public {
    TreeBuilder.Tree memory tree = kept();
    token.arm(address(pool), abi.encodeCall(pool.payChunk, (0, tree.rows(0, 4), tree.proof(0, 4))));
    pool.payChunk(0, tree.rows(0, 4), tree.proof(0, 4));
    checkRepelled(4);
    for (uint256 i = 0; i < 4; ++i) {
      Check.eq(token.balanceOf(payee(i)), 10 * (i + 1), "paid once");
    }
  }
}
