// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVerifierRegistry} from "./IVerifierRegistry.sol";

/// @notice All that sets one pool apart from the next, fixed for ever when it is created.
/// @param token euro token of exactly 6 decimals
/// @param verifierRegistry list of verifier sets
/// @param feeReceiver who gets the fees
/// @param arbiter whose signature settles a held rest too, zero for nobody's
/// @param disputeWindow seconds between a proposal and its finality, 1 s to 90 days
/// @param epochWindow seconds in which a posted root can be proved wrong, 1 s to 90 days
/// @param refundGrace seconds after settleBy before a refund, 0 to 90 days; half of it bounds a
/// pause
/// @param heldWindow seconds in which a held rest can be settled, 1 s to 365 days
/// @param outflowBps most that payouts take out within a day, in 1/10,000 of everything ever
/// allocated; 0 for no limit
/// @param payerRole role whose members may have requests opened; the public role for anybody
/// @param guardianRole role whose members may pause, neither the admin's nor the public one
/// @param challengeBond stake of whoever challenges a settlement, 0 where a pool takes no
/// challenges
struct PoolConfig {
  IERC20 token;
  IVerifierRegistry verifierRegistry;
  address feeReceiver;
  address arbiter;
  uint48 disputeWindow;
  uint48 epochWindow;
  uint48 refundGrace;
  uint48 heldWindow;
  uint16 outflowBps;
  uint64 payerRole;
  uint64 guardianRole;
  uint64 challengeBond;
}

/// @title What a pool was created with, read from its own code
/// @notice The rest of `PoolConfig` is read at the factory: `configOf`.
interface IPoolConfiguration {
  /// @notice The euro token.
  function token() external view returns (IERC20);

  /// @notice Where verifier sets are listed.
  function verifierRegistry() external view returns (IVerifierRegistry);

  /// @notice Who gets the fees.
  function feeReceiver() external view returns (address);

  /// @notice Whose signature settles a held rest in place of verifiers', zero for nobody's.
  function arbiter() external view returns (address);

  /// @notice Seconds between a proposal and its finality.
  function disputeWindow() external view returns (uint48);

  /// @notice Seconds in which a posted root can be proved wrong.
  function epochWindow() external view returns (uint48);

  /// @notice Seconds after settleBy before an unsettled request can be refunded.
  function refundGrace() external view returns (uint48);

  /// @notice Seconds after finality in which what was held can still be settled.
  function heldWindow() external view returns (uint48);

  /// @notice Stake of whoever challenges a settlement, 0 for no challenges.
  function challengeBond() external view returns (uint64);

  /// @notice The AccessManager that lists the members of every role.
  function authority() external view returns (address);
}
