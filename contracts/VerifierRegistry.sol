// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {Messages} from "./libraries/Messages.sol";

/// @title Append-only list of verifier sets
contract VerifierRegistry is IVerifierRegistry, Ownable2Step {
  /// @inheritdoc IVerifierRegistry
  uint32 public currentSetId;
  /// @inheritdoc IVerifierRegistry
  mapping(uint32 setId => uint8) public quorum;
  /// @inheritdoc IVerifierRegistry
  mapping(uint32 setId => mapping(address signer => bool)) public isSigner;
  /// @inheritdoc IVerifierRegistry
  mapping(address signer => bool) public equivocated;
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
      require(!equivocated[signers[i]], SignerEquivocated(signers[i]));
      previous = signers[i];
      isSigner[setId][previous] = true;
    }
    quorum[setId] = quorum_;
    _signers[setId] = signers;
    emit VerifierSetAdded(setId, signers, quorum_);
  }

  /// @inheritdoc IVerifierRegistry
  function proveEquivocation(
    address pool,
    uint32 setId,
    IFlexPool.Settlement calldata one,
    bytes calldata signatureOne,
    IFlexPool.Settlement calldata other,
    bytes calldata signatureOther
  ) external returns (address signer) {
    // A next round of the same request is no equivocation: only that round can take effect.
    bool sameRound = one.requestId == other.requestId && one.round == other.round;
    bytes32 digest = Messages.settlementDigestIn(pool, one);
    bytes32 otherDigest = Messages.settlementDigestIn(pool, other);
    require(sameRound && digest != otherDigest, NoEquivocation(one.requestId, one.round));
    signer = ECDSA.recoverCalldata(digest, signatureOne);
    address second = ECDSA.recoverCalldata(otherDigest, signatureOther);
    require(signer == second, SignersDiffer(signer, second));
    require(isSigner[setId][signer], NotInSet(setId, signer));
    require(!equivocated[signer], SignerEquivocated(signer));
    equivocated[signer] = true;
    emit VerifierEquivocated(setId, signer, one.requestId, one.round);
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
