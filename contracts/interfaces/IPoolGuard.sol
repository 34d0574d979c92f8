// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What people with a role may do to a pool, and no more
/// @notice A pause stops new requests, first proposals and new epochs. It never stops money that is
/// owed: claims, credits, refunds, cancelling, finalising, activating and proving a root wrong go
/// on.
interface IPoolGuard {
  /// @notice New requests, first proposals and new epochs wait until `until`; a time that is past
  /// ends a pause. All pauses are over by `limit`.
  event Paused(address indexed guardian, uint48 until, uint48 limit);
  /// @notice The guardian may begin to pause once more.
  event PauseRearmed();

  /// @notice The pool is paused until this second.
  error PoolPaused(uint48 until);
  /// @notice The pauses since the admin last allowed any must be over at `limit`.
  error PauseTooLong(uint48 until, uint48 limit);
  /// @notice The account does not hold this role, or only with a delay.
  error NotInRole(uint64 role, address account);
  /// @notice The authority does not let this account call this function now.
  error NotAuthorised(address caller);

  /// @notice Pauses until `until`, or ends a pause with a time that is past.
  /// @dev Only the guardian's role. All pauses are over 7 days after the first call, and after half
  /// of the refund grace where that is shorter, so that what waited can be settled before it is
  /// refunded; then none is possible until `rearmPause`. Errors: NotInRole, PauseTooLong.
  function pause(uint48 until) external;

  /// @notice Lets the guardian begin to pause once more.
  /// @dev Only whom the authority lets call this: the admin, through `AccessManager.execute` after
  /// the admin's delay. Errors: NotAuthorised.
  function rearmPause() external;

  /// @notice The pause as it stands.
  /// @return until paused while the time is before this second
  /// @return limit when the pauses of the current or last budget must be over, 0 before the first
  /// @return used whether the guardian has begun to pause since the admin last allowed it
  function pauseState() external view returns (uint48 until, uint48 limit, bool used);
}
