// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice What a settlement holds, and a proposal that a later round replaces inside the window.
contract HoldingTest is Fixture {
  bytes32 private id;

  function setUp() public override {
    super.setUp();
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
  }

  function refusedNext(uint128 payout, uint128 fee, uint128 held, bytes memory err) private {
    IFlexRequests.Settlement memory s = nextRound(id, payout, fee, held);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), 3);
    vm.expectRevert(err);
    pool.proposeSettlement(s, sigs);
  }

  // ---------------------------------------------------------------- the split

  function test_whatIsHeldStaysInEscrowUnderAnIdOfItsOwn() public {
    proposeNext(id, 50, 2, 30, QUORUM);
    vm.warp(pool.request(id).windowEnd);
    bytes32 restId = keccak256(abi.encode(id, uint256(2)));
    uint48 settleBy = uint48(block.timestamp) + HELD_WINDOW;
    vm.expectEmit(address(pool));
    emit IFlexRequests.RequestFinalized(id, 50, 2, 30, 18);
    vm.expectEmit(address(pool));
    emit IFlexRequests.RestHeld(id, restId, 2, 30, settleBy);
    vm.prank(NOBODY);
    pool.finalize(id);
    checkState(id, IFlexRequests.State.PartlyFinal);
    Check.eq(pool.roundIdOf(id, 2), restId, "id of the rest");
    Check.eq(pool.locked(), 30, "locked");
    Check.eq(pool.allocatable(), 50, "allocatable");
    Check.eq(pool.credit(payer), 18, "refund");
    Check.eq(pool.credit(FEE_RECEIVER), 2, "fee");
    IFlexRequests.Request memory rest = pool.request(restId);
    Check.eq(uint256(rest.state), uint256(IFlexRequests.State.Funded), "state of the rest");
    Check.eq(rest.payer, payer, "payer of the rest");
    Check.eq(rest.amount, 30, "amount of the rest");
    Check.eq(rest.settleBy, settleBy, "deadline of the rest");
    Check.eq(rest.verifierSetId, 1, "set of the rest");
    Check.eq(rest.round, 1, "the rest's next round is the second");
    Check.eq(rest.deliverStart, rest.deliverEnd, "a rest delivers nothing of its own");
    checkSolvent();
  }

  function testFuzz_theEscrowIsSplitExactly(
    uint64 amount,
    uint64 payout,
    uint64 fee,
    uint64 held
  ) public {
    vm.assume(amount > 0 && amount <= type(uint64).max - 100); // beside the escrow of setUp
    payout = uint64(payout % (uint256(amount) + 1));
    fee = uint64(fee % (uint256(amount) - payout + 1));
    held = uint64(held % (uint256(amount) - payout - fee + 1));
    euro.mint(payer, amount);
    bytes32 other = open(amount);
    bytes32 restId = settleHolding(other, payout, fee, held);
    Check.eq(pool.allocatable(), payout, "payout");
    Check.eq(pool.credit(FEE_RECEIVER), fee, "fee");
    Check.eq(pool.credit(payer), uint256(amount) - payout - fee - held, "refund");
    Check.eq(pool.locked(), 100 + uint256(held), "held");
    Check.eq(pool.request(restId).amount, held, "rest");
    checkSolvent();
  }

  function test_whereNothingIsHeldThereIsNoRest() public {
    bytes32 restId = settleHolding(id, 60, 1, 0);
    checkState(id, IFlexRequests.State.Final);
    checkState(restId, IFlexRequests.State.None);
  }

  function test_thePaidPartNeedNotWaitForTheRest() public {
    settleHolding(id, 60, 0, 40);
    post(treeOf(60, 0, 0, 0), one(id));
    activate();
    claimLeaf(treeOf(60, 0, 0, 0), 0);
    Check.eq(euro.balanceOf(payee(0)), 60, "paid");
    Check.eq(pool.locked(), 40, "held");
    checkSolvent();
  }

  function test_aPartlyFinalPayoutThatNoEpochCountsGoesBackAndTheRestStays() public {
    settleHolding(id, 60, 0, 40);
    vm.warp(uint256(pool.request(id).windowEnd) + 365 days);
    pool.returnUnallocated(id);
    Check.eq(pool.credit(payer), 60, "credit");
    Check.eq(pool.locked(), 40, "held");
    checkSolvent();
  }

  // ---------------------------------------------------------------- holding more in the window

  function test_aLaterRoundMayHoldMoreAndTheWindowStays() public {
    propose(id, 60, 5);
    uint48 end = pool.request(id).windowEnd;
    vm.warp(end - 1);
    proposeNext(id, 40, 3, 22, QUORUM);
    IFlexRequests.Request memory r = pool.request(id);
    Check.eq(r.round, 2, "round");
    Check.eq(r.windowEnd, end, "windowEnd");
    Check.eq(r.held, 22, "held");
    proposeNext(id, 40, 3, 57, QUORUM); // the refund can be held as well
    vm.warp(end);
    pool.finalize(id);
    Check.eq(pool.request(pool.roundIdOf(id, 4)).amount, 57, "the rest of round 3");
    Check.eq(pool.credit(payer), 0, "no refund");
    checkSolvent();
  }

  function test_aLaterRoundGivesNobodyMore() public {
    proposeNext(id, 60, 5, 20, QUORUM);
    bytes memory err = abi.encodeWithSelector(IFlexRequests.MayOnlyHold.selector, id);
    refusedNext(61, 5, 19, err);
    refusedNext(59, 6, 20, err);
    refusedNext(60, 5, 19, err);
  }

  function test_aLaterRoundNeverHoldsMoreThanThereIs() public {
    proposeNext(id, 60, 5, 20, QUORUM);
    refusedNext(
      60,
      5,
      36,
      abi.encodeWithSelector(IFlexRequests.ExceedsEscrow.selector, 101, 100)
    );
  }

  function test_theSameRoundIsNotProposedTwice() public {
    propose(id, 60, 5);
    IFlexRequests.Settlement memory s = settlement(id, 60, 5);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.WrongRound.selector, 1, 1));
    pool.proposeSettlement(s, sigs);
  }

  function test_nothingIsReplacedOnceTheWindowIsOver() public {
    propose(id, 60, 5);
    uint48 end = pool.request(id).windowEnd;
    vm.warp(end);
    refusedNext(40, 3, 22, abi.encodeWithSelector(IFlexRequests.TooLate.selector, end, end - 1));
  }

  function test_holdingMoreNeedsAQuorumToo() public {
    propose(id, 60, 5);
    IFlexRequests.Settlement memory s = nextRound(id, 40, 3, 22);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), 1);
    vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 1, 2));
    pool.proposeSettlement(s, sigs);
  }
}

