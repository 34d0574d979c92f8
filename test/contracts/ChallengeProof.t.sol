// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {ChallengeFixture} from "./support/ChallengeFixture.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice A quorum that signed two results for one round holds its own proposal.
contract ChallengeProofTest is ChallengeFixture {
  IFlexRequests.Settlement private first;
  IFlexRequests.Settlement private other;

  function setUp() public override {
    super.setUp();
    first = settlement(id, 60, 5);
    other = settlement(id, 90, 5);
  }

  function prove(uint256 votes, uint256 votesOther) public {
    bytes[] memory forOne = signatures(pool.settlementDigest(first), votes);
    bytes[] memory forOther = signatures(pool.settlementDigest(other), votesOther);
    vm.prank(NOBODY);
    pool.challengeEquivocation(first, forOne, other, forOther);
  }

  function refused(uint256 votes, uint256 votesOther, bytes4 err) private {
    vm.expectPartialRevert(err);
    this.prove(votes, votesOther);
  }

  // ---------------------------------------------------------------- refusals

  function test_oneSettlementIsNoContradiction() public {
    propose(id, 60, 5);
    other = first;
    refused(2, 2, IVerifierRegistry.NoEquivocation.selector);
  }

  function test_twoRoundsAreNoContradiction() public {
    propose(id, 60, 5);
    other.round = 2;
    refused(2, 2, IVerifierRegistry.NoEquivocation.selector);
  }

  function test_twoRequestsAreNoContradiction() public {
    propose(id, 60, 5);
    other.requestId = "another";
    refused(2, 2, IVerifierRegistry.NoEquivocation.selector);
  }

  function test_fewerThanAQuorumProveNothing() public {
    propose(id, 60, 5);
    refused(1, 2, IVerifierRegistry.QuorumNotReached.selector);
    refused(2, 1, IVerifierRegistry.QuorumNotReached.selector);
  }

  function test_signaturesForAnotherPoolProveNothing() public {
    propose(id, 60, 5);
    bytes[] memory forOne = signatures(pool.settlementDigest(first));
    bytes[] memory forOther = signatures(newPool(euro).settlementDigest(other));
    vm.expectRevert();
    pool.challengeEquivocation(first, forOne, other, forOther);
  }

  function test_whatIsNotProposedIsNotHeld() public {
    refused(2, 2, IFlexRequests.WrongState.selector);
    first.requestId = other.requestId = "unknown";
    refused(2, 2, IFlexRequests.WrongState.selector);
  }

  function test_onceTheWindowIsOverAProofIsTooLate() public {
    propose(id, 60, 5);
    vm.warp(pool.request(id).windowEnd);
    refused(2, 2, IFlexRequests.TooLate.selector);
  }

  function test_whatIsHeldAlreadyIsNotHeldTwice() public {
    propose(id, 60, 5);
    prove(2, 2);
    refused(2, 2, IFlexRequests.NothingToChallenge.selector);
    vm.expectPartialRevert(IFlexRequests.NothingToChallenge.selector);
    vm.prank(CHALLENGER);
    pool.challenge(id);
  }

  function test_ofARestOneMoreMustHaveSigned() public {
    first.requestId = other.requestId = restOf();
    first.round = other.round = 2;
    proposeNext(first.requestId, 9, 1, 0, QUORUM + 1);
    refused(2, 3, IVerifierRegistry.QuorumNotReached.selector);
    refused(3, 2, IVerifierRegistry.QuorumNotReached.selector);
  }

  // ---------------------------------------------------------------- proofs

  function test_anybodyHoldsWithTwoSignedSettlementsAndWithoutABond() public {
    propose(id, 60, 5);
    vm.expectEmit(address(pool));
    emit IFlexRequests.SettlementChallenged(id, NOBODY, 65, 0);
    prove(2, 2);
    Check.eq(pool.request(id).payout, 0, "payout");
    Check.eq(pool.request(id).held, 65, "held");
    Check.eq(pool.totalBonds(), 0, "no bond");
    bytes32 restId = finalised();
    proposeNext(restId, 60, 5, 0, QUORUM + 1);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    Check.eq(pool.credit(FEE_RECEIVER), 5, "the fee alone");
    checkSolvent();
  }

  function test_whichOfTheTwoWasProposedDoesNotMatter() public {
    proposeNext(id, 50, 5, 0, QUORUM); // neither
    first.round = other.round = 7;
    prove(2, 2);
    Check.eq(pool.request(id).held, 55, "held");
  }

  function test_aRestIsHeldOnceMoreByAProof() public {
    propose(id, 60, 5);
    challenge();
    bytes32 restId = finalised();
    uint48 settleBy = pool.request(restId).settleBy;
    proposeNext(restId, 60, 5, 0, QUORUM + 1);
    first.requestId = other.requestId = restId;
    first.round = other.round = 2;
    prove(3, 3);
    vm.warp(pool.request(restId).windowEnd);
    pool.finalize(restId);
    bytes32 last = pool.roundIdOf(restId, 3);
    Check.eq(pool.request(last).amount, 65, "held again");
    Check.eq(pool.request(last).settleBy, settleBy, "the first deadline stays");
    Check.eq(pool.totalBonds(), BOND, "the first challenger's bond waits with it");
    vm.warp(uint256(settleBy) + REFUND_GRACE + 1);
    pool.refundExpired(last);
    Check.eq(pool.credit(CHALLENGER), BOND, "and comes back");
    checkSolvent();
  }

  /// @dev A rest of 10 that its verifiers held themselves.
  function restOf() private returns (bytes32) {
    proposeNext(id, 50, 0, 10, QUORUM);
    return finalised();
  }
}
