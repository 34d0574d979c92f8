// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Messages} from "./libraries/Messages.sol";

/// @title What one pool is set up with, for ever
abstract contract PoolConfiguration is IFlexPool, EIP712 {
  using SafeERC20 for IERC20;

  uint256 private constant TOKEN_DECIMALS = 6;
  uint48 private constant WINDOW_MAX = 90 days;
  uint48 private constant HELD_MAX = 365 days;

  /// @notice The euro token.
  IERC20 public immutable token;
  /// @notice Where verifier sets are listed.
  IVerifierRegistry public immutable verifierRegistry;
  /// @notice Who gets the fees.
  address public immutable feeReceiver;
  /// @notice Seconds between a proposal and its finality.
  uint48 public immutable disputeWindow;
  /// @notice Seconds in which a posted root can be proved wrong.
  uint48 public immutable epochWindow;
  /// @notice Seconds after settleBy before an unsettled request can be refunded.
  uint48 public immutable refundGrace;
  /// @notice Seconds after finality in which what was held can still be settled.
  uint48 public immutable heldWindow;
  /// @notice Whose signature settles a held rest in place of verifiers', zero for nobody's.
  address public immutable arbiter;

  constructor(
    IERC20 token_,
    IVerifierRegistry verifierRegistry_,
    address feeReceiver_,
    uint48 disputeWindow_,
    uint48 epochWindow_,
    uint48 refundGrace_,
    uint48 heldWindow_,
    address arbiter_
  ) EIP712(Messages.DOMAIN_NAME, Messages.DOMAIN_VERSION) {
    (, uint8 decimals) = token_.tryGetDecimals(); // 0 where the token does not say
    require(decimals == TOKEN_DECIMALS, TokenDecimals(decimals));
    require(
      address(verifierRegistry_).code.length > 0,
      BadConfiguration("verifierRegistry", uint160(address(verifierRegistry_)))
    );
    require(feeReceiver_ != address(0), BadConfiguration("feeReceiver", 0));
    _requireSeconds("disputeWindow", disputeWindow_, 1, WINDOW_MAX);
    _requireSeconds("epochWindow", epochWindow_, 1, WINDOW_MAX);
    _requireSeconds("refundGrace", refundGrace_, 0, WINDOW_MAX);
    _requireSeconds("heldWindow", heldWindow_, 1, HELD_MAX);
    token = token_;
    verifierRegistry = verifierRegistry_;
    feeReceiver = feeReceiver_;
    disputeWindow = disputeWindow_;
    epochWindow = epochWindow_;
    refundGrace = refundGrace_;
    heldWindow = heldWindow_;
    arbiter = arbiter_;
  }

  function _requireSeconds(bytes32 name, uint48 value, uint48 min, uint48 max) private pure {
    require(value >= min && value <= max, BadConfiguration(name, value));
  }
}
