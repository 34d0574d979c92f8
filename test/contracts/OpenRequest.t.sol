// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC3009} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC3009.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {VerifierRegistry} from "../../contracts/VerifierRegistry.sol";
import {IEscrowAccounting} from "../../contracts/interfaces/IEscrowAccounting.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

contract OpenRequestTest is Fixture {
  bytes32 private constant RECEIVE_TYPEHASH =
    keccak256(
      "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

  function refused(IFlexRequests.RequestTerms memory t, bytes memory err) private {
    vm.expectRevert(err);
    vm.prank(t.payer);
    pool.openRequest(t);
  }

  function badSchedule(IFlexRequests.RequestTerms memory t) private {
    refused(
      t,
      abi.encodeWithSelector(
        IFlexRequests.BadSchedule.selector,
        t.deliverStart,
        t.deliverEnd,
        t.settleBy,
        block.timestamp
      )
    );
  }

  // ---------------------------------------------------------------- refusals

  function test_onlyThePayerSpendsItsAllowance() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.NotPayer.selector, payer, NOBODY));
    vm.prank(NOBODY);
    pool.openRequest(t);
  }

  function test_theSameTermsOpenOnce() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes32 id = open(t);
    refused(
      t,
      abi.encodeWithSelector(
        IFlexRequests.WrongState.selector,
        id,
        IFlexRequests.State.Funded,
        IFlexRequests.State.None
      )
    );
  }

  function test_aCancelledRequestCannotBeOpenedAgain() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes32 id = open(t);
    vm.prank(payer);
    pool.cancel(id);
    refused(
      t,
      abi.encodeWithSelector(
        IFlexRequests.WrongState.selector,
        id,
        IFlexRequests.State.Cancelled,
        IFlexRequests.State.None
      )
    );
  }

  function test_anEmptyEscrowIsRefused() public {
    refused(terms(0), abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 0));
  }

  function test_anEscrowAbove64BitsIsRefused() public {
    uint128 tooMuch = uint128(type(uint64).max) + 1;
    refused(terms(tooMuch), abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, tooMuch));
  }

  function test_anEscrowOf64BitsIsTaken() public {
    euro.mint(payer, type(uint64).max);
    Check.eq(pool.request(open(type(uint64).max)).amount, type(uint64).max, "amount");
  }

  function test_allMoneyInThePoolTogetherStaysWithin64Bits() public {
    uint64 most = type(uint64).max;
    euro.mint(payer, most);
    bytes32 id = open(most - 1);
    refused(terms(2), abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 2));
    settle(id, most - 3, 1);
    vm.warp(START); // what is credit or waits for an epoch counts as what is locked does
    refused(terms(2), abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 2));
    pool.withdrawCredit(payer);
    open(2);
    Check.eq(pool.locked(), 2, "locked");
  }

  function test_escrowComesBeforeDelivery() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.deliverStart = uint48(block.timestamp);
    badSchedule(t);
  }

  function test_deliveryEndsAfterItStarts() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.deliverEnd = t.deliverStart;
    badSchedule(t);
  }

  function test_settlementCannotBeDueBeforeDeliveryEnds() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.settleBy = t.deliverEnd - 1;
    badSchedule(t);
    t.settleBy = t.deliverEnd;
    open(t);
  }

  function test_noEscrowWaitsLongerThanTwoYears() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.settleBy = uint48(block.timestamp) + 730 days + 1;
    badSchedule(t);
    t.settleBy -= 1;
    open(t);
  }

  function test_anOlderVerifierSetIsRefused() public {
    addSet(verifierKeys, 3);
    IFlexRequests.RequestTerms memory t = terms(100);
    t.verifierSetId = 1;
    refused(t, abi.encodeWithSelector(IFlexRequests.VerifierSetNotCurrent.selector, 1, 2));
  }

  function test_withoutAnyVerifierSetNothingCanBeOpened() public {
    registry = new VerifierRegistry(address(manager));
    FlexPool other = newPool(IERC20(address(euro)));
    vm.prank(payer);
    euro.approve(address(other), 100);
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.VerifierSetNotCurrent.selector, 0, 0));
    vm.prank(payer);
    other.openRequest(t);
  }

  function test_noAllowanceNoRequest() public {
    vm.prank(payer);
    euro.approve(address(pool), 99);
    refused(
      terms(100),
      abi.encodeWithSelector(
        IERC20Errors.ERC20InsufficientAllowance.selector,
        address(pool),
        99,
        100
      )
    );
  }

  // ---------------------------------------------------------------- authorisation (ERC-3009)

  function authorise(
    IFlexRequests.RequestTerms memory t,
    bytes32 nonce
  ) private view returns (bytes memory) {
    bytes32 message = keccak256(
      abi.encode(RECEIVE_TYPEHASH, t.payer, address(pool), t.amount, 0, type(uint40).max, nonce)
    );
    return
      sign(
        PAYER_KEY,
        keccak256(abi.encodePacked(hex"1901", euro.DOMAIN_SEPARATOR(), message))
      );
  }

  function authorise(IFlexRequests.RequestTerms memory t) private view returns (bytes memory) {
    return authorise(t, pool.authorizationNonceOf(pool.requestIdOf(t)));
  }

  function openAuthorised(IFlexRequests.RequestTerms memory t, bytes memory signature) private {
    vm.prank(NOBODY);
    pool.openRequestWithAuthorization(t, 0, type(uint40).max, signature);
  }

  function test_anAuthorisationOpensNoOtherTerms() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes memory signature = authorise(t);
    t.termsHash = keccak256("dearer terms");
    vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
    openAuthorised(t, signature);
  }

  function test_anAuthorisationWithAFreeNonceIsRefused() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes memory signature = authorise(t, bytes32(uint256(1) << 64));
    vm.expectRevert(ERC3009.ERC3009InvalidSignature.selector);
    openAuthorised(t, signature);
  }

  function test_anAuthorisationCannotBeTakenByAnyoneButThePool() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes memory signature = authorise(t);
    bytes32 nonce = pool.authorizationNonceOf(pool.requestIdOf(t));
    vm.expectRevert(
      abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(pool))
    );
    vm.prank(NOBODY);
    euro.receiveWithAuthorization(
      payer,
      address(pool),
      100,
      0,
      type(uint40).max,
      nonce,
      signature
    );
  }

  function test_aSecondRelayOfTheSameAuthorisationChangesNothing() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes memory signature = authorise(t);
    openAuthorised(t, signature);
    expectWrongState(pool.requestIdOf(t), IFlexRequests.State.Funded, IFlexRequests.State.None);
    openAuthorised(t, signature);
    Check.eq(pool.locked(), 100, "locked");
  }

  function test_anyoneMayRelayAnAuthorisation() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    openAuthorised(t, authorise(t));
    checkState(pool.requestIdOf(t), IFlexRequests.State.Funded);
    Check.eq(euro.balanceOf(address(pool)), 100, "escrow");
  }

  function test_authorisationsOfOnePayerAreIndependentOfTheirOrder() public {
    IFlexRequests.RequestTerms memory a = terms(1);
    IFlexRequests.RequestTerms memory b = terms(2);
    openAuthorised(b, authorise(b));
    openAuthorised(a, authorise(a));
    Check.eq(pool.locked(), 3, "locked");
  }

  function testFuzz_theNonceIsTheFirst24BytesOfTheId(bytes32 id) public view {
    uint256 nonce = uint256(pool.authorizationNonceOf(id));
    Check.eq(nonce >> 64, uint256(id) >> 64, "key");
    Check.eq(uint64(nonce), 0, "sequence");
  }

  function test_aFrontRunPermitDoesNotStopThePayer() public {
    vm.prank(payer);
    euro.approve(address(pool), 0);
    bytes32 typehash = keccak256(
      "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );
    bytes32 message = keccak256(
      abi.encode(typehash, payer, address(pool), 100, euro.nonces(payer), START + 1)
    );
    bytes32 digest = keccak256(abi.encodePacked(hex"1901", euro.DOMAIN_SEPARATOR(), message));
    (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, digest);
    vm.prank(NOBODY);
    euro.permit(payer, address(pool), 100, START + 1, v, r, s);
    vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
    euro.permit(payer, address(pool), 100, START + 1, v, r, s);
    checkState(open(100), IFlexRequests.State.Funded);
  }

  // ---------------------------------------------------------------- happy path

  function test_openingLocksTheEscrowAndSaysSo() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes32 id = pool.requestIdOf(t);
    vm.expectEmit(address(pool));
    emit IFlexRequests.RequestOpened(
      id,
      payer,
      100,
      t.deliverStart,
      t.deliverEnd,
      t.settleBy,
      1,
      t.termsHash
    );
    Check.eq(open(t), id, "id");
    IFlexRequests.Request memory r = pool.request(id);
    Check.eq(r.payer, payer, "payer");
    Check.eq(r.amount, 100, "amount");
    Check.eq(r.deliverStart, t.deliverStart, "deliverStart");
    Check.eq(r.deliverEnd, t.deliverEnd, "deliverEnd");
    Check.eq(r.settleBy, t.settleBy, "settleBy");
    Check.eq(r.verifierSetId, 1, "verifierSetId");
    Check.eq(r.round, 0, "round");
    Check.eq(r.windowEnd, 0, "windowEnd");
    Check.yes(!r.accounted, "not accounted");
    Check.eq(pool.locked(), 100, "locked");
    checkSolvent();
  }

  function testFuzz_everyFieldOfTheTermsChangesTheId(uint8 field, uint32 by) public {
    vm.assume(by > 0);
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes32 id = pool.requestIdOf(t);
    field %= 8;
    if (field == 0) t.payer = address(uint160(t.payer) ^ by);
    if (field == 1) t.amount ^= by;
    if (field == 2) t.deliverStart ^= by;
    if (field == 3) t.deliverEnd ^= by;
    if (field == 4) t.settleBy ^= by;
    if (field == 5) t.verifierSetId ^= by;
    if (field == 6) t.termsHash ^= bytes32(uint256(by));
    if (field == 7) t.salt ^= bytes32(uint256(by));
    Check.yes(pool.requestIdOf(t) != id, "another id");
  }

  function test_anIdBelongsToOnePoolOnOneChain() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    bytes32 id = pool.requestIdOf(t);
    Check.yes(newPool(IERC20(address(euro))).requestIdOf(t) != id, "another pool");
    vm.chainId(77);
    Check.yes(pool.requestIdOf(t) != id, "another chain");
  }

  function testFuzz_openingMovesExactlyTheAmount(uint64 amount) public {
    vm.assume(amount > 0);
    euro.mint(payer, amount);
    uint256 before = euro.balanceOf(payer);
    open(amount);
    Check.eq(before - euro.balanceOf(payer), amount, "paid");
    Check.eq(euro.balanceOf(address(pool)), amount, "received");
    Check.eq(pool.locked(), amount, "locked");
  }
}

