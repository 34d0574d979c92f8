// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {PoolConfig} from "../../contracts/interfaces/IPoolConfiguration.sol";
import {IPoolGuard} from "../../contracts/interfaces/IPoolGuard.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

abstract contract PauseFixture is Fixture {
  address internal constant GUARDIAN = address(0x6A4D);
  uint48 internal constant WEEK = 7 days;

  function setUp() public virtual override {
    super.setUp();
    grant(GUARDIAN_ROLE, GUARDIAN);
  }

  function pauseUntil(uint256 until) internal {
    vm.prank(GUARDIAN);
    pool.pause(uint48(until));
  }

  /// @dev For as long as it can be.
  function pauseNow() internal {
    pauseUntil(block.timestamp + WEEK);
  }

  function expectPaused() internal {
    (uint48 until, , ) = pool.pauseState();
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.PoolPaused.selector, until));
  }

  function expectTooLong(uint256 until, uint256 limit) internal {
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.PauseTooLong.selector, until, limit));
  }

  function rearm() internal {
    vm.prank(OWNER);
    pool.rearmPause();
  }
}

/// @notice Who pauses, and for how long.
contract PauseRoleTest is PauseFixture {
  function refused(address account) private {
    vm.expectRevert(
      abi.encodeWithSelector(IPoolGuard.NotInRole.selector, GUARDIAN_ROLE, account)
    );
    vm.prank(account);
    pool.pause(uint48(block.timestamp + 1));
  }

  function test_onlyAGuardianPauses() public {
    refused(NOBODY);
    refused(payer);
    refused(OWNER);
    vm.prank(OWNER);
    manager.grantRole(GUARDIAN_ROLE, NOBODY, 1);
    refused(NOBODY);
    vm.prank(OWNER);
    manager.revokeRole(GUARDIAN_ROLE, GUARDIAN);
    refused(GUARDIAN);
  }

  function test_onlyTheAdminAllowsANewPause() public {
    pauseNow();
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.NotAuthorised.selector, GUARDIAN));
    vm.prank(GUARDIAN);
    pool.rearmPause();
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.NotAuthorised.selector, NOBODY));
    vm.prank(NOBODY);
    pool.rearmPause();
  }

  function test_aPauseLastsSevenDaysAtMost() public {
    expectTooLong(START + WEEK + 1, START + WEEK);
    pauseUntil(START + WEEK + 1);
    vm.expectEmit(address(pool));
    emit IPoolGuard.Paused(GUARDIAN, START + WEEK, START + WEEK);
    pauseUntil(START + WEEK);
    (uint48 until, uint48 limit, bool used) = pool.pauseState();
    Check.eq(until, START + WEEK, "until");
    Check.eq(limit, START + WEEK, "limit");
    Check.yes(used, "used");
  }

  function test_aPauseLastsHalfOfAShorterGraceAtMost() public {
    PoolConfig memory c = poolConfig(euro);
    c.refundGrace = 4 days;
    pool = createPool(c, "short");
    expectTooLong(START + 2 days + 1, START + 2 days);
    pauseUntil(START + 2 days + 1);
    pauseUntil(START + 2 days);
    c.refundGrace = 0;
    pool = createPool(c, "none");
    expectTooLong(START + 1, START);
    pauseUntil(START + 1);
  }

  function test_endingAndBeginningAgainGivesNoMoreTime() public {
    pauseUntil(START + 1 days);
    vm.warp(START + 2 days);
    pauseUntil(START + 3 days);
    pauseUntil(0);
    open(100);
    expectTooLong(START + WEEK + 1, START + WEEK);
    pauseUntil(START + WEEK + 1);
    pauseUntil(START + WEEK);
    vm.warp(START + WEEK);
    expectTooLong(START + WEEK + 1, START + WEEK);
    pauseUntil(START + WEEK + 1);
    open(100);
  }

  function test_theAdminAllowsAnotherWeek() public {
    pauseNow();
    vm.warp(START + 30 days);
    rearm();
    pauseNow();
    (uint48 until, uint48 limit, ) = pool.pauseState();
    Check.eq(until, START + 37 days, "until");
    Check.eq(limit, START + 37 days, "limit");
  }
}

