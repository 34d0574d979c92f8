// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPool} from "../../contracts/interfaces/IFlexPool.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IPayoutRecipients} from "../../contracts/interfaces/IPayoutRecipients.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {vm} from "./support/Vm.sol";

/// @notice The gas of each function of the pool, noted for `gas-snapshot.json`. Every call is the
/// last one before its note; the run for the snapshot gives each a transaction of its own.
contract GasSnapshotTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  function note(string memory name) private {
    vm.snapshotGasLastCall("FlexPool", name);
  }

  function wait(uint256 until) private {
    vm.warp(until);
  }

  function test_gasOfOpening() public {
    IFlexPool.RequestTerms memory t = terms(1_000);
    open(t);
    note("openRequest, the pool's first");
    open(terms(1_000));
    note("openRequest");
    IFlexPool.RequestTerms memory signed = terms(1_000);
    bytes memory signature = sign(PAYER_KEY, pool.openDigest(pool.requestIdOf(signed)));
    pool.openRequestWithSignature(signed, signature, IFlexRequests.Permit(0, 0, 0, 0, 0));
    note("openRequestWithSignature, from an allowance");
  }

  function test_gasOfCancelling() public {
    bytes32 first = open(1_000);
    bytes32 second = open(1_000);
    open(1_000);
    vm.prank(payer);
    pool.cancel(first);
    note("cancel, the payer's first");
    bytes memory signature = sign(PAYER_KEY, pool.cancelDigest(second));
    pool.cancelWithSignature(second, signature);
    note("cancelWithSignature");
  }

  function test_gasOfSettling() public {
    bytes32 first = open(1_000);
    bytes32 second = open(1_000);
    open(1_000);
    wait(pool.request(second).deliverEnd);
    propose(first, 800, 100);
    note("proposeSettlement, 2 signatures");
    proposeNext(second, 800, 100, 0, 3);
    note("proposeSettlement, 3 signatures");
    proposeNext(second, 700, 100, 100, 2);
    note("proposeSettlement, a later round that holds more");
    wait(pool.request(second).windowEnd);
    pool.finalize(first);
    note("finalize, the pool's first");
    pool.finalize(second);
    note("finalize, a part held");
    pool.withdrawCredit(payer);
    note("withdrawCredit");
  }

  function test_gasOfAChallenge() public {
    bytes32 id = open(1_000);
    bytes32 other = open(1_000);
    euro.mint(CHALLENGER, 2 * BOND);
    vm.prank(CHALLENGER);
    euro.approve(address(pool), BOND);
    wait(pool.request(id).deliverEnd);
    propose(id, 800, 100);
    propose(other, 800, 100);
    vm.prank(CHALLENGER);
    pool.challenge(id);
    note("challenge");
    IFlexPool.Settlement memory s = settlement(other, 800, 100);
    IFlexPool.Settlement memory t = settlement(other, 900, 100);
    bytes[] memory forOne = signatures(pool.settlementDigest(s));
    bytes[] memory forOther = signatures(pool.settlementDigest(t));
    pool.challengeEquivocation(s, forOne, t, forOther);
    note("challengeEquivocation, 2 signatures each");
    wait(pool.request(id).windowEnd);
    pool.finalize(id);
    note("finalize, all of it challenged");
    bytes32 restId = pool.roundIdOf(id, 2);
    proposeNext(restId, 800, 100, 0, 3);
    wait(pool.request(restId).windowEnd);
    pool.finalize(restId);
    note("finalize, a bond decided");
  }

  function test_gasOfTheExits() public {
    bytes32 first = open(1_000);
    bytes32 second = open(1_000);
    settle(first, 800, 100);
    wait(uint256(pool.request(second).settleBy) + REFUND_GRACE + 1);
    pool.refundExpired(second);
    note("refundExpired");
    wait(uint256(pool.request(first).windowEnd) + 365 days);
    pool.returnUnallocated(first);
    note("returnUnallocated");
  }

  function test_gasOfEpochs() public {
    bytes32[] memory ids = one(finalRequest(100));
    post(treeOf(10, 20, 30, 40), ids);
    note("postEpoch, 1 request");
    wait(pool.pendingEpoch().activeFrom);
    pool.activateEpoch();
    note("activateEpoch");
    TreeBuilder.Tree memory live = treeOf(10, 20, 30, 40);
    TreeBuilder.Tree memory worse = treeOf(9, 121, 30, 40);
    post(worse, one(finalRequest(100)));
    pool.proveDecrease(live.leaves[0], live.proof(0), worse.leaves[0], worse.proof(0));
    note("proveDecrease");
  }

  function test_gasOfClaiming() public {
    TreeBuilder.Tree memory t = treeOf(10, 20, 30, 40);
    allocate(t);
    claimLeaf(t, 0);
    note("claim, the pool's first");
    claimLeaf(t, 1);
    note("claim, a payee's first");
    t = treeOf(20, 40, 60, 80);
    allocate(t);
    claimLeaf(t, 1);
    note("claim");
  }

  function test_gasOfPayingAChunk() public {
    TreeBuilder.Tree memory t = wide(1);
    allocate(t);
    pool.payChunk(0, t.rows(0, 64), t.proof(0, 64));
    note("payChunk, 64 first payouts");
    t = wide(2);
    allocate(t);
    pool.payChunk(0, t.rows(0, 64), t.proof(0, 64));
    note("payChunk, 64 payouts");
  }

  function test_gasOfCreatingAPool() public {
    createPool(poolConfig(euro), "a programme");
    note("createPool");
    address[] memory signers = new address[](3);
    for (uint256 i = 0; i < 3; ++i) signers[i] = vm.addr(verifierKeys[i]);
    vm.prank(OWNER);
    registry.addSet(signers, QUORUM);
    note("addSet, 3 verifiers");
  }

  function test_gasOfPausing() public {
    grant(GUARDIAN_ROLE, NOBODY);
    vm.prank(NOBODY);
    pool.pause(START + 7 days);
    note("pause, the pool's first");
    vm.prank(NOBODY);
    pool.pause(START + 1 days);
    note("pause, made shorter");
    vm.prank(OWNER);
    pool.rearmPause();
    note("rearmPause");
  }

  function test_gasOfNamingARecipient() public {
    IPayoutRecipients list = pool.recipients();
    vm.prank(payee(0));
    list.setRecipient(NOBODY);
    note("setRecipient, the account's first");
    vm.prank(payee(0));
    list.cancelRecipient();
    note("cancelRecipient");
  }

  /// @dev 64 payees who have each earned `each`.
  function wide(uint64 each) private pure returns (TreeBuilder.Tree memory) {
    IFlexPool.Leaf[] memory leaves = new IFlexPool.Leaf[](64);
    for (uint256 i = 0; i < 64; ++i) leaves[i] = leaf(i, payee(i), each);
    return TreeBuilder.build(leaves);
  }
}
