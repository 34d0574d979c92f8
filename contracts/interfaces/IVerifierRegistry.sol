// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Append-only list of verifier sets
/// @notice A set never changes once added, so its number is a snapshot: whoever keeps the number
/// keeps the members and the quorum, whatever is added later.
interface IVerifierRegistry {
  /// @notice A set was added and is now the current one.
  event VerifierSetAdded(uint32 indexed setId, address[] signers, uint8 quorum);

  /// @notice A set needs 1 <= quorum <= signers <= 255.
  error QuorumOutOfRange(uint256 quorum, uint256 signers);
  /// @notice Signers must be given strictly ascending and never the zero address.
  error SetNotAscending(address previous, address signer);

  /// @notice Adds a verifier set and makes it the current one.
  /// @dev Only the owner, who in production is a timelock: participants must be able to see a new
  /// set before it signs its first epoch.
  /// @param signers strictly ascending by address
  /// @param quorum_ number of signatures needed
  /// @return setId number of the new set, counted from 1
  function addSet(address[] calldata signers, uint8 quorum_) external returns (uint32 setId);

  /// @notice Number of the newest set, 0 while there is none.
  function currentSetId() external view returns (uint32);

  /// @notice Whether `signer` belongs to set `setId`.
  function isSigner(uint32 setId, address signer) external view returns (bool);

  /// @notice Signatures needed by set `setId`, 0 for a set that does not exist.
  function quorum(uint32 setId) external view returns (uint8);

  /// @notice Number of members of set `setId`.
  function size(uint32 setId) external view returns (uint256);

  /// @notice Members of set `setId`, ascending.
  function signersOf(uint32 setId) external view returns (address[] memory);
}
