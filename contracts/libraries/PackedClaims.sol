// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Four claimed amounts in one storage word
/// @notice Index `idx` lives in word `idx / 4`, lane `idx % 4`, lane 0 being the lowest 64 bits.
library PackedClaims {
  /// @notice The amount in the lane of `idx`.
  function lane(uint256 word, uint256 idx) internal pure returns (uint64) {
    return uint64(word >> shift(idx));
  }

  /// @notice The word after the lane of `idx` has grown by `amount`.
  /// @dev The caller raises a lane to a new cumulative value of at most 2^64 - 1: no carry.
  function grow(uint256 word, uint256 idx, uint64 amount) internal pure returns (uint256) {
    return word + (uint256(amount) << shift(idx));
  }

  function shift(uint256 idx) private pure returns (uint256) {
    return (idx % 4) * 64;
  }
}
