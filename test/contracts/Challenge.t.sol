// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {IEscrowAccounting} from "../../contracts/interfaces/IEscrowAccounting.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {PoolConfig} from "../../contracts/interfaces/IPoolConfiguration.sol";
import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice Who may doubt what, and until when.
contract ChallengeRefusalTest is ChallengeFixture {
  function refused(address who, bytes memory err) private {
    vm.expectRevert(err);
    vm.prank(who);
    pool.challenge(id);
  }

  function nothing() private view returns (bytes memory) {
    return abi.encodeWithSelector(IFlexRequests.NothingToChallenge.selector, id);
  }

  function refusedIn(IFlexRequests.State found) private {
    IFlexRequests.State proposed = IFlexRequests.State.Proposed;
    bytes4 err = IFlexRequests.WrongState.selector;
    refused(CHALLENGER, abi.encodeWithSelector(err, id, found, proposed));
  }

  function test_onlyWhatIsProposedCanBeChallenged() public {
    refusedIn(IFlexRequests.State.Funded);
    propose(id, 60, 5);
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
    refusedIn(IFlexRequests.State.Final);
    id = "unknown";
    refusedIn(IFlexRequests.State.None);
  }

  function test_onceTheWindowIsOverItIsTooLate() public {
    propose(id, 60, 5);
    uint256 end = pool.request(id).windowEnd;
    vm.warp(end);
    refused(CHALLENGER, abi.encodeWithSelector(IFlexRequests.TooLate.selector, end, end - 1));
    vm.warp(end - 1);
    challenge();
  }

  function test_thePayerMayNotChallenge() public {
    propose(id, 60, 5);
    refused(payer, abi.encodeWithSelector(IFlexRequests.PayerMayNotChallenge.selector, payer));
  }

  function test_whatPaysNobodyCannotBeChallenged() public {
    propose(id, 0, 0);
    refused(CHALLENGER, nothing());
  }

  function test_aProposalIsChallengedOnce() public {
    propose(id, 60, 5);
    challenge();
    refused(CHALLENGER, nothing());
    refused(NOBODY, nothing());
    Check.eq(pool.totalBonds(), BOND, "one bond");
  }

  function test_noBondHoldsARestOnceMore() public {
    propose(id, 60, 5);
    challenge();
    id = finalised();
    proposeNext(id, 60, 5, 0, QUORUM + 1);
    refused(CHALLENGER, nothing());
  }

  function test_withoutTheBondThereIsNoChallenge() public {
    propose(id, 60, 5);
    vm.prank(CHALLENGER);
    euro.approve(address(pool), BOND - 1);
    refused(
      CHALLENGER,
      abi.encodeWithSelector(
        IERC20Errors.ERC20InsufficientAllowance.selector,
        address(pool),
        BOND - 1,
        BOND
      )
    );
    Check.eq(pool.request(id).payout, 60, "payout");
  }

  function test_aPoolWithoutABondTakesNoChallenge() public {
    PoolConfig memory config = poolConfig(IERC20(address(euro)));
    config.challengeBond = 0;
    pool = createPool(config, "without a bond");
    vm.prank(payer);
    euro.approve(address(pool), 100);
    vm.warp(START);
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 5);
    refused(
      CHALLENGER,
      abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 0)
    );
  }
}

/// @notice What a challenge does at once.
contract ChallengeTest is ChallengeFixture {
  function test_allThatIsPaidIsHeldAndTheRefundIsNot() public {
    proposeNext(id, 60, 5, 10, QUORUM);
    uint48 end = pool.request(id).windowEnd;
    bytes8 digest = pool.request(id).digestPrefix;
    vm.expectEmit(address(pool));
    emit IFlexRequests.SettlementChallenged(id, CHALLENGER, 65, BOND);
    challenge();
    IFlexRequests.Request memory r = pool.request(id);
    Check.eq(uint256(r.state), uint256(IFlexRequests.State.Proposed), "state");
    Check.eq(r.payout, 0, "payout");
    Check.eq(r.fee, 0, "fee");
    Check.eq(r.held, 75, "held");
    Check.eq(r.windowEnd, end, "the window stays");
    Check.eq(bytes32(r.digestPrefix), bytes32(digest), "what was signed stays");
    Check.eq(pool.totalBonds(), BOND, "bond");
    Check.eq(euro.balanceOf(CHALLENGER), 0, "staked");
    checkSolvent();
    finalised();
    Check.eq(pool.credit(payer), 25, "refund");
    Check.eq(pool.allocatable(), 0, "payout");
    checkState(id, IFlexRequests.State.PartlyFinal);
  }

  function test_aFeeAloneOrAPayoutAloneCanBeChallenged() public {
    propose(id, 0, 5);
    challenge();
    Check.eq(pool.request(id).held, 5, "fee");
    vm.warp(START);
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 0);
    euro.mint(CHALLENGER, BOND);
    challenge();
    Check.eq(pool.request(id).held, 60, "payout");
  }

  function test_aLaterRoundPaysNothingAfterAChallenge() public {
    propose(id, 60, 5);
    challenge();
    IFlexRequests.Settlement memory s = nextRound(id, 60, 5, 0);
    bytes[] memory sigs = signatures(pool.settlementDigest(s), 3);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.MayOnlyHold.selector, id));
    pool.proposeSettlement(s, sigs);
    proposeNext(id, 0, 0, 100, QUORUM);
    bytes32 restId = finalised();
    Check.eq(pool.request(restId).amount, 100, "the refund is held as well");
    Check.eq(pool.totalBonds(), BOND, "the bond waits with it");
  }

  function test_aPauseStopsNoChallenge() public {
    propose(id, 60, 5);
    grant(GUARDIAN_ROLE, NOBODY);
    vm.prank(NOBODY);
    pool.pause(uint48(block.timestamp) + 7 days);
    challenge();
    Check.eq(pool.request(id).held, 65, "held");
  }
}

