// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Messages} from "./libraries/Messages.sol";

/// @title The pool's books: who the money in it belongs to
/// @notice balance >= locked + allocatable + (totalAllocated - totalClaimed) + totalCredit, always.
abstract contract EscrowAccounting is IFlexPool, EIP712, ReentrancyGuardTransient {
  using SafeERC20 for IERC20;

  uint256 private constant TOKEN_DECIMALS = 6;

  /// @notice The euro token.
  IERC20 public immutable token;
  /// @notice Where verifier sets are listed.
  IVerifierRegistry public immutable verifierRegistry;
  /// @notice Who gets the fees.
  address public immutable feeReceiver;

  /// @inheritdoc IFlexPool
  uint128 public locked;
  /// @inheritdoc IFlexPool
  uint128 public allocatable;
  /// @inheritdoc IFlexPool
  uint128 public totalAllocated;
  /// @inheritdoc IFlexPool
  uint128 public totalClaimed;
  /// @inheritdoc IFlexPool
  uint256 public totalCredit;
  /// @inheritdoc IFlexPool
  mapping(address account => uint256) public credit;

  constructor(
    IERC20 token_,
    IVerifierRegistry verifierRegistry_,
    address feeReceiver_
  ) EIP712(Messages.DOMAIN_NAME, Messages.DOMAIN_VERSION) {
    (bool known, uint8 decimals) = token_.tryGetDecimals();
    require(known && decimals == TOKEN_DECIMALS, TokenDecimals(decimals));
    require(
      address(verifierRegistry_).code.length > 0,
      BadConfiguration("verifierRegistry", uint160(address(verifierRegistry_)))
    );
    require(feeReceiver_ != address(0), BadConfiguration("feeReceiver", 0));
    token = token_;
    verifierRegistry = verifierRegistry_;
    feeReceiver = feeReceiver_;
  }

  /// @inheritdoc IFlexPool
  function withdrawCredit(address account) external nonReentrant {
    uint256 amount = credit[account];
    require(amount > 0, NoCredit(account));
    credit[account] = 0;
    totalCredit -= amount;
    emit CreditWithdrawn(account, amount);
    token.safeTransfer(account, amount);
  }

  function _addCredit(address account, uint256 amount) internal {
    credit[account] += amount;
    totalCredit += amount;
  }
}
