// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowAccounting} from "../../contracts/interfaces/IEscrowAccounting.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

contract ExitTest is Fixture {
  // ---------------------------------------------------------------- refundExpired

  function test_noRefundBeforeTheGraceIsOver() public {
    bytes32 id = open(100);
    uint256 from = uint256(pool.request(id).settleBy) + REFUND_GRACE + 1;
    vm.warp(from - 1);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooEarly.selector, from - 1, from));
    pool.refundExpired(id);
  }

  function test_noRefundOfAProposedSettlement() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 1);
    vm.warp(START + 365 days);
    expectWrongState(id, IFlexRequests.State.Proposed, IFlexRequests.State.Funded);
    pool.refundExpired(id);
  }

  function test_anyoneRefundsAndOnlyThePayerGetsIt() public {
    bytes32 id = open(100);
    vm.warp(uint256(pool.request(id).settleBy) + REFUND_GRACE + 1);
    vm.expectEmit(address(pool));
    emit IFlexRequests.RequestRefunded(id, 100);
    vm.prank(NOBODY);
    pool.refundExpired(id);
    checkState(id, IFlexRequests.State.Refunded);
    Check.eq(pool.credit(payer), 100, "credit");
    Check.eq(pool.credit(NOBODY), 0, "the caller gets nothing");
    Check.eq(pool.locked(), 0, "locked");
    checkSolvent();
  }

  function test_aRefundComesOnce() public {
    bytes32 id = open(100);
    vm.warp(uint256(pool.request(id).settleBy) + REFUND_GRACE + 1);
    pool.refundExpired(id);
    expectWrongState(id, IFlexRequests.State.Refunded, IFlexRequests.State.Funded);
    pool.refundExpired(id);
  }

  // ---------------------------------------------------------------- returnUnallocated

  function test_aFinalPayoutWaitsAYearForAnEpoch() public {
    bytes32 id = finalRequest(60);
    uint256 from = uint256(pool.request(id).windowEnd) + 365 days;
    vm.warp(from - 1);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooEarly.selector, from - 1, from));
    pool.returnUnallocated(id);
  }

  function test_onlyAFinalPayoutCanBeReturned() public {
    bytes32 id = open(100);
    vm.warp(START + 700 days);
    expectWrongState(id, IFlexRequests.State.Funded, IFlexRequests.State.Final);
    pool.returnUnallocated(id);
  }

  function test_aPayoutInAPendingOrLiveTreeIsNotReturned() public {
    bytes32 id = finalRequest(60);
    post(treeOf(60, 0, 0, 0), one(id));
    vm.warp(START + 700 days);
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.AlreadyAccounted.selector, id));
    pool.returnUnallocated(id);
    pool.activateEpoch();
    vm.expectRevert(abi.encodeWithSelector(IFlexPayouts.AlreadyAccounted.selector, id));
    pool.returnUnallocated(id);
  }

  function test_silentVerifiersCannotFreezeAFinalPayout() public {
    bytes32 id = finalRequest(60);
    vm.warp(uint256(pool.request(id).windowEnd) + 365 days);
    uint256 before = pool.credit(payer);
    vm.expectEmit(address(pool));
    emit IFlexRequests.PayoutReturned(id, 60);
    vm.prank(NOBODY);
    pool.returnUnallocated(id);
    checkState(id, IFlexRequests.State.Refunded);
    Check.eq(pool.credit(payer) - before, 60, "credit");
    Check.eq(pool.allocatable(), 0, "allocatable");
    checkSolvent();
  }

  // ---------------------------------------------------------------- credit

  function test_noCreditNoWithdrawal() public {
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.NoCredit.selector, NOBODY));
    pool.withdrawCredit(NOBODY);
  }

  function test_creditGoesToItsOwnerWhoeverAsks() public {
    finalRequest(60);
    uint256 before = euro.balanceOf(payer);
    vm.expectEmit(address(pool));
    emit IEscrowAccounting.CreditWithdrawn(payer, 1);
    vm.prank(NOBODY);
    pool.withdrawCredit(payer);
    pool.withdrawCredit(FEE_RECEIVER);
    Check.eq(euro.balanceOf(payer) - before, 1, "refund");
    Check.eq(euro.balanceOf(FEE_RECEIVER), 1, "fee");
    Check.eq(pool.totalCredit(), 0, "no credit left");
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.NoCredit.selector, payer));
    pool.withdrawCredit(payer);
    checkSolvent();
  }
}
