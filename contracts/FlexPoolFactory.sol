// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IFlexPoolFactory} from "./interfaces/IFlexPoolFactory.sol";
import {PoolConfig} from "./interfaces/IPoolConfiguration.sol";

/// @title Creates pools as clones whose values stand behind their code
contract FlexPoolFactory is IFlexPoolFactory, AccessManaged {
  using SafeERC20 for IERC20;

  uint256 private constant TOKEN_DECIMALS = 6;
  uint256 private constant WINDOW_MAX = 90 days;
  uint256 private constant HELD_MAX = 365 days;
  uint256 private constant BPS = 10_000;
  /// @dev Of OpenZeppelin's AccessManager.
  uint64 private constant ADMIN_ROLE = type(uint64).min;
  uint64 private constant PUBLIC_ROLE = type(uint64).max;

  /// @inheritdoc IFlexPoolFactory
  address public immutable implementation;
  /// @inheritdoc IFlexPoolFactory
  mapping(bytes32 programme => mapping(address token => address)) public poolOf;

  constructor(address implementation_, address authority_) AccessManaged(authority_) {
    _require(
      implementation_.code.length > 0,
      "implementation",
      uint256(uint160(implementation_))
    );
    _require(authority_.code.length > 0, "authority", uint256(uint160(authority_)));
    implementation = implementation_;
  }

  /// @inheritdoc IFlexPoolFactory
  function createPool(
    PoolConfig calldata config,
    bytes32 programme
  ) external restricted returns (address pool) {
    _check(config);
    address token = address(config.token);
    address other = poolOf[programme][token];
    require(other == address(0), PoolExists(other));
    pool = Clones.cloneDeterministicWithImmutableArgs(
      implementation,
      _encode(config),
      programme
    );
    poolOf[programme][token] = pool;
    emit PoolCreated(pool, programme, token, config, authority());
  }

  /// @inheritdoc IFlexPoolFactory
  function predictPool(
    PoolConfig calldata config,
    bytes32 programme
  ) external view returns (address) {
    return
      Clones.predictDeterministicAddressWithImmutableArgs(
        implementation,
        _encode(config),
        programme
      );
  }

  /// @inheritdoc IFlexPoolFactory
  function configOf(address pool) external view returns (PoolConfig memory, address) {
    return abi.decode(Clones.fetchCloneArgs(pool), (PoolConfig, address));
  }

  /// @dev In the order in which `PoolConfiguration` reads them, a word each.
  function _encode(PoolConfig calldata config) private view returns (bytes memory) {
    return abi.encode(config, authority());
  }

  function _check(PoolConfig calldata c) private view {
    (, uint8 decimals) = c.token.tryGetDecimals(); // 0 where the token does not say
    require(decimals == TOKEN_DECIMALS, TokenDecimals(decimals));
    address registry = address(c.verifierRegistry);
    _require(registry.code.length > 0, "verifierRegistry", uint256(uint160(registry)));
    _require(c.feeReceiver != address(0), "feeReceiver", 0);
    _requireWithin(c.disputeWindow, 1, WINDOW_MAX, "disputeWindow");
    _requireWithin(c.epochWindow, 1, WINDOW_MAX, "epochWindow");
    _requireWithin(c.refundGrace, 0, WINDOW_MAX, "refundGrace");
    _requireWithin(c.heldWindow, 1, HELD_MAX, "heldWindow");
    _requireWithin(c.outflowBps, 0, BPS, "outflowBps");
    _require(c.payerRole != ADMIN_ROLE, "payerRole", c.payerRole);
    _require(
      c.guardianRole != ADMIN_ROLE && c.guardianRole != PUBLIC_ROLE,
      "guardianRole",
      c.guardianRole
    );
  }

  function _requireWithin(uint256 value, uint256 min, uint256 max, bytes32 name) private pure {
    _require(value >= min && value <= max, name, value);
  }

  function _require(bool condition, bytes32 name, uint256 value) private pure {
    require(condition, BadConfiguration(name, value));
  }
}
