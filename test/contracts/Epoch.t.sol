// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {VerifierRegistry} from "../../contracts/VerifierRegistry.sol";
import {IEscrowAccounting} from "../../contracts/interfaces/IEscrowAccounting.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {PayoutTree} from "../../contracts/libraries/PayoutTree.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

contract PostEpochTest is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  function refused(
    IFlexPayouts.Epoch memory e,
    bytes32[] memory ids,
    bytes memory err
  ) private {
    bytes[] memory sigs = signatures(pool.epochDigest(e));
    vm.expectRevert(err);
    pool.postEpoch(e, ids, sigs);
  }

  // ---------------------------------------------------------------- refusals

  function test_oneRootWaitsAtATime() public {
    post(treeOf(60, 0, 0, 0), one(finalRequest(60)));
    bytes32[] memory ids = one(finalRequest(40));
    refused(
      epochFor(treeOf(60, 40, 0, 0), ids),
      ids,
      abi.encodeWithSelector(IFlexPayouts.EpochPending.selector, 1)
    );
  }

  function test_epochsAreCountedWithoutGaps() public {
    bytes32[] memory ids = one(finalRequest(60));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    e.epoch = 2;
    refused(e, ids, abi.encodeWithSelector(IFlexPayouts.WrongEpoch.selector, 2, 1));
  }

  function test_anEpochBuildsOnTheLiveRoot() public {
    bytes32[] memory ids = one(finalRequest(60));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    e.prevRoot = "other";
    refused(
      e,
      ids,
      abi.encodeWithSelector(IFlexPayouts.WrongPrevRoot.selector, bytes32("other"), bytes32(0))
    );
  }

  function test_theListOfRequestsIsTheSignedOne() public {
    bytes32[] memory ids = one(finalRequest(60));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    refused(
      e,
      new bytes32[](0),
      abi.encodeWithSelector(
        IFlexPayouts.WrongRequestIds.selector,
        keccak256(""),
        e.requestIdsHash
      )
    );
  }

  function test_aQuorumMustSign() public {
    bytes32[] memory ids = one(finalRequest(60));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    bytes[] memory sigs = signatures(pool.epochDigest(e), 1);
    vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.QuorumNotReached.selector, 1, 2));
    pool.postEpoch(e, ids, sigs);
  }

  function test_anOlderVerifierSetSignsNoEpochs() public {
    bytes32[] memory ids = one(finalRequest(60));
    uint256[] memory fresh = ascending(0x44, 0x55, 0x66);
    addSet(fresh, 2);
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    address stranger = vm.addr(verifierKeys[0]);
    refused(e, ids, abi.encodeWithSelector(IVerifierRegistry.NotAVerifier.selector, 2, stranger));
    verifierKeys = fresh;
    post(treeOf(60, 0, 0, 0), ids);
  }

  function test_withoutAnyVerifierSetNoEpochIsPosted() public {
    registry = new VerifierRegistry(address(manager));
    pool = newPool(IERC20(address(euro)));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(0, 0, 0, 0), new bytes32[](0));
    vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.UnknownVerifierSet.selector, 0));
    pool.postEpoch(e, new bytes32[](0), new bytes[](0));
  }

  function testFuzz_aChangeOfAnySignedFieldUndoesTheSignatures(uint8 field) public {
    bytes32[] memory ids = one(finalRequest(60));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(60, 0, 0, 0), ids);
    bytes[] memory sigs = signatures(pool.epochDigest(e));
    bytes32 digest = pool.epochDigest(e);
    field %= 3;
    if (field == 0) e.topHash = "other";
    if (field == 1) e.newTotal = 61;
    if (field == 2) e.dataHash = "other";
    Check.yes(pool.epochDigest(e) != digest, "another digest");
    vm.expectRevert();
    pool.postEpoch(e, ids, sigs);
  }

  function test_signaturesForAnotherPoolOrChainAreWorthNothing() public {
    FlexPool other = newPool(IERC20(address(euro)));
    bytes32[] memory ids = new bytes32[](0);
    IFlexPayouts.Epoch memory e = epochFor(treeOf(0, 0, 0, 0), ids);
    bytes[] memory sigs = signatures(pool.epochDigest(e));
    vm.expectRevert();
    other.postEpoch(e, ids, sigs);
    vm.chainId(77);
    vm.expectRevert();
    pool.postEpoch(e, ids, sigs);
  }

  function test_theTotalIsWhatTheListedRequestsAdd() public {
    bytes32[] memory ids = one(finalRequest(60));
    refused(
      epochFor(treeOf(61, 0, 0, 0), ids),
      ids,
      abi.encodeWithSelector(IFlexPayouts.WrongTotal.selector, 61, 60)
    );
    refused(
      epochFor(treeOf(59, 0, 0, 0), ids),
      ids,
      abi.encodeWithSelector(IFlexPayouts.WrongTotal.selector, 59, 60)
    );
  }

  function test_onlyFinalRequestsCount() public {
    bytes32 id = open(100);
    vm.warp(pool.request(id).deliverEnd);
    propose(id, 60, 0);
    vm.warp(pool.request(id).windowEnd);
    refused(
      epochFor(treeOf(60, 0, 0, 0), one(id)),
      one(id),
      abi.encodeWithSelector(
        IFlexRequests.WrongState.selector,
        id,
        IFlexRequests.State.Proposed,
        IFlexRequests.State.Final
      )
    );
  }

  function test_aRequestCountsOnceWithinAnEpoch() public {
    bytes32[] memory ids = new bytes32[](2);
    (ids[0], ids[1]) = (finalRequest(60), bytes32(0));
    ids[1] = ids[0];
    refused(
      epochFor(treeOf(120, 0, 0, 0), ids),
      ids,
      abi.encodeWithSelector(IFlexPayouts.AlreadyAccounted.selector, ids[0])
    );
  }

  function test_aRequestCountsOnceAcrossEpochs() public {
    bytes32[] memory ids = one(finalRequest(60));
    post(treeOf(60, 0, 0, 0), ids);
    activate();
    refused(
      epochFor(treeOf(120, 0, 0, 0), ids),
      ids,
      abi.encodeWithSelector(IFlexPayouts.AlreadyAccounted.selector, ids[0])
    );
  }

  /// @dev Money that was paid out can come in again, so the sum of all times outgrows the balance.
  function test_allPayoutsEverStayWithin64Bits() public {
    uint64 half = 1 << 63;
    euro.mint(payer, 1 << 64);
    TreeBuilder.Tree memory t = treeOf(half, 0, 0, 0);
    allocate(t);
    claimLeaf(t, 0);
    bytes32[] memory ids = one(finalRequest(half));
    IFlexPayouts.Epoch memory e = epochFor(treeOf(half, half, 0, 0), ids);
    bytes[] memory signed = signatures(pool.epochDigest(e));
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 1 << 64));
    pool.postEpoch(e, ids, signed);
  }

  function test_notActiveBeforeTheWindowIsOver() public {
    post(treeOf(60, 0, 0, 0), one(finalRequest(60)));
    uint48 from = pool.pendingEpoch().activeFrom;
    vm.warp(from - 1);
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.TooEarly.selector, from - 1, from));
    pool.activateEpoch();
  }

  function test_withoutAPendingRootNothingBecomesActive() public {
    vm.expectRevert(IFlexPayouts.NoEpochPending.selector);
    pool.activateEpoch();
    allocate(treeOf(60, 0, 0, 0));
    vm.expectRevert(IFlexPayouts.NoEpochPending.selector);
    pool.activateEpoch();
  }

  // ---------------------------------------------------------------- happy path

  function test_aPostedRootWaitsAndIsAnnounced() public {
    bytes32 id = finalRequest(60);
    TreeBuilder.Tree memory t = treeOf(60, 0, 0, 0);
    IFlexPayouts.Epoch memory e = epochFor(t, one(id));
    bytes[] memory sigs = signatures(pool.epochDigest(e));
    bytes32 root = PayoutTree.rootHash(t.topHash(), 60);
    uint48 from = uint48(block.timestamp) + EPOCH_WINDOW;
    vm.expectEmit(address(pool));
    emit IFlexPayouts.EpochPosted(1, root, 60, from);
    vm.prank(NOBODY);
    pool.postEpoch(e, one(id), sigs);
    IFlexPayouts.PendingEpoch memory p = pool.pendingEpoch();
    Check.eq(p.root, root, "root");
    Check.eq(p.newTotal, 60, "newTotal");
    Check.eq(p.epoch, 1, "epoch");
    Check.eq(p.activeFrom, from, "activeFrom");
    Check.eq(p.digest, pool.epochDigest(e), "digest");
    Check.yes(pool.request(id).accounted, "accounted");
    Check.eq(pool.liveRoot(), 0, "nothing live yet");
    Check.eq(pool.allocatable(), 60, "nothing moved yet");
  }

  function test_activationMovesExactlyTheDifference() public {
    allocate(treeOf(60, 0, 0, 0));
    TreeBuilder.Tree memory t = treeOf(60, 30, 0, 0);
    post(t, one(finalRequest(30)));
    finalRequest(7); // final, but not in this epoch
    vm.warp(pool.pendingEpoch().activeFrom);
    bytes32 root = PayoutTree.rootHash(t.topHash(), 90);
    vm.expectEmit(address(pool));
    emit IFlexPayouts.EpochActivated(2, root, 90);
    vm.prank(NOBODY);
    pool.activateEpoch();
    Check.eq(pool.totalAllocated(), 90, "allocated");
    Check.eq(pool.allocatable(), 7, "allocatable");
    Check.eq(pool.liveRoot(), root, "root");
    Check.eq(pool.currentEpoch(), 2, "epoch");
    Check.eq(pool.pendingEpoch().epoch, 0, "nothing pending");
    Check.eq(pool.pendingEpoch().root, bytes32(0), "nor is its root told");
    checkSolvent();
  }

  function test_anEpochWithoutRequestsRepairsAnUnusableTree() public {
    bytes32 id = finalRequest(60);
    TreeBuilder.Tree memory good = treeOf(60, 0, 0, 0);
    IFlexPayouts.Epoch memory e = epochFor(good, one(id));
    e.topHash = "nobody knows a leaf of this";
    pool.postEpoch(e, one(id), signatures(pool.epochDigest(e)));
    activate();
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    this.claimFrom(good, 0);
    allocate(good);
    claimLeaf(good, 0);
    Check.eq(euro.balanceOf(payee(0)), 60, "paid");
  }

  function claimFrom(TreeBuilder.Tree memory t, uint256 idx) external {
    claimLeaf(t, idx);
  }
}
