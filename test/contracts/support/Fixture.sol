// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../../contracts/FlexPool.sol";
import {FlexPoolFactory} from "../../../contracts/FlexPoolFactory.sol";
import {VerifierRegistry} from "../../../contracts/VerifierRegistry.sol";
import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {PoolConfig} from "../../../contracts/interfaces/IPoolConfiguration.sol";
import {TestEuro} from "../../../contracts/mocks/TestEuro.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {TreeBuilder} from "./TreeBuilder.sol";
import {Check, vm} from "./Vm.sol";

/// @notice A pool with three verifiers (two needed), a payer with money, and builders.
abstract contract Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  uint48 internal constant START = 1_800_000_000;
  uint48 internal constant DISPUTE_WINDOW = 1 days;
  uint48 internal constant EPOCH_WINDOW = 2 days;
  uint48 internal constant REFUND_GRACE = 14 days;
  uint48 internal constant HELD_WINDOW = 30 days;
  uint64 internal constant BOND = 5e6;
  uint8 internal constant QUORUM = 2;
  uint256 internal constant PAYER_KEY = 0xD50;
  uint256 internal constant ARBITER_KEY = 0xA4B;
  address internal constant FEE_RECEIVER = address(0xFEE);
  address internal constant NOBODY = address(0xB0B);
  address internal constant CHALLENGER = address(0xC4A);
  address internal constant OWNER = address(0xAD);
  uint64 internal constant PAYER_ROLE = 1;
  uint64 internal constant GUARDIAN_ROLE = 2;

  TestEuro internal euro;
  AccessManager internal manager;
  FlexPoolFactory internal factory;
  VerifierRegistry internal registry;
  FlexPool internal pool;
  address internal payer;
  /// @dev Ascending by address.
  uint256[] internal verifierKeys;
  uint256 private _salt;
  bytes private _kept;

  function setUp() public virtual {
    vm.warp(START);
    payer = vm.addr(PAYER_KEY);
    euro = new BlocklistEuro(address(this));
    manager = new AccessManager(OWNER);
    registry = new VerifierRegistry(address(manager));
    factory = new FlexPoolFactory(address(new FlexPool()), address(manager));
    grant(PAYER_ROLE, payer);
    verifierKeys = ascending(0x11, 0x22, 0x33);
    addSet(verifierKeys, QUORUM);
    pool = newPool(IERC20(address(euro)));
    euro.mint(payer, 1_000_000e6);
    vm.prank(payer);
    euro.approve(address(pool), type(uint256).max);
  }

  // ---------------------------------------------------------------- parties

  function newPool(IERC20 token) internal returns (FlexPool) {
    return newPool(token, vm.addr(ARBITER_KEY));
  }

  function newPool(IERC20 token, address arbiter) internal returns (FlexPool) {
    PoolConfig memory config = poolConfig(token);
    config.arbiter = arbiter;
    return createPool(config, bytes32(++_salt));
  }

  function poolConfig(IERC20 token) internal view returns (PoolConfig memory) {
    return
      PoolConfig({
        token: token,
        verifierRegistry: registry,
        feeReceiver: FEE_RECEIVER,
        arbiter: vm.addr(ARBITER_KEY),
        disputeWindow: DISPUTE_WINDOW,
        epochWindow: EPOCH_WINDOW,
        refundGrace: REFUND_GRACE,
        heldWindow: HELD_WINDOW,
        outflowBps: 0,
        payerRole: PAYER_ROLE,
        guardianRole: GUARDIAN_ROLE,
        challengeBond: BOND
      });
  }

  function createPool(PoolConfig memory config, bytes32 programme) internal returns (FlexPool) {
    vm.prank(OWNER);
    return FlexPool(factory.createPool(config, programme));
  }

  /// @dev At once and for use at once: the owner of these tests has no delay.
  function grant(uint64 role, address account) internal {
    vm.prank(OWNER);
    manager.grantRole(role, account, 0);
  }

  function addSet(uint256[] memory keys, uint8 quorum) internal {
    address[] memory signers = new address[](keys.length);
    for (uint256 i = 0; i < keys.length; ++i) signers[i] = vm.addr(keys[i]);
    vm.prank(OWNER);
    registry.addSet(signers, quorum);
  }

  function ascending(
    uint256 a,
    uint256 b,
    uint256 c
  ) internal pure returns (uint256[] memory keys) {
    keys = new uint256[](3);
    (keys[0], keys[1], keys[2]) = (a, b, c);
    for (uint256 i = 0; i < 2; ++i) {
      for (uint256 j = 0; j < 2 - i; ++j) {
        if (vm.addr(keys[j]) > vm.addr(keys[j + 1])) {
          (keys[j], keys[j + 1]) = (keys[j + 1], keys[j]);
        }
      }
    }
  }

  function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
    (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
    return abi.encodePacked(r, s, v);
  }

  /// @dev The first `count` verifiers, in ascending order.
  function signatures(
    bytes32 digest,
    uint256 count
  ) internal view returns (bytes[] memory sigs) {
    sigs = new bytes[](count);
    for (uint256 i = 0; i < count; ++i) sigs[i] = sign(verifierKeys[i], digest);
  }

  function signatures(bytes32 digest) internal view returns (bytes[] memory) {
    return signatures(digest, QUORUM);
  }

  // ---------------------------------------------------------------- layer 1

  /// @dev Delivery from one to two hours from now, settlement within three days of it.
  function terms(uint128 amount) internal returns (IFlexRequests.RequestTerms memory t) {
    t.payer = payer;
    t.amount = amount;
    t.deliverStart = uint48(block.timestamp) + 1 hours;
    t.deliverEnd = t.deliverStart + 1 hours;
    t.settleBy = t.deliverEnd + 3 days;
    t.verifierSetId = registry.currentSetId();
    t.termsHash = keccak256("terms");
    t.salt = bytes32(++_salt);
  }

  function open(IFlexRequests.RequestTerms memory t) internal returns (bytes32) {
    vm.prank(t.payer);
    return pool.openRequest(t);
  }

  function open(uint128 amount) internal returns (bytes32) {
    return open(terms(amount));
  }

  function settlement(
    bytes32 id,
    uint128 payout,
    uint128 fee
  ) internal pure returns (IFlexRequests.Settlement memory s) {
    s.requestId = id;
    s.round = 1;
    s.evidenceRoot = keccak256("evidence");
    s.bundleHash = keccak256("bundle");
    s.linesRoot = keccak256("lines");
    s.payoutTotal = payout;
    s.feeTotal = fee;
    s.deliveredWh = -42;
  }

  function propose(bytes32 id, uint128 payout, uint128 fee) internal {
    IFlexRequests.Settlement memory s = settlement(id, payout, fee);
    pool.proposeSettlement(s, signatures(pool.settlementDigest(s)));
  }

  /// @dev The next round of a request or rest, with `held` held.
  function nextRound(
    bytes32 id,
    uint128 payout,
    uint128 fee,
    uint128 held
  ) internal view returns (IFlexRequests.Settlement memory s) {
    s = settlement(id, payout, fee);
    s.round = pool.request(id).round + 1;
    s.heldTotal = held;
  }

  function proposeNext(
    bytes32 id,
    uint128 payout,
    uint128 fee,
    uint128 held,
    uint256 votes
  ) internal {
    IFlexRequests.Settlement memory s = nextRound(id, payout, fee, held);
    pool.proposeSettlement(s, signatures(pool.settlementDigest(s), votes));
  }

  /// @dev A settlement of `payout` and `fee` that holds `held`; returns the rest's id.
  function settleHolding(
    bytes32 id,
    uint128 payout,
    uint128 fee,
    uint128 held
  ) internal returns (bytes32) {
    vm.warp(pool.request(id).deliverEnd);
    proposeNext(id, payout, fee, held, QUORUM);
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
    return pool.roundIdOf(id, 2);
  }

  /// @dev Moves the time to the end of delivery, proposes, waits and finalises.
  function settle(bytes32 id, uint128 payout, uint128 fee) internal {
    vm.warp(pool.request(id).deliverEnd);
    propose(id, payout, fee);
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
  }

  /// @dev A final request with this payout, a fee of 1 and a refund of 1.
  function finalRequest(uint128 payout) internal returns (bytes32 id) {
    id = open(payout + 2);
    settle(id, payout, 1);
  }

  // ---------------------------------------------------------------- layer 2

  function leaf(
    uint256 idx,
    address account,
    uint64 cum
  ) internal pure returns (IFlexPayouts.Leaf memory) {
    return IFlexPayouts.Leaf(idx, account, cum);
  }

  function payee(uint256 idx) internal pure returns (address) {
    return address(uint160(0xA000 + idx));
  }

  /// @dev A tree of four: payees 0 to 3 with these amounts; an amount of 0 is padding.
  function treeOf(
    uint64 a,
    uint64 b,
    uint64 c,
    uint64 d
  ) internal pure returns (TreeBuilder.Tree memory) {
    uint64[4] memory amounts = [a, b, c, d];
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](4);
    for (uint256 i = 0; i < 4; ++i) {
      leaves[i] = leaf(i, amounts[i] > 0 ? payee(i) : address(0), amounts[i]);
    }
    return TreeBuilder.build(leaves);
  }

  function one(bytes32 id) internal pure returns (bytes32[] memory ids) {
    ids = new bytes32[](1);
    ids[0] = id;
  }

  function epochFor(
    TreeBuilder.Tree memory t,
    bytes32[] memory ids
  ) internal view returns (IFlexPayouts.Epoch memory e) {
    e.epoch = pool.currentEpoch() + 1;
    e.prevRoot = pool.liveRoot();
    e.topHash = t.topHash();
    e.newTotal = t.total();
    e.requestIdsHash = keccak256(abi.encodePacked(ids));
    e.dataHash = keccak256("data");
  }

  function post(TreeBuilder.Tree memory t, bytes32[] memory ids) internal {
    IFlexPayouts.Epoch memory e = epochFor(t, ids);
    pool.postEpoch(e, ids, signatures(pool.epochDigest(e)));
  }

  function activate() internal {
    vm.warp(pool.pendingEpoch().activeFrom);
    pool.activateEpoch();
  }

  /// @dev Finalises the whole new amount as one request, posts the tree and activates it.
  function allocate(TreeBuilder.Tree memory t) internal {
    uint128 added = t.total() - pool.totalAllocated();
    post(t, added > 0 ? one(finalRequest(added)) : new bytes32[](0));
    activate();
  }

  /// @dev Keeps a tree for later: the legacy code generator cannot copy one into storage.
  function keep(TreeBuilder.Tree memory t) internal {
    _kept = abi.encode(t);
  }

  function kept() internal view returns (TreeBuilder.Tree memory) {
    return abi.decode(_kept, (TreeBuilder.Tree));
  }

  function claimLeaf(TreeBuilder.Tree memory t, uint256 idx) internal {
    pool.claim(idx, t.leaves[idx].account, t.leaves[idx].cum, t.proof(idx));
  }

  // ---------------------------------------------------------------- checks

  function expectWrongState(
    bytes32 id,
    IFlexRequests.State found,
    IFlexRequests.State expected
  ) internal {
    vm.expectRevert(abi.encodeWithSelector(IFlexRequests.WrongState.selector, id, found, expected));
  }

  function checkState(bytes32 id, IFlexRequests.State expected) internal view {
    Check.eq(uint256(pool.state(id)), uint256(expected), "state");
  }

  function checkSolvent() internal view {
    uint256 owed = uint256(pool.locked()) +
      pool.allocatable() +
      (pool.totalAllocated() - pool.totalClaimed()) +
      pool.totalCredit() +
      pool.totalBonds();
    Check.eq(euro.balanceOf(address(pool)), owed, "balance against books");
  }
}
