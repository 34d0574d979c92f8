// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuthorityUtils} from "@openzeppelin/contracts/access/manager/AuthorityUtils.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IPoolGuard} from "./interfaces/IPoolGuard.sol";
import {PoolConfiguration} from "./PoolConfiguration.sol";

/// @title Who may open requests, and the pause
/// @dev Roles are named by the pool's arguments and their members listed by the authority, so that
/// a pool is never created half-configured and each programme can have payers of its own.
abstract contract PoolGuard is PoolConfiguration {
  uint48 private constant PAUSE_MAX = 7 days;
  /// @dev Time left to settle after a pause that ended right at a request's settleBy.
  uint48 private constant CATCH_UP = 1 days;

  uint48 private _pausedUntil;
  uint48 private _pauseLimit;
  bool private _pauseUsed;

  /// @dev Runs for the implementation alone, which is no pool: it is paused for ever.
  constructor() {
    _pausedUntil = type(uint48).max;
  }

  /// @inheritdoc IPoolGuard
  function pause(uint48 until) external {
    _requireRole(_guardianRole(), msg.sender);
    uint48 limit = _pauseUsed ? _pauseLimit : uint48(block.timestamp) + _pauseMax();
    require(until <= limit, PauseTooLong(until, limit));
    (_pausedUntil, _pauseLimit, _pauseUsed) = (until, limit, true);
    emit Paused(msg.sender, until, limit);
  }

  /// @inheritdoc IPoolGuard
  function rearmPause() external {
    (bool allowed, ) = AuthorityUtils.canCallWithDelay(
      authority(),
      msg.sender,
      address(this),
      msg.sig
    );
    require(allowed, NotAuthorised(msg.sender));
    _pauseUsed = false;
    emit PauseRearmed();
  }

  /// @inheritdoc IPoolGuard
  function pauseState() external view returns (uint48, uint48, bool) {
    return (_pausedUntil, _pauseLimit, _pauseUsed);
  }

  function _pauseMax() private view returns (uint48) {
    uint48 half = refundGrace() / 2;
    return half < PAUSE_MAX ? half : PAUSE_MAX;
  }

  function _requireNotPaused() internal view {
    require(block.timestamp >= _pausedUntil, PoolPaused(_pausedUntil));
  }

  /// @dev A role that is held with a delay would have to be scheduled first, which a signature of
  /// the payer that somebody else brings cannot be.
  function _requireRole(uint64 role, address account) internal view {
    (bool isMember, uint32 delay) = IAccessManager(authority()).hasRole(role, account);
    require(isMember && delay == 0, NotInRole(role, account));
  }

  /// @dev Last second for a first proposal. A pause may have taken the time up to `settleBy` away:
  /// then it ends where the refund begins, which no pause moves.
  function _proposeUntil(uint48 settleBy) internal view returns (uint256) {
    if (settleBy > _pauseLimit + CATCH_UP) return settleBy;
    return uint256(settleBy) + refundGrace();
  }
}
