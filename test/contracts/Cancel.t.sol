// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice A payer that is a contract, as a treasury with several keys is.
contract Treasury is IERC1271 {
  address private immutable KEYHOLDER;

  constructor(address keyholder) {
    KEYHOLDER = keyholder;
  }

  function open(
    IERC20 token,
    FlexPool pool,
    IFlexRequests.RequestTerms calldata t
  ) external returns (bytes32) {
    token.approve(address(pool), t.amount);
    return pool.openRequest(t);
  }

  function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
    (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
    bool valid = ecrecover(hash, uint8(signature[64]), r, s) == KEYHOLDER;
    return valid ? IERC1271.isValidSignature.selector : bytes4(0);
  }
}

contract CancelTest is Fixture {
  function test_onlyThePayerCancels() public {
    bytes32 id = open(100);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.NotPayer.selector, payer, NOBODY));
    vm.prank(NOBODY);
    pool.cancel(id);
  }

  function test_anUnknownRequestCannotBeCancelled() public {
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.NotPayer.selector, address(0), NOBODY));
    vm.prank(NOBODY);
    pool.cancel("unknown");
  }

  function test_fromTheStartOfDeliveryItIsTooLate() public {
    bytes32 id = open(100);
    uint48 start = pool.request(id).deliverStart;
    vm.warp(start);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooLate.selector, start, start - 1));
    vm.prank(payer);
    pool.cancel(id);
  }

  function test_aRequestIsCancelledOnce() public {
    bytes32 id = open(100);
    vm.prank(payer);
    pool.cancel(id);
    expectWrongState(id, IFlexRequests.State.Cancelled, IFlexRequests.State.Funded);
    vm.prank(payer);
    pool.cancel(id);
  }

  function test_cancellingReturnsTheWholeEscrowAsCredit() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverStart - 1);
    vm.expectEmit(address(pool));
    emit IFlexRequests.RequestCancelled(id, 100);
    vm.prank(payer);
    pool.cancel(id);
    checkState(id, IFlexRequests.State.Cancelled);
    Check.eq(pool.credit(payer), 100, "credit");
    Check.eq(pool.locked(), 0, "locked");
    checkSolvent();
  }

  function test_aSignatureOfAnotherKeyDoesNotCancel() public {
    bytes32 id = open(100);
    bytes memory signature = sign(verifierKeys[0], pool.cancelDigest(id));
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.NotSignedByPayer.selector, payer));
    pool.cancelWithSignature(id, signature);
  }

  function test_aSignatureForAnotherRequestDoesNotCancel() public {
    bytes32 id = open(100);
    bytes memory signature = sign(PAYER_KEY, pool.cancelDigest(open(100)));
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.NotSignedByPayer.selector, payer));
    pool.cancelWithSignature(id, signature);
  }

  function test_noSignatureCancelsAnUnknownRequest() public {
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.NotSignedByPayer.selector, address(0)));
    pool.cancelWithSignature("unknown", new bytes(65));
  }

  function test_aSignedCancellationIsTooLateToo() public {
    bytes32 id = open(100);
    bytes memory signature = sign(PAYER_KEY, pool.cancelDigest(id));
    uint48 start = pool.request(id).deliverStart;
    vm.warp(start);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooLate.selector, start, start - 1));
    pool.cancelWithSignature(id, signature);
  }

  function test_aSignedCancellationDoesNotUndoASettlement() public {
    bytes32 id = open(100);
    bytes memory signature = sign(PAYER_KEY, pool.cancelDigest(id));
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 0);
    expectWrongState(id, IFlexRequests.State.Proposed, IFlexRequests.State.Funded);
    pool.cancelWithSignature(id, signature);
  }

  function test_anyoneMayRelayThePayersCancellation() public {
    bytes32 id = open(100);
    bytes memory signature = sign(PAYER_KEY, pool.cancelDigest(id));
    vm.prank(NOBODY);
    pool.cancelWithSignature(id, signature);
    checkState(id, IFlexRequests.State.Cancelled);
    Check.eq(pool.credit(payer), 100, "credit goes to the payer");
  }

  function test_aTreasuryContractOpensAndCancels() public {
    Treasury treasury = new Treasury(vm.addr(PAYER_KEY));
    euro.mint(address(treasury), 100);
    grant(PAYER_ROLE, address(treasury));
    IFlexRequests.RequestTerms memory t = terms(100);
    t.payer = address(treasury);
    bytes32 id = treasury.open(euro, pool, t);
    pool.cancelWithSignature(id, sign(PAYER_KEY, pool.cancelDigest(id)));
    Check.eq(pool.credit(address(treasury)), 100, "credit");
  }
}
