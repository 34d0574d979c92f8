// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice A verifier that signs two results for one round of one request is marked for ever.
contract EquivocationTest is Fixture {
  bytes32 private id;
  IFlexRequests.Settlement private a;
  IFlexRequests.Settlement private b;
  address private culprit;

  function setUp() public override {
    super.setUp();
    id = open(100e6);
    a = settlement(id, 50e6, 1e6);
    b = settlement(id, 60e6, 1e6);
    culprit = vm.addr(verifierKeys[0]);
  }

  function prove(IFlexRequests.Settlement memory one, IFlexRequests.Settlement memory other) private {
    prove(one, other, verifierKeys[0], verifierKeys[0], 1);
  }

  function prove(
    IFlexRequests.Settlement memory one,
    IFlexRequests.Settlement memory other,
    uint256 key,
    uint256 otherKey,
    uint32 setId
  ) private {
    bytes memory s = sign(key, pool.settlementDigest(one));
    bytes memory t = sign(otherKey, pool.settlementDigest(other));
    registry.proveEquivocation(address(pool), setId, one, s, other, t);
  }

  function expectNone(IFlexRequests.Settlement memory one) private {
    vm.expectPartialRevert(IVerifierRegistry.NoEquivocation.selector);
    this.proveFirst(one, b);
  }

  function proveFirst(IFlexRequests.Settlement memory one, IFlexRequests.Settlement memory other) external {
    prove(one, other);
  }

  function proveBy(uint256 key, uint256 otherKey, uint32 setId) external {
    prove(a, b, key, otherKey, setId);
  }

  // ---------------------------------------------------------------- refusals

  function test_theSameSettlementTwiceIsNoProof() public {
    expectNone(b);
  }

  function test_aLaterRoundIsNoEquivocation() public {
    a.round = 2;
    expectNone(a);
  }

  function test_twoRequestsAreNoEquivocation() public {
    a.requestId = open(100e6);
    expectNone(a);
  }

  function test_twoVerifiersWhoDisagreeAreNoEquivocation() public {
    vm.expectRevert(
      abi.encodeWithSelector(
        IVerifierRegistry.SignersDiffer.selector,
        culprit,
        vm.addr(verifierKeys[1])
      )
    );
    this.proveBy(verifierKeys[0], verifierKeys[1], 1);
  }

  function test_aStrangerToTheSetIsNotMarked() public {
    vm.expectRevert(
      abi.encodeWithSelector(IVerifierRegistry.NotInSet.selector, 1, vm.addr(0x99))
    );
    this.proveBy(0x99, 0x99, 1);
  }

  function test_aSetThatDoesNotExistMarksNobody() public {
    vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.NotInSet.selector, 2, culprit));
    this.proveBy(verifierKeys[0], verifierKeys[0], 2);
  }

  function test_signaturesForAnotherPoolSayNothingAboutThisOne() public {
    bytes memory s = sign(verifierKeys[0], pool.settlementDigest(a));
    bytes memory t = sign(verifierKeys[0], pool.settlementDigest(b));
    vm.expectPartialRevert(IVerifierRegistry.SignersDiffer.selector);
    registry.proveEquivocation(address(0xF00), 1, a, s, b, t);
  }

  function test_signaturesForAnotherChainSayNothingAboutThisOne() public {
    bytes memory s = sign(verifierKeys[0], pool.settlementDigest(a));
    bytes memory t = sign(verifierKeys[0], pool.settlementDigest(b));
    vm.chainId(77);
    vm.expectPartialRevert(IVerifierRegistry.SignersDiffer.selector);
    registry.proveEquivocation(address(pool), 1, a, s, b, t);
  }

  function test_aMalformedSignatureIsRefused() public {
    bytes memory s = sign(verifierKeys[0], pool.settlementDigest(a));
    vm.expectPartialRevert(ECDSA.ECDSAInvalidSignatureLength.selector);
    registry.proveEquivocation(address(pool), 1, a, s, b, new bytes(64));
  }

  function test_oneMarkIsEnough() public {
    prove(a, b);
    vm.expectRevert(
      abi.encodeWithSelector(IVerifierRegistry.SignerEquivocated.selector, culprit)
    );
    this.proveFirst(a, b);
  }

  function test_aMarkedVerifierCannotStandInANewSet() public {
    prove(a, b);
    address[] memory signers = new address[](3);
    for (uint256 i = 0; i < 3; ++i) signers[i] = vm.addr(verifierKeys[i]);
    vm.expectRevert(
      abi.encodeWithSelector(IVerifierRegistry.SignerEquivocated.selector, culprit)
    );
    vm.prank(OWNER);
    registry.addSet(signers, QUORUM);
  }

  // ---------------------------------------------------------------- the mark

  function test_anybodyMarksAVerifierWithTwoSignedSettlements() public {
    Check.yes(!registry.equivocated(culprit), "not marked yet");
    vm.expectEmit(address(registry));
    emit IVerifierRegistry.VerifierEquivocated(1, culprit, id, 1);
    vm.prank(NOBODY);
    prove(a, b);
    Check.yes(registry.equivocated(culprit), "marked");
    Check.yes(!registry.equivocated(vm.addr(verifierKeys[1])), "nobody else");
  }

  function test_openRequestsGoOnWithTheSetTheyHave() public {
    prove(a, b);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 50e6, 1e6); // with the marked one's vote: membership is a snapshot (I10)
    checkState(id, IFlexRequests.State.Proposed);
  }

  function test_theOthersGoOnInANewSet() public {
    prove(a, b);
    uint256[] memory keys = new uint256[](2);
    (keys[0], keys[1]) = (verifierKeys[1], verifierKeys[2]);
    addSet(keys, QUORUM);
    Check.eq(registry.currentSetId(), 2, "the new set");
  }
}
