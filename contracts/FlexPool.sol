// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {FlexPayouts} from "./FlexPayouts.sol";
import {PoolConfiguration} from "./PoolConfiguration.sol";

/// @title Escrow and payout of one flexibility programme in one euro token
/// @notice Immutable: no owner, no upgrade, no pause. See `IFlexPool` for every function.
contract FlexPool is FlexPayouts {
  /// @param token_ euro token of exactly 6 decimals
  /// @param verifierRegistry_ list of verifier sets
  /// @param feeReceiver_ who gets the fees
  /// @param disputeWindow_ seconds between a proposal and its finality, 1 s to 90 days
  /// @param epochWindow_ seconds in which a posted root can be proved wrong, 1 s to 90 days
  /// @param refundGrace_ seconds after settleBy before a refund, 0 to 90 days
  /// @param heldWindow_ seconds in which a held rest can be settled, 1 s to 365 days
  /// @param arbiter_ whose signature settles a held rest too, zero for nobody's
  constructor(
    IERC20 token_,
    IVerifierRegistry verifierRegistry_,
    address feeReceiver_,
    uint48 disputeWindow_,
    uint48 epochWindow_,
    uint48 refundGrace_,
    uint48 heldWindow_,
    address arbiter_
  )
    PoolConfiguration(
      token_,
      verifierRegistry_,
      feeReceiver_,
      disputeWindow_,
      epochWindow_,
      refundGrace_,
      heldWindow_,
      arbiter_
    )
  {}
}
