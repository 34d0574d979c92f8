// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

contract SettlementTest is Fixture {
  bytes32 private id;

  function setUp() public override {
    super.setUp();
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
  }

  function refused(
    IFlexRequests.Settlement memory s,
    bytes[] memory sigs,
    bytes memory err
  ) private {
    vm.expectRevert(err);
    pool.proposeSettlement(s, sigs);
  }

  function refused(IFlexRequests.Settlement memory s, bytes memory err) private {
    refused(s, signatures(pool.settlementDigest(s)), err);
  }

  // ---------------------------------------------------------------- votes

  function test_noSignaturesNoSettlement() public {
    refused(
      settlement(id, 60, 1),
      new bytes[](0),
      abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 0, 2)
    );
  }

  function test_oneSignatureShortOfTheQuorum() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    refused(
      s,
      signatures(pool.settlementDigest(s), 1),
      abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 1, 2)
    );
  }

  function test_aVerifierCountsOnce() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    sigs[1] = sigs[0];
    address signer = vm.addr(verifierKeys[0]);
    refused(s, sigs, abi.encodeWithSelector(IVerifierRegistry.SignersNotAscending.selector, signer, signer));
  }

  function test_unsortedSignersAreRefused() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    (sigs[0], sigs[1]) = (sigs[1], sigs[0]);
    refused(
      s,
      sigs,
      abi.encodeWithSelector(
        IVerifierRegistry.SignersNotAscending.selector,
        vm.addr(verifierKeys[1]),
        vm.addr(verifierKeys[0])
      )
    );
  }

  function test_aStrangerDoesNotCountEvenBesideAQuorum() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes32 digest = pool.settlementDigest(s);
    uint256[] memory keys = ascending(verifierKeys[0], verifierKeys[1], PAYER_KEY);
    bytes[] memory sigs = new bytes[](3);
    for (uint256 i = 0; i < 3; ++i) sigs[i] = sign(keys[i], digest);
    refused(s, sigs, abi.encodeWithSelector(IVerifierRegistry.NotAVerifier.selector, 1, payer));
  }

  function test_aShortSignatureIsRefused() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    sigs[1] = hex"1234";
    refused(s, sigs, abi.encodeWithSelector(IVerifierRegistry.MalformedSignature.selector, 1));
  }

  function test_theMirroredSignatureIsRefused() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    (uint8 v, bytes32 r, bytes32 low) = vm.sign(verifierKeys[0], pool.settlementDigest(s));
    uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    sigs[0] = abi.encodePacked(r, order - uint256(low), v == 27 ? uint8(28) : uint8(27));
    refused(s, sigs, abi.encodeWithSelector(IVerifierRegistry.MalformedSignature.selector, 0));
  }

  function testFuzz_aChangeOfAnySignedFieldUndoesTheSignatures(uint8 field) public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    bytes32 digest = pool.settlementDigest(s);
    field %= 7;
    if (field == 0) s.evidenceRoot = "other";
    if (field == 1) s.bundleHash = "other";
    if (field == 2) s.linesRoot = "other";
    if (field == 3) s.payoutTotal = 61;
    if (field == 4) s.feeTotal = 2;
    if (field == 5) s.deliveredWh = 42;
    if (field == 6) s.heldTotal = 1;
    Check.yes(pool.settlementDigest(s) != digest, "another digest");
    vm.expectRevert();
    pool.proposeSettlement(s, sigs);
  }

  function test_thePayersSetStaysWhenANewOneComes() public {
    uint256[] memory fresh = ascending(0x44, 0x55, 0x66);
    addSet(fresh, 1);
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes32 digest = pool.settlementDigest(s);
    bytes[] memory sigs = new bytes[](2);
    (sigs[0], sigs[1]) = (sign(fresh[0], digest), sign(fresh[1], digest));
    refused(
      s,
      sigs,
      abi.encodeWithSelector(IVerifierRegistry.NotAVerifier.selector, 1, vm.addr(fresh[0]))
    );
    propose(id, 60, 1);
    checkState(id, IFlexRequests.State.Proposed);
  }

  function test_signaturesForAnotherChainAreWorthNothing() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    vm.chainId(77);
    vm.expectRevert();
    pool.proposeSettlement(s, sigs);
  }

  function test_signaturesForAnotherPoolAreWorthNothing() public {
    FlexPool other = newPool(IERC20(address(euro)));
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    bytes[] memory sigs = signatures(other.settlementDigest(s));
    vm.expectRevert();
    pool.proposeSettlement(s, sigs);
  }

  // ---------------------------------------------------------------- time, state, money

  function test_notBeforeDeliveryEnds() public {
    uint48 end = pool.request(id).deliverEnd;
    vm.warp(end - 1);
    refused(
      settlement(id, 60, 1),
      abi.encodeWithSelector(IFlexRequests.TooEarly.selector, end - 1, end)
    );
  }

  function test_notAfterItWasDue() public {
    uint48 due = pool.request(id).settleBy;
    vm.warp(due + 1);
    refused(
      settlement(id, 60, 1),
      abi.encodeWithSelector(IFlexRequests.TooLate.selector, due + 1, due)
    );
    vm.warp(due);
    propose(id, 60, 1);
  }

  function test_aRoundComesAfterTheLastOneAndMaySkipSome() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    s.round = 0;
    refused(s, abi.encodeWithSelector(IFlexRequests.WrongRound.selector, 0, 0));
    s.round = 7;
    pool.proposeSettlement(s, signatures(pool.settlementDigest(s)));
    assert(pool.request(id).round == 7);
    s = settlement(id, 60, 1);
    s.round = 6;
    refused(s, abi.encodeWithSelector(IFlexRequests.WrongRound.selector, 6, 7));
  }

  function test_neverMoreThanTheEscrow() public {
    refused(
      settlement(id, 100, 1),
      abi.encodeWithSelector(IFlexRequests.ExceedsEscrow.selector, 101, 100)
    );
    refused(
      nextRound(id, 60, 1, 40),
      abi.encodeWithSelector(IFlexRequests.ExceedsEscrow.selector, 101, 100)
    );
  }

  function test_hugeSumsDoNotWrapAround() public {
    uint128 max = type(uint128).max;
    refused(
      settlement(id, max, max),
      abi.encodeWithSelector(IFlexRequests.ExceedsEscrow.selector, 2 * uint256(max), 100)
    );
  }

  function test_anUnknownRequestCannotBeSettled() public {
    IFlexRequests.Settlement memory s = settlement("unknown", 0, 0);
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    expectWrongState("unknown", IFlexRequests.State.None, IFlexRequests.State.Funded);
    pool.proposeSettlement(s, sigs);
  }

  function test_aProposalIsKeptAndAnnounced() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    uint48 windowEnd = uint48(block.timestamp) + DISPUTE_WINDOW;
    bytes[] memory sigs = signatures(pool.settlementDigest(s));
    vm.expectEmit(address(pool));
    emit IFlexRequests.SettlementProposed(
      id,
      1,
      s.evidenceRoot,
      s.bundleHash,
      s.linesRoot,
      60,
      1,
      0,
      s.deliveredWh,
      windowEnd
    );
    vm.prank(NOBODY);
    pool.proposeSettlement(s, sigs);
    IFlexRequests.Request memory r = pool.request(id);
    Check.eq(uint256(r.state), uint256(IFlexRequests.State.Proposed), "state");
    Check.eq(r.round, 1, "round");
    Check.eq(r.payout, 60, "payout");
    Check.eq(r.fee, 1, "fee");
    Check.eq(r.windowEnd, windowEnd, "windowEnd");
    Check.eq(r.digestPrefix, bytes8(pool.settlementDigest(s)), "digest");
    Check.eq(pool.locked(), 100, "the escrow stays locked");
  }

  function test_moreThanTheQuorumMaySign() public {
    IFlexRequests.Settlement memory s = settlement(id, 60, 1);
    pool.proposeSettlement(s, signatures(pool.settlementDigest(s), 3));
    checkState(id, IFlexRequests.State.Proposed);
  }
}

