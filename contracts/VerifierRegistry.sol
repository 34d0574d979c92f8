// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";

/// @title Append-only list of verifier sets
contract VerifierRegistry is IVerifierRegistry, Ownable2Step {
  /// @inheritdoc IVerifierRegistry
  uint32 public currentSetId;
  /// @inheritdoc IVerifierRegistry
  mapping(uint32 setId => uint8) public quorum;
  /// @inheritdoc IVerifierRegistry
  mapping(uint32 setId => mapping(address signer => bool)) public isSigner;
  mapping(uint32 setId => address[]) private _signers;

  constructor(address initialOwner) Ownable(initialOwner) {}

  /// @inheritdoc IVerifierRegistry
  function addSet(
    address[] calldata signers,
    uint8 quorum_
  ) external onlyOwner returns (uint32 setId) {
    require(
      quorum_ > 0 && quorum_ <= signers.length && signers.length <= type(uint8).max,
      QuorumOutOfRange(quorum_, signers.length)
    );
    setId = ++currentSetId;
    address previous = address(0);
    for (uint256 i = 0; i < signers.length; ++i) {
      require(signers[i] > previous, SetNotAscending(previous, signers[i]));
      previous = signers[i];
      isSigner[setId][previous] = true;
    }
    quorum[setId] = quorum_;
    _signers[setId] = signers;
    emit VerifierSetAdded(setId, signers, quorum_);
  }

  /// @inheritdoc IVerifierRegistry
  function size(uint32 setId) external view returns (uint256) {
    return _signers[setId].length;
  }

  /// @inheritdoc IVerifierRegistry
  function signersOf(uint32 setId) external view returns (address[] memory) {
    return _signers[setId];
  }
}
