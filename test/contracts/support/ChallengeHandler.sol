// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {RequestHandler} from "./RequestHandler.sol";
import {vm} from "./Vm.sol";

/// @notice Doubts proposals, with a bond or with a proof, whenever and whosever they are.
abstract contract ChallengeHandler is RequestHandler {
  function challenge(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Proposed);
    bool allowed = canBeHeld(id) && !expected[id].isRest;
    bytes memory data = abi.encodeCall(pool.challenge, (id));
    address itsPayer = pool.request(id).payer;
    vm.prank(itsPayer);
    attempt(data, false, "challenged by its payer");
    vm.prank(CHALLENGER);
    attempt(data, allowed, "challenge");
    if (!allowed) return;
    bondsGiven += BOND;
    expected[id].doubted = expected[id].payout + expected[id].fee;
    expectHeld(id);
  }

  /// @dev A quorum (of a rest: one more) says two things about one round, the proposed one or not.
  function challengeEquivocation(uint256 seed) external atNow {
    seed = mix(seed);
    bytes32 id = pick(seed, IFlexRequests.State.Proposed);
    bool allowed = canBeHeld(id);
    uint256 votes = expected[id].isRest ? QUORUM + 1 : QUORUM;
    IFlexRequests.Settlement memory one = settlement(id, uint128(seed >> 128), 0);
    IFlexRequests.Settlement memory other = settlement(id, uint128(seed >> 128), 1);
    one.round = other.round = uint8(seed >> 32);
    attempt(proofBy(one, other, votes - 1), false, "proved by too few");
    attempt(proofBy(one, one, votes), false, "proved by one statement");
    attempt(proofBy(one, other, votes), allowed, "challenge proved");
    if (allowed) expectHeld(id);
  }

  function proofBy(
    IFlexRequests.Settlement memory one,
    IFlexRequests.Settlement memory other,
    uint256 votes
  ) private view returns (bytes memory) {
    bytes[] memory forOne = signatures(pool.settlementDigest(one), votes);
    bytes[] memory forOther = signatures(pool.settlementDigest(other), votes);
    return abi.encodeCall(pool.challengeEquivocation, (one, forOne, other, forOther));
  }

  function canBeHeld(bytes32 id) private view returns (bool) {
    IFlexRequests.Request memory r = pool.request(id);
    bool open = r.state == IFlexRequests.State.Proposed && nowAt < r.windowEnd;
    return open && expected[id].payout + expected[id].fee > 0;
  }

  function expectHeld(bytes32 id) private {
    Expected storage e = expected[id];
    e.held += e.payout + e.fee;
    (e.payout, e.fee) = (0, 0);
  }
}