/// @notice What a pause stops, and all that it does not.
contract PauseMatrixTest is PauseFixture {
  using TreeBuilder for TreeBuilder.Tree;

  function test_openingWaits() public {
    pauseNow();
    IFlexRequests.RequestTerms memory t = terms(100);
    expectPaused();
    vm.prank(payer);
    pool.openRequest(t);
    expectPaused();
    pool.openRequestWithAuthorization(t, 0, type(uint40).max, "");
    vm.warp(START + WEEK);
    open(100);
  }

  function test_aFirstProposalWaits() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    pauseUntil(block.timestamp + 1 days);
    IFlexRequests.Settlement memory s = settlement(id, 60, 4);
    bytes[] memory signed = signatures(pool.settlementDigest(s));
    expectPaused();
    pool.proposeSettlement(s, signed);
    vm.warp(block.timestamp + 1 days);
    pool.proposeSettlement(s, signed);
  }

  function test_aFirstProposalForARestWaits() public {
    bytes32 rest = settleHolding(open(100), 40, 4, 50);
    pauseNow();
    IFlexRequests.Settlement memory s = nextRound(rest, 50, 0, 0);
    bytes[] memory signed = signatures(pool.settlementDigest(s), QUORUM + 1);
    expectPaused();
    pool.proposeSettlement(s, signed);
    vm.warp(block.timestamp + WEEK);
    pool.proposeSettlement(s, signed);
  }

  function test_anEpochWaits() public {
    bytes32[] memory ids = one(finalRequest(60));
    pauseNow();
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    bytes[] memory signed = signatures(pool.epochDigest(e));
    expectPaused();
    pool.postEpoch(e, ids, signed);
    vm.warp(block.timestamp + WEEK);
    pool.postEpoch(e, ids, signed);
  }

  function test_I11_aPayerGetsItsMoneyBackDuringAPause() public {
    bytes32 first = open(100);
    bytes32 second = open(100);
    bytes32 third = open(100);
    pauseNow();
    vm.prank(payer);
    pool.cancel(first);
    pool.cancelWithSignature(second, sign(PAYER_KEY, pool.cancelDigest(second)));
    pool.withdrawCredit(payer);
    rearm();
    vm.warp(pool.request(third).settleBy + REFUND_GRACE + 1);
    pauseNow();
    pool.refundExpired(third);
    pool.withdrawCredit(payer);
    Check.eq(euro.balanceOf(address(pool)), 0, "all back");
  }

  function test_I11_aProposalIsFinalisedDuringAPause() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 4);
    pauseNow();
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
    Check.eq(pool.credit(payer), 36, "refund");
    Check.eq(pool.allocatable(), 60, "payout");
  }

  function test_aDoubtIsHeardDuringAPause() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 4);
    pauseNow();
    proposeNext(id, 0, 0, 64, QUORUM);
    Check.eq(pool.request(id).held, 64, "held");
  }

  function test_aRootIsProvedWrongDuringAPause() public {
    allocate(treeOf(60, 40, 0, 0));
    post(treeOf(60, 30, 10, 0), new bytes32[](0));
    pauseNow();
    TreeBuilder.Tree memory before = treeOf(60, 40, 0, 0);
    TreeBuilder.Tree memory then_ = treeOf(60, 30, 10, 0);
    pool.proveDecrease(before.leaves[1], before.proof(1), then_.leaves[1], then_.proof(1));
    Check.eq(pool.pendingEpoch().epoch, 0, "gone");
  }

  function test_I11_payeesGetTheirMoneyDuringAPause() public {
    TreeBuilder.Tree memory t = treeOf(60, 40, 0, 0);
    post(t, one(finalRequest(100)));
    pauseNow();
    activate();
    claimLeaf(t, 0);
    pool.payChunk(0, t.rows(0, 4), t.proof(0, 4));
    Check.eq(euro.balanceOf(payee(0)), 60, "claimed");
    Check.eq(euro.balanceOf(payee(1)), 40, "paid");
    pool.withdrawCredit(FEE_RECEIVER);
  }

  function test_aPayoutThatNobodyCountsGoesBackDuringAPause() public {
    bytes32 id = finalRequest(60);
    vm.warp(uint256(pool.request(id).windowEnd) + 365 days);
    pauseNow();
    pool.returnUnallocated(id);
  }
}

/// @notice A pause costs nobody a settlement, and moves nobody's refund.
contract PauseDeadlineTest is PauseFixture {
  function tooLate(bytes32 id, uint256 until) private {
    IFlexRequests.Settlement memory s = settlement(id, 60, 4);
    bytes[] memory signed = signatures(pool.settlementDigest(s));
    vm.expectRevert(
      abi.encodeWithSelector(IFlexRequests.TooLate.selector, block.timestamp, until)
    );
    pool.proposeSettlement(s, signed);
  }

  function test_whatFellDueInAPauseIsSettledUntilItsRefundBegins() public {
    bytes32 id = open(100);
    uint256 settleBy = pool.request(id).settleBy;
    vm.warp(settleBy - 1);
    pauseNow();
    vm.warp(settleBy + REFUND_GRACE);
    propose(id, 60, 4);
  }

  function test_whatFellDueRightAfterAPauseIsToo() public {
    bytes32 id = open(100);
    uint256 settleBy = pool.request(id).settleBy;
    pauseNow();
    vm.warp(settleBy + REFUND_GRACE);
    propose(id, 60, 4);
  }

  function test_thenItIsRefundedAtTheSecondItAlwaysWas() public {
    bytes32 id = open(100);
    uint256 from = pool.request(id).settleBy + REFUND_GRACE + 1;
    vm.warp(from - 1 - REFUND_GRACE);
    pauseNow();
    vm.warp(from - 1);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooEarly.selector, from - 1, from));
    pool.refundExpired(id);
    vm.warp(from);
    tooLate(id, from - 1);
    pool.refundExpired(id);
  }

  function test_whatFallsDueLaterKeepsItsDeadline() public {
    bytes32 id = open(100);
    uint256 settleBy = pool.request(id).settleBy;
    pauseUntil(START + 1);
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.warp(START + 1);
    t.settleBy = START + WEEK + 1 days + 1;
    bytes32 later = open(t);
    vm.warp(uint256(t.settleBy) + 1);
    tooLate(later, t.settleBy);
    propose(id, 60, 4);
    Check.yes(settleBy < t.settleBy, "the first one fell due before");
  }
}
