// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The one ERC-3009 function that the pool calls
/// @notice The form with one `bytes` signature, as EURC, USDC (v2.2) and OpenZeppelin have it;
/// a token without it can still be used through `openRequest`.
interface IReceiveWithAuthorization {
  /// @notice Moves `value` from `from` to `to`, who must be the caller, on a signed authorisation.
  function receiveWithAuthorization(
    address from,
    address to,
    uint256 value,
    uint256 validAfter,
    uint256 validBefore,
    bytes32 nonce,
    bytes calldata signature
  ) external;
}
