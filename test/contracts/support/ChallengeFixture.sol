// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {vm} from "./Vm.sol";

/// @notice A request of 100 at the end of its delivery, and a stranger with one bond in its pocket.
abstract contract ChallengeFixture is Fixture {
  bytes32 internal id;

  function setUp() public virtual override {
    super.setUp();
    euro.mint(CHALLENGER, BOND);
    vm.prank(CHALLENGER);
    euro.approve(address(pool), type(uint256).max);
    id = open(100);
    vm.warp(pool.request(id).deliverEnd);
  }

  function challenge() internal {
    vm.prank(CHALLENGER);
    pool.challenge(id);
  }

  /// @dev Waits for the end of the window and finalises; returns the rest's id.
  function finalised() internal returns (bytes32) {
    vm.warp(pool.request(id).windowEnd);
    pool.finalize(id);
    return pool.roundIdOf(id, uint256(pool.request(id).round) + 1);
  }
}
