// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {
  ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {Sib} from "../../contracts/libraries/PayoutTree.sol";
import {Fixture} from "./support/Fixture.sol";
import {
  BlocklistEuro,
  FalseToken,
  FeeToken,
  GenerousToken,
  HookToken,
  PlainToken,
  SilentToken
} from "./support/OddTokens.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

contract OddTokensTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  /// @dev From here on the pool works with this token, and the payer has plenty of it.
  function switchTo(address token) private {
    pool = newPool(IERC20(token));
    PlainToken(token).mint(payer, 1_000_000);
    vm.prank(payer);
    PlainToken(token).approve(address(pool), type(uint256).max);
  }

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
contract ReentrancyTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  HookToken private token;
  bytes32 private waiting;

  function setUp() public override {
    super.setUp();
    token = new HookToken();
    pool = newPool(IERC20(address(token)));
    token.mint(payer, 1_000_000);
    vm.prank(payer);
    token.approve(address(pool), type(uint256).max);
    keep(treeOf(10, 20, 30, 40));
    allocate(kept());
    waiting = open(100);
  }

  /// @dev Calls that would go through from outside at this very moment, or nearly.
  function attacks() private view returns (bytes[] memory calls) {
    TreeBuilder.Tree memory tree = kept();
    Sib[] memory proof = tree.proof(0);
    IFlexRequests.Settlement memory s;
    IFlexPayouts.Epoch memory e;
    IFlexRequests.RequestTerms memory t;
    IFlexPayouts.Leaf memory l;
    calls = new bytes[](13);
    calls[0] = abi.encodeCall(pool.claim, (0, payee(0), 10, proof));
    calls[1] = abi.encodeCall(pool.payChunk, (0, tree.rows(0, 4), tree.proof(0, 4)));
    calls[2] = abi.encodeCall(pool.withdrawCredit, (payer));
    calls[3] = abi.encodeCall(pool.openRequest, (t));
    calls[4] = abi.encodeCall(pool.openRequestWithAuthorization, (t, 0, 0, ""));
    calls[5] = abi.encodeCall(pool.cancel, (waiting));
    calls[6] = abi.encodeCall(pool.cancelWithSignature, (waiting, ""));
    calls[7] = abi.encodeCall(pool.proposeSettlement, (s, new bytes[](0)));
    calls[8] = abi.encodeCall(pool.finalize, (waiting));
    calls[9] = abi.encodeCall(pool.refundExpired, (waiting));
    calls[10] = abi.encodeCall(pool.postEpoch, (e, new bytes32[](0), new bytes[](0)));
    calls[11] = abi.encodeCall(pool.activateEpoch, ());
    calls[12] = abi.encodeCall(pool.proveDecrease, (l, proof, l, proof));
  }

  function checkRepelled(uint256 attempts) private view {
    Check.eq(token.attempts(), attempts, "attempts");
    Check.eq(
      bytes32(token.answer()),
      bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
      "answer"
    );
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
