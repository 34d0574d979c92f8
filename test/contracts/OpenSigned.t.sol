// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IPoolGuard} from "../../contracts/interfaces/IPoolGuard.sol";
import {PermitEuro} from "../../contracts/mocks/PermitEuro.sol";
import {FeeToken, PlainToken, SilentToken} from "./support/OddTokens.sol";
import {OddPool} from "./support/OddPool.sol";
import {Treasury} from "./Cancel.t.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice A relayer opens with the payer's word and its allowance, where the token knows no ERC-3009.
contract OpenSignedTest is OddPool {
  PermitEuro private token;
  IFlexRequests.RequestTerms private t;

  function setUp() public override {
    super.setUp();
    token = new PermitEuro(address(this));
    pool = newPool(token);
    token.mint(payer, 1_000);
    t = terms(100);
  }

  function signedBy(uint256 key) private view returns (bytes memory) {
    return sign(key, pool.openDigest(pool.requestIdOf(t)));
  }

  function none() private pure returns (IFlexRequests.Permit memory p) {}

  function permitBy(
    uint256 key,
    uint256 value,
    uint256 deadline
  ) private view returns (IFlexRequests.Permit memory p) {
    (p.value, p.deadline) = (value, deadline);
    bytes32 typehash = keccak256(
      "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );
    bytes32 message = keccak256(
      abi.encode(typehash, payer, address(pool), value, token.nonces(payer), deadline)
    );
    bytes32 domain = token.DOMAIN_SEPARATOR();
    (p.v, p.r, p.s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, message)));
  }

  function permit(uint256 value) private view returns (IFlexRequests.Permit memory) {
    return permitBy(PAYER_KEY, value, START + 1);
  }

  function openBy(bytes memory signature, IFlexRequests.Permit memory p) private returns (bytes32) {
    vm.prank(NOBODY);
    return pool.openRequestWithSignature(t, signature, p);
  }

  function openBy(IFlexRequests.Permit memory p) private returns (bytes32) {
    return openBy(signedBy(PAYER_KEY), p);
  }

  function allow(uint256 amount) private {
    vm.prank(payer);
    token.approve(address(pool), amount);
  }

  function refused(bytes memory signature, IFlexRequests.Permit memory p, bytes memory err) private {
    vm.expectRevert(err);
    openBy(signature, p);
    Check.eq(token.balanceOf(address(pool)), 0, "nothing came in");
  }

  function notByPayer(bytes memory signature) private {
    allow(100);
    refused(
      signature,
      none(),
      abi.encodeWithSelector(IFlexRequests.NotSignedByPayer.selector, payer)
    );
  }

  function notAllowed(IFlexRequests.Permit memory p, uint256 allowance) private {
    bytes4 err = IERC20Errors.ERC20InsufficientAllowance.selector;
    refused(
      signedBy(PAYER_KEY),
      p,
      abi.encodeWithSelector(err, address(pool), allowance, 100)
    );
  }

  // ---------------------------------------------------------------- refusals

  function test_nobodySignsForThePayer() public {
    notByPayer(signedBy(ARBITER_KEY));
  }

  function test_aSignatureOpensNoOtherTerms() public {
    bytes memory signature = signedBy(PAYER_KEY);
    t.termsHash = keccak256("dearer terms");
    notByPayer(signature);
  }

  function test_aSignatureForAnotherPoolOpensNothing() public {
    bytes32 there = newPool(token).openDigest(pool.requestIdOf(t));
    notByPayer(sign(PAYER_KEY, there));
  }

  function test_aCancellationOpensNothing() public {
    notByPayer(sign(PAYER_KEY, pool.cancelDigest(pool.requestIdOf(t))));
  }

  function test_aSignedPayerNeedsTheRoleToo() public {
    t.payer = vm.addr(0xBAD);
    bytes memory err = abi.encodeWithSelector(IPoolGuard.NotInRole.selector, PAYER_ROLE, t.payer);
    refused(signedBy(0xBAD), none(), err);
  }

  function test_aSignatureOpensOnce() public {
    allow(1_000);
    bytes memory signature = signedBy(PAYER_KEY);
    bytes32 id = openBy(signature, none());
    expectWrongState(id, IFlexRequests.State.Funded, IFlexRequests.State.None);
    openBy(signature, none());
    vm.prank(payer);
    pool.cancel(id);
    expectWrongState(id, IFlexRequests.State.Cancelled, IFlexRequests.State.None);
    openBy(signature, none());
  }

  function test_withoutAnAllowanceNothingIsOpened() public {
    notAllowed(none(), 0);
    allow(99);
    notAllowed(none(), 99);
  }

  function test_aPermitOfSomebodyElseAllowsNothing() public {
    notAllowed(permitBy(ARBITER_KEY, 100, START + 1), 0);
  }

  function test_anExpiredPermitAllowsNothing() public {
    notAllowed(permitBy(PAYER_KEY, 100, START - 1), 0);
  }

  function test_aPermitForLessIsNotEnough() public {
    notAllowed(permit(99), 99);
  }

  function test_aFeeOnTransferIsRefusedBySignatureToo() public {
    switchTo(address(new FeeToken()));
    bytes memory signature = signedBy(PAYER_KEY);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.InexactTransfer.selector, 99, 100));
    pool.openRequestWithSignature(t, signature, none());
  }

  // ---------------------------------------------------------------- openings

  function test_anyoneOpensByThePayersAllowance() public {
    allow(100);
    bytes32 id = openBy(none());
    checkState(id, IFlexRequests.State.Funded);
    Check.eq(pool.request(id).payer, payer, "payer");
    Check.eq(pool.locked(), 100, "locked");
    Check.eq(token.balanceOf(address(pool)), 100, "escrow");
    Check.eq(token.allowance(payer, address(pool)), 0, "used up");
  }

  function test_aTokenThatKnowsNothingButAllowancesWorks() public {
    SilentToken silent = new SilentToken();
    switchTo(address(silent));
    checkState(openBy(none()), IFlexRequests.State.Funded);
    Check.eq(silent.balanceOf(address(pool)), 100, "escrow");
  }

  function test_aPermitForATokenWithoutPermitsIsPassedOver() public {
    switchTo(address(new PlainToken()));
    checkState(openBy(permit(100)), IFlexRequests.State.Funded);
  }

  function test_aPermitIsEnoughByItself() public {
    checkState(openBy(permit(100)), IFlexRequests.State.Funded);
    Check.eq(token.balanceOf(address(pool)), 100, "escrow");
  }

  function test_aPermitThatSomebodyUsedFirstStillOpens() public {
    IFlexRequests.Permit memory p = permit(100);
    vm.prank(NOBODY);
    token.permit(payer, address(pool), p.value, p.deadline, p.v, p.r, p.s);
    checkState(openBy(p), IFlexRequests.State.Funded);
  }

  function test_aPermitForMoreServesLaterRequests() public {
    openBy(permit(150));
    t = terms(50);
    checkState(openBy(none()), IFlexRequests.State.Funded);
    Check.eq(pool.locked(), 150, "locked");
  }

  function test_aTreasurysWordOpensToo() public {
    Treasury treasury = new Treasury(vm.addr(0x7EA));
    grant(PAYER_ROLE, address(treasury));
    token.mint(address(treasury), 100);
    t.payer = address(treasury);
    vm.prank(address(treasury));
    token.approve(address(pool), 100);
    checkState(openBy(signedBy(0x7EA), none()), IFlexRequests.State.Funded);
  }

  function testFuzz_exactlyTheAmountMovesBySignature(uint64 amount, uint64 more) public {
    vm.assume(amount > 0);
    t = terms(amount);
    token.mint(payer, amount);
    uint256 before = token.balanceOf(payer);
    openBy(permit(uint256(amount) + more));
    Check.eq(before - token.balanceOf(payer), amount, "paid");
    Check.eq(token.balanceOf(address(pool)), amount, "received");
    Check.eq(token.allowance(payer, address(pool)), more, "the rest stays allowed");
  }
}
