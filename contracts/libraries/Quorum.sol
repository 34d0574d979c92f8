// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IVerifierRegistry} from "../interfaces/IVerifierRegistry.sol";

/// @title M-of-N signatures of a verifier set
library Quorum {
  /// @dev The set does not exist, so no number of signatures is enough.
  error UnknownVerifierSet(uint32 setId);
  /// @dev Fewer signatures than the quorum of the set.
  error QuorumNotReached(uint256 given, uint256 needed);
  /// @dev Signature number `position` is not a 65-byte ECDSA signature.
  error MalformedSignature(uint256 position);
  /// @dev Signers must be strictly ascending, which also keeps one signer from counting twice.
  error SignersNotAscending(address previous, address signer);
  /// @dev The signature is by somebody outside the set, or over something else.
  error NotAVerifier(uint32 setId, address signer);

  /// @notice Requires that at least the quorum of set `setId` signed `digest`, and nobody else.
  /// @param higher one signature more than the quorum, where the set has so many members
  function requireQuorum(
    IVerifierRegistry registry,
    uint32 setId,
    bytes32 digest,
    bytes[] calldata signatures,
    bool higher
  ) internal view {
    uint256 needed = registry.quorum(setId);
    require(needed > 0, UnknownVerifierSet(setId));
    if (higher && needed < registry.size(setId)) ++needed;
    require(signatures.length >= needed, QuorumNotReached(signatures.length, needed));
    address previous = address(0);
    for (uint256 i = 0; i < signatures.length; ++i) {
      (address signer, ECDSA.RecoverError fault, ) = ECDSA.tryRecoverCalldata(
        digest,
        signatures[i]
      );
      require(fault == ECDSA.RecoverError.NoError, MalformedSignature(i));
      require(signer > previous, SignersNotAscending(previous, signer));
      require(registry.isSigner(setId, signer), NotAVerifier(setId, signer));
      previous = signer;
    }
  }
}