contract FinalizeTest is Fixture {
  bytes32 private id;

  function setUp() public override {
    super.setUp();
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
  }

  function test_notInsideTheDisputeWindow() public {
    propose(id, 60, 1);
    uint48 end = pool.request(id).windowEnd;
    vm.warp(end - 1);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooEarly.selector, end - 1, end));
    pool.finalize(id);
  }

  function test_noProposalNoFinality() public {
    vm.warp(START + 365 days);
    expectWrongState(id, IFlexRequests.State.Funded, IFlexRequests.State.Proposed);
    pool.finalize(id);
  }

  function test_finalityComesOnce() public {
    settle(id, 60, 1);
    expectWrongState(id, IFlexRequests.State.Final, IFlexRequests.State.Proposed);
    pool.finalize(id);
  }

  function testFuzz_theEscrowIsSplitExactly(uint64 amount, uint64 payout, uint64 fee) public {
    vm.assume(amount > 0 && amount <= type(uint64).max - 100); // beside the escrow of setUp
    payout = uint64(payout % (uint256(amount) + 1));
    fee = uint64(fee % (uint256(amount) - payout + 1));
    euro.mint(payer, amount);
    bytes32 other = open(amount);
    settle(other, payout, fee);
    Check.eq(pool.allocatable(), payout, "payout");
    Check.eq(pool.credit(FEE_RECEIVER), fee, "fee");
    Check.eq(pool.credit(payer), amount - payout - fee, "refund, dust included");
    Check.eq(pool.locked(), 100, "locked");
    checkSolvent();
  }

  function test_anyoneFinalisesAndItIsAnnounced() public {
    propose(id, 60, 1);
    vm.warp(pool.request(id).windowEnd);
    vm.expectEmit(address(pool));
    emit IFlexRequests.RequestFinalized(id, 60, 1, 0, 39);
    vm.prank(NOBODY);
    pool.finalize(id);
    checkState(id, IFlexRequests.State.Final);
  }

  function test_nothingDeliveredNothingPaid() public {
    settle(id, 0, 0);
    Check.eq(pool.credit(payer), 100, "everything goes back");
    Check.eq(pool.allocatable(), 0, "allocatable");
  }
}
