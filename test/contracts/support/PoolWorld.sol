// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {BlocklistEuro} from "./OddTokens.sol";
import {Fixture} from "./Fixture.sol";
import {TreeBuilder} from "./TreeBuilder.sol";
import {vm} from "./Vm.sol";

/// @notice A pool with two payers and eight payees, and a model of what must be true of it.
/// Everything the pool should know is kept here a second time, computed another way.
abstract contract PoolWorld is Fixture {
  using TreeBuilder for TreeBuilder.Tree;

  uint256 internal constant PAYEES = 8;
  /// @dev Each payee has this many: its own account and others that it may name.
  uint256 internal constant ADDRESSES = 3;
  uint256 internal constant SECOND_PAYER_KEY = 0xD51;
  uint256 internal constant START_MONEY = 1_000_000e6;

  /// @dev What a request should come to.
  struct Expected {
    address payer;
    uint128 amount;
    uint128 payout;
    uint128 fee;
    uint128 held;
    bool isRest; // held by an earlier round; its money was spent on the request
    bool signed; // a quorum signed this payout for this request
    uint48 signedAt;
    bytes32 digest; // of the last round that a quorum signed
    bool counted; // in the pending or the live tree
    uint128 doubted; // what a challenger staked on that this is not confirmed, 0 without a stake
  }

  bytes32[] public ids;
  mapping(bytes32 id => Expected) public expected;
  uint256 public donated;
  uint256 public nowAt;
  uint256 public bondsGiven;
  uint256 public bondsReturned;
  uint256 public bondsForfeited;
  address[2] internal payers;

  uint64[PAYEES] public liveCum;
  uint64[PAYEES] public pendingCum;
  uint64[PAYEES] public highestCum;
  uint64[PAYEES] public lastClaimed;
  /// @dev Where each index is paid; an account of a tree may have moved to another address.
  address[PAYEES] public liveAccounts;
  address[PAYEES] public pendingAccounts;
  bytes32[] internal pendingIds;
  uint256 internal pendingThief; // index that loses in the pending tree plus one, 0 if honest
  bool public everRobbed; // a dishonest tree went live
  uint256 internal epochsTried;

  function setUp() public virtual override {
    super.setUp();
    nowAt = START;
    payers = [payer, vm.addr(SECOND_PAYER_KEY)];
    for (uint256 i = 0; i < PAYEES; ++i) liveAccounts[i] = payee(i);
    grant(PAYER_ROLE, payers[1]);
    euro.mint(payers[1], START_MONEY);
    vm.prank(payers[1]);
    euro.approve(address(pool), type(uint256).max);
    euro.mint(CHALLENGER, START_MONEY);
    vm.prank(CHALLENGER);
    euro.approve(address(pool), type(uint256).max);
  }

  function idCount() external view returns (uint256) {
    return ids.length;
  }

  /// @dev The addresses of an index belong to no other one.
  function addressOf(uint256 idx, uint256 k) internal pure returns (address) {
    return k == 0 ? payee(idx) : address(uint160(0xB000 + ADDRESSES * idx + k));
  }

  function liveTree() internal view returns (TreeBuilder.Tree memory) {
    return treeFrom(liveCum, liveAccounts);
  }

  function pendingTree() internal view returns (TreeBuilder.Tree memory) {
    return treeFrom(pendingCum, pendingAccounts);
  }

  function treeFrom(
    uint64[PAYEES] memory cum,
    address[PAYEES] memory accounts
  ) internal pure returns (TreeBuilder.Tree memory) {
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](PAYEES);
    for (uint256 i = 0; i < PAYEES; ++i) {
      leaves[i] = leaf(i, cum[i] > 0 ? accounts[i] : address(0), cum[i]);
    }
    return TreeBuilder.build(leaves);
  }

  function stateOf(bytes32 id) internal view returns (IFlexRequests.State) {
    return pool.state(id);
  }

  function isPaidOut(IFlexRequests.State s) internal pure returns (bool) {
    return s == IFlexRequests.State.Final || s == IFlexRequests.State.PartlyFinal;
  }

  /// @dev To be called after a request went final: what it held is a request from now on, and a bond
  /// is decided or waits with it.
  function expectFinal(bytes32 id) internal {
    Expected memory e = expected[id];
    uint128 confirmed = e.payout + e.fee;
    if (e.doubted > 0 && confirmed >= e.doubted) bondsForfeited += BOND;
    else if (e.doubted > 0 && e.held == 0) bondsReturned += BOND;
    if (e.held == 0) return;
    bytes32 restId = keccak256(abi.encode(id, uint256(pool.request(id).round) + 1));
    ids.push(restId);
    expected[restId].payer = e.payer;
    expected[restId].amount = e.held;
    expected[restId].isRest = true;
    if (confirmed < e.doubted) expected[restId].doubted = e.doubted - confirmed;
  }

  /// @dev To be called after a request went back to its payer because nobody settled it.
  function expectRefund(bytes32 id) internal {
    if (expected[id].doubted > 0) bondsReturned += BOND;
  }
}