/// @notice Who gets the bond: it follows what the rest comes to.
contract BondTest is ChallengeFixture {
  bytes32 private restId;

  function setUp() public override {
    super.setUp();
    propose(id, 60, 5);
    challenge();
    restId = finalised();
  }

  function settleRest(uint128 payout, uint128 fee, uint128 held) private {
    proposeNext(restId, payout, fee, held, QUORUM + 1);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
  }

  function checkReturned(uint256 bond) private view {
    Check.eq(pool.credit(CHALLENGER), bond, "of the challenger");
    Check.eq(pool.totalBonds(), 0, "decided");
    checkSolvent();
  }

  function test_confirmedInFullTheBondIsTheFeeReceivers() public {
    proposeNext(restId, 60, 5, 0, QUORUM + 1);
    vm.warp(pool.request(restId).windowEnd);
    vm.expectEmit(address(pool));
    emit IFlexRequests.BondForfeited(restId, CHALLENGER, BOND);
    pool.finalize(restId);
    Check.eq(pool.credit(FEE_RECEIVER), 5 + BOND, "fee and bond");
    Check.eq(pool.allocatable(), 60, "the payees lose nothing");
    checkReturned(0);
  }

  function test_confirmedInPartTheBondComesBack() public {
    proposeNext(restId, 60, 4, 0, QUORUM + 1);
    vm.warp(pool.request(restId).windowEnd);
    vm.expectEmit(address(pool));
    emit IFlexRequests.BondReturned(restId, CHALLENGER, BOND);
    pool.finalize(restId);
    checkReturned(BOND);
    pool.withdrawCredit(CHALLENGER);
    Check.eq(euro.balanceOf(CHALLENGER), BOND, "has it back");
  }

  function test_confirmedByNobodyTheBondComesBack() public {
    vm.warp(uint256(pool.request(restId).settleBy) + REFUND_GRACE + 1);
    vm.expectEmit(address(pool));
    emit IFlexRequests.BondReturned(restId, CHALLENGER, BOND);
    pool.refundExpired(restId);
    checkReturned(BOND);
    Check.eq(pool.credit(payer), 100, "the escrow is the payer's");
  }

  function test_confirmedByTheArbiterTheBondIsTheFeeReceivers() public {
    IFlexRequests.Settlement memory s = nextRound(restId, 60, 5, 0);
    bytes[] memory byArbiter = new bytes[](1);
    byArbiter[0] = sign(ARBITER_KEY, pool.settlementDigest(s));
    pool.proposeSettlement(s, byArbiter);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    checkReturned(0);
  }

  function test_whileSomeOfItIsHeldTheBondWaits() public {
    settleRest(40, 0, 25);
    Check.eq(pool.totalBonds(), BOND, "undecided");
    Check.eq(pool.credit(CHALLENGER), 0, "not yet back");
    restId = pool.roundIdOf(restId, 3);
    settleRest(20, 5, 0); // with the 40 of before it is all that was asked
    Check.eq(pool.credit(FEE_RECEIVER), 5 + BOND, "fee and bond");
    checkReturned(0);
  }

  function test_whatIsHeldAgainAndNotConfirmedReturnsTheBond() public {
    settleRest(40, 0, 25);
    restId = pool.roundIdOf(restId, 3);
    settleRest(20, 4, 0);
    checkReturned(BOND);
  }

  function test_confirmedInFullWhileMoreIsHeldTheBondIsDecided() public {
    vm.warp(START);
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    proposeNext(id, 60, 5, 20, QUORUM); // these 20 the verifiers doubt themselves
    euro.mint(CHALLENGER, BOND);
    challenge();
    restId = finalised();
    settleRest(60, 5, 20);
    Check.eq(pool.totalBonds(), BOND, "the first bond alone is undecided");
    Check.eq(pool.credit(FEE_RECEIVER), 5 + BOND, "fee and bond");
    settleLast(pool.roundIdOf(restId, 3));
    Check.eq(pool.totalBonds(), BOND, "nothing is decided twice");
    checkSolvent();
  }

  function settleLast(bytes32 last) private {
    proposeNext(last, 20, 0, 0, QUORUM + 1);
    vm.warp(pool.request(last).windowEnd);
    pool.finalize(last);
  }

  function testFuzz_theBondFollowsWhatIsConfirmed(uint128 payout, uint128 fee) public {
    payout %= 66;
    fee %= 66 - payout;
    settleRest(payout, fee, 0);
    bool lost = payout + fee == 65;
    Check.eq(pool.credit(FEE_RECEIVER), fee + (lost ? BOND : 0), "fee receiver");
    checkReturned(lost ? 0 : BOND);
  }
}
