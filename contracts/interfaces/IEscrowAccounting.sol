// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The books of a pool: who the money in it belongs to
/// @notice balance >= locked + allocatable + (totalAllocated - totalClaimed) + totalCredit +
/// totalBonds, always. Every figure has 64 bits: 1.8e13 EUR.
interface IEscrowAccounting {
  event CreditWithdrawn(address indexed account, uint256 amount);

  /// @notice The amount is zero, or the 64-bit books have no room for it.
  error AmountOutOfRange(uint128 amount);
  /// @notice There is nothing to withdraw.
  error NoCredit(address account);
  /// @notice More would be claimed than was allocated.
  error ExceedsAllocation(uint256 claimed, uint256 allocated);

  /// @notice What `account` can withdraw.
  function credit(address account) external view returns (uint256);

  /// @notice Sum of all credit.
  function totalCredit() external view returns (uint256);

  /// @notice Escrow of all requests and held rests that are funded or proposed.
  function locked() external view returns (uint128);

  /// @notice Final payouts that no live epoch counts yet.
  function allocatable() external view returns (uint128);

  /// @notice Total of the live payout tree.
  function totalAllocated() external view returns (uint128);

  /// @notice Paid out of all payout trees so far.
  function totalClaimed() external view returns (uint128);

  /// @notice Stakes that are not decided yet.
  function totalBonds() external view returns (uint128);

  /// @notice Number of the live epoch, 0 before the first.
  function currentEpoch() external view returns (uint64);
}
