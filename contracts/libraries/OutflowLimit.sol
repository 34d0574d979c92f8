// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A bucket that refills within a day, kept as one time
/// @notice `level` is the time at which the bucket is full again: what was taken moves it on by as
/// long as that takes to flow back. OpenZeppelin's `RateLimiter` keeps its capacity in storage, so
/// a capacity that grows with every epoch would cost each payout two more slots; and it knows only
/// all or nothing, by which a payout above a day's limit would never go out.
library OutflowLimit {
  // Unchecked below: amounts and limits are below 2^64 and times below 2^57, so every product fits.
  uint256 private constant DAY = 1 days;
  /// @dev Parts of a second, so that small payouts are not rounded up to whole seconds of refill.
  uint256 private constant SECOND = 2 ** 16;
  /// @dev A payout waits until at least this part of a day's limit, or all of it, can go out, so
  /// that nobody can cut what others are owed into dust.
  uint256 private constant SLICES = 24;

  /// @notice How much is in the bucket now.
  /// @param level as kept
  /// @param perDay the bucket's size
  function room(uint256 level, uint256 perDay) internal view returns (uint256) {
    unchecked {
      uint256 until = (block.timestamp + DAY) * SECOND;
      uint256 from = _full(level);
      return until > from ? ((until - from) * perDay) / (DAY * SECOND) : 0;
    }
  }

  /// @notice What of `wanted` may go out of `room_`: all, a part worth paying, or nothing.
  function part(
    uint256 room_,
    uint256 perDay,
    uint256 wanted
  ) internal pure returns (uint256) {
    if (room_ >= wanted) return wanted;
    return room_ < _slice(perDay, wanted) ? 0 : room_;
  }

  /// @notice The first second at which a part of `wanted` may go out, if nobody else takes.
  function partFrom(
    uint256 level,
    uint256 perDay,
    uint256 wanted
  ) internal pure returns (uint256) {
    unchecked {
      uint256 full = level + _refill(perDay, _slice(perDay, wanted)) + SECOND - 1;
      return full < DAY * SECOND ? 0 : full / SECOND - DAY;
    }
  }

  /// @notice The level after `amount` went out.
  function taken(uint256 level, uint256 perDay, uint256 amount) internal view returns (uint256) {
    unchecked {
      return _full(level) + _refill(perDay, amount);
    }
  }

  function _slice(uint256 perDay, uint256 wanted) private pure returns (uint256) {
    unchecked {
      uint256 slice = (perDay + SLICES - 1) / SLICES;
      return wanted < slice ? wanted : slice;
    }
  }

  function _refill(uint256 perDay, uint256 amount) private pure returns (uint256) {
    unchecked {
      return (amount * DAY * SECOND + perDay - 1) / perDay;
    }
  }

  /// @dev When the bucket is, or was, full.
  function _full(uint256 level) private view returns (uint256) {
    unchecked {
      uint256 nowAt = block.timestamp * SECOND;
      return level > nowAt ? level : nowAt;
    }
  }
}
