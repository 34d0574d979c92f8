// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PoolConfig} from "./IPoolConfiguration.sol";

/// @title Creates pools: one per programme and token, at an address known beforehand
interface IFlexPoolFactory {
  event PoolCreated(
    address indexed pool,
    bytes32 indexed programme,
    address indexed token,
    PoolConfig config,
    address authority
  );

  /// @notice A value is out of its range; `name` says which.
  error BadConfiguration(bytes32 name, uint256 value);
  /// @notice The token has other than 6 decimals, so a payout would not fit its 64-bit lane.
  error TokenDecimals(uint256 decimals);
  /// @notice This programme has a pool in this token already.
  error PoolExists(address pool);

  /// @notice Creates the pool of a programme in a token.
  /// @dev Only whom the authority lets: the admin, with the admin's delay. The pool takes over the
  /// factory's authority of this moment. Errors: BadConfiguration, TokenDecimals, PoolExists.
  /// @param config what sets this pool apart
  /// @param programme hash of the programme's name; also the salt of the pool's address
  function createPool(PoolConfig calldata config, bytes32 programme) external returns (address pool);

  /// @notice The address that `createPool` would give, whether or not it would be allowed.
  function predictPool(
    PoolConfig calldata config,
    bytes32 programme
  ) external view returns (address);

  /// @notice The pool of a programme in a token, zero while there is none.
  function poolOf(bytes32 programme, address token) external view returns (address);

  /// @notice What a pool of this factory was created with, read from its code.
  /// @dev For any other address the answer means nothing.
  function configOf(
    address pool
  ) external view returns (PoolConfig memory config, address authority);

  /// @notice The code that every pool runs.
  function implementation() external view returns (address);
}