/// @notice How a held rest ends: by more verifiers, by the arbiter, or by its deadline.
contract RestTest is Fixture {
  bytes32 private restId;

  function setUp() public override {
    super.setUp();
    restId = settleHolding(open(100), 50, 2, 30);
  }

  function refused(IFlexRequests.Settlement memory s, bytes[] memory sigs, bytes memory err) private {
    vm.expectRevert(err);
    pool.proposeSettlement(s, sigs);
  }

  function by(uint256 key, IFlexRequests.Settlement memory s) private view returns (bytes[] memory b) {
    b = new bytes[](1);
    b[0] = sign(key, pool.settlementDigest(s));
  }

  function test_theOrdinaryQuorumIsNotEnough() public {
    IFlexRequests.Settlement memory s = nextRound(restId, 20, 1, 0);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), QUORUM);
    refused(s, sigs, abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 2, 3));
  }

  function test_oneVerifierMoreSettlesIt() public {
    proposeNext(restId, 20, 1, 0, QUORUM + 1);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    checkState(restId, IFlexRequests.State.Final);
    Check.eq(pool.allocatable(), 70, "both payouts");
    Check.eq(pool.locked(), 0, "nothing held");
    Check.eq(pool.credit(payer), 18 + 9, "both refunds");
    checkSolvent();
  }

  function test_whereAllMustSignAnywayAllAreEnough() public {
    addSet(verifierKeys, 3);
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    proposeNext(id, 50, 0, 50, 3);
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
    proposeNext(pool.roundIdOf(id, 2), 50, 0, 0, 3);
    checkState(pool.roundIdOf(id, 2), IFlexRequests.State.Proposed);
  }

  function test_theArbitersWordSettlesIt() public {
    IFlexRequests.Settlement memory s = nextRound(restId, 0, 0, 0);
    pool.proposeSettlement(s, by(ARBITER_KEY, s));
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    Check.eq(pool.credit(payer), 18 + 30, "all of it goes back");
  }

  function test_theArbiterHasNoSayInAFirstSettlement() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    IFlexRequests.Settlement memory s = nextRound(id, 50, 0, 0);
    refused(
      s,
      by(ARBITER_KEY, s),
      abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 1, 2)
    );
  }

  function test_nobodyElseIsTheArbiter() public {
    IFlexRequests.Settlement memory s = nextRound(restId, 30, 0, 0);
    bytes memory err = abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 1, 3);
    refused(s, by(PAYER_KEY, s), err);
    pool = newPool(IERC20(address(euro)), address(0));
    vm.prank(payer);
    euro.approve(address(pool), 100);
    restId = settleHolding(open(100), 50, 2, 30);
    s = nextRound(restId, 30, 0, 0);
    refused(s, by(ARBITER_KEY, s), err);
  }

  function test_neverMoreThanWasHeld() public {
    IFlexRequests.Settlement memory s = nextRound(restId, 30, 1, 0);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), 3);
    refused(s, sigs, abi.encodeWithSelector(IFlexRequests.ExceedsEscrow.selector, 31, 30));
  }

  function test_theFirstRoundsSignaturesSettleNoRest() public {
    IFlexRequests.Settlement memory s = settlement(restId, 20, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), 3);
    refused(s, sigs, abi.encodeWithSelector(IFlexRequests.WrongRound.selector, 1, 1));
  }

  function test_aRestCannotBeCancelled() public {
    uint48 end = pool.request(restId).deliverEnd;
    vm.expectRevert(
      abi.encodeWithSelector(IFlexRequests.TooLate.selector, block.timestamp, end - 1)
    );
    vm.prank(payer);
    pool.cancel(restId);
  }

  function test_whenNobodyDecidesThePayerHasItBackAndAnyoneMaySeeToIt() public {
    uint256 from = uint256(pool.request(restId).settleBy) + REFUND_GRACE + 1;
    vm.warp(from - 1);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooEarly.selector, from - 1, from));
    pool.refundExpired(restId);
    vm.warp(from);
    vm.expectEmit(address(pool));
    emit IFlexRequests.RequestRefunded(restId, 30);
    vm.prank(NOBODY);
    pool.refundExpired(restId);
    Check.eq(pool.credit(payer), 18 + 30, "credit");
    checkSolvent();
  }

  function test_aRestMayBeHeldAgainButNotBeyondItsFirstDeadline() public {
    uint48 due = pool.request(restId).settleBy;
    vm.warp(due);
    proposeNext(restId, 10, 0, 15, 3);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    checkState(restId, IFlexRequests.State.PartlyFinal);
    bytes32 last = pool.roundIdOf(restId, 3);
    Check.eq(pool.request(last).amount, 15, "the rest of the rest");
    Check.eq(pool.request(last).settleBy, due, "the same deadline");
    IFlexRequests.Settlement memory s = nextRound(last, 15, 0, 0);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), 3);
    refused(s, sigs, abi.encodeWithSelector(IFlexRequests.TooLate.selector, block.timestamp, due));
    vm.warp(uint256(due) + REFUND_GRACE + 1);
    pool.refundExpired(last);
    Check.eq(pool.locked(), 0, "nothing held");
    checkSolvent();
  }

  function test_aLatePayoutHasItsPlaceInTheNextEpoch() public {
    proposeNext(restId, 20, 1, 0, 3);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    bytes32[] memory both = new bytes32[](2);
    both[0] = restId; // the order is the poster's
    bytes32 id = finalRequest(7);
    both[1] = id;
    post(treeOf(20, 7, 0, 0), both);
    activate();
    Check.yes(pool.request(restId).accounted, "counted");
    claimLeaf(treeOf(20, 7, 0, 0), 0);
    Check.eq(euro.balanceOf(payee(0)), 20, "paid");
    checkSolvent();
  }

  function test_roundsEndWithTheirNumbersAndTheMoneyStillComesOut() public {
    bytes32 id = open(1_000);
    vm.warp(pool.request(id).deliverEnd);
    for (uint256 i = 0; i < 255; ++i) proposeNext(id, 0, 0, uint128(i), QUORUM);
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
    bytes32 last = pool.roundIdOf(id, 256);
    Check.eq(pool.request(last).round, 255, "round");
    vm.warp(uint256(pool.request(last).settleBy) + REFUND_GRACE + 1);
    pool.refundExpired(last);
    checkState(last, IFlexRequests.State.Refunded);
  }
}
