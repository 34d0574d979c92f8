// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {IPoolConfiguration} from "./interfaces/IPoolConfiguration.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";

/// @title What a pool was created with
/// @dev Every pool is a clone of one implementation (EIP-1167) that carries its values behind its
/// code, a word each, as `FlexPoolFactory` encodes them: `PoolConfig`, then the authority. A
/// Solidity `immutable` would belong to the implementation and be the same in all of them.
abstract contract PoolConfiguration is IFlexPool {
  /// @dev Length of the code of an EIP-1167 clone.
  uint256 private constant CODE_LENGTH = 0x2d;

  /// @inheritdoc IPoolConfiguration
  function token() public view returns (IERC20) {
    return IERC20(address(uint160(_word(0))));
  }

  /// @inheritdoc IPoolConfiguration
  function verifierRegistry() public view returns (IVerifierRegistry) {
    return IVerifierRegistry(address(uint160(_word(1))));
  }

  /// @inheritdoc IPoolConfiguration
  function feeReceiver() public view returns (address) {
    return address(uint160(_word(2)));
  }

  /// @inheritdoc IPoolConfiguration
  function arbiter() public view returns (address) {
    return address(uint160(_word(3)));
  }

  /// @inheritdoc IPoolConfiguration
  function disputeWindow() public view returns (uint48) {
    return uint48(_word(4));
  }

  /// @inheritdoc IPoolConfiguration
  function epochWindow() public view returns (uint48) {
    return uint48(_word(5));
  }

  /// @inheritdoc IPoolConfiguration
  function refundGrace() public view returns (uint48) {
    return uint48(_word(6));
  }

  /// @inheritdoc IPoolConfiguration
  function heldWindow() public view returns (uint48) {
    return uint48(_word(7));
  }

  function _outflowBps() internal view returns (uint16) {
    return uint16(_word(8));
  }

  function _payerRole() internal view returns (uint64) {
    return uint64(_word(9));
  }

  function _guardianRole() internal view returns (uint64) {
    return uint64(_word(10));
  }

  /// @inheritdoc IPoolConfiguration
  function challengeBond() public view returns (uint64) {
    return uint64(_word(11));
  }

  /// @inheritdoc IPoolConfiguration
  function authority() public view returns (address) {
    return address(uint160(_word(12)));
  }

  function _word(uint256 index) private view returns (uint256 value) {
    assembly ("memory-safe") {
      extcodecopy(address(), 0, add(CODE_LENGTH, mul(index, 0x20)), 0x20)
      value := mload(0)
    }
  }
}
