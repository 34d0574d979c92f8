// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title A bucket that refills within a day, kept as one time
/// @notice `level` is the time at which the bucket is full again: what was taken moves it on by as
/// long as that takes to flow back. OpenZeppelin's `RateLimiter` keeps its capacity in storage, so a
/// capacity that grows with every epoch would cost each payout two more slots; and it knows only all
/// or nothing, by which a payout above a day's limit would never go out.
library OutflowLimit {
  uint256 private constant DAY = 1 days;
  /// @dev Parts of a second, so that small payouts are not rounded up to whole seconds of refill.
  uint256 private constant SECOND = 2 ** 16;
  /// @dev A payout waits until at least this part of a day's limit, or all of it, can go out, so that
  /// nobody can cut what others are owed into dust.
  uint256 private constant SLICES = 24;

  /// @notice How much is in the bucket now.
  /// @param level as kept
  /// @param perDay the bucket's size
  function room(uint256 level, uint256 perDay) internal view returns (uint256) {
    uint256 until = (block.timestamp + DAY) * SECOND;
    if (until <= level) return 0;
    return ((until - Math.max(level, _now())) * perDay) / (DAY * SECOND);
  }

  /// @notice What of `wanted` may go out of `room_`: all, a part worth paying, or nothing.
  function part(
    uint256 room_,
    uint256 perDay,
    uint256 wanted
  ) internal pure returns (uint256) {
    return room_ < _slice(perDay, wanted) ? 0 : Math.min(room_, wanted);
  }

  /// @notice The first second at which a part of `wanted` may go out, if nobody else takes.
  function partFrom(
    uint256 level,
    uint256 perDay,
    uint256 wanted
  ) internal pure returns (uint256) {
    uint256 full = Math.ceilDiv(level + _refill(perDay, _slice(perDay, wanted)), SECOND);
    return Math.max(full, DAY) - DAY;
  }

  /// @notice The level after `amount` went out.
  function taken(uint256 level, uint256 perDay, uint256 amount) internal view returns (uint256) {
    return Math.max(level, _now()) + _refill(perDay, amount);
  }

  function _slice(uint256 perDay, uint256 wanted) private pure returns (uint256) {
    return Math.min(wanted, Math.ceilDiv(perDay, SLICES));
  }

  function _refill(uint256 perDay, uint256 amount) private pure returns (uint256) {
    return Math.ceilDiv(amount * DAY * SECOND, perDay);
  }

  function _now() private view returns (uint256) {
    return block.timestamp * SECOND;
  }
}
