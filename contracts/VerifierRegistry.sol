// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IFlexRequests} from "./interfaces/IFlexRequests.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {AddressList} from "./libraries/AddressList.sol";
import {Messages} from "./libraries/Messages.sol";

/// @title Append-only list of verifier sets
contract VerifierRegistry is IVerifierRegistry, AccessManaged {
  using Messages for IFlexRequests.Settlement;
  using Messages for bytes32;

  /// @dev One slot, and the members as code.
  struct VerifierSet {
    address members;
    uint8 quorum;
    uint8 size;
  }

  /// @inheritdoc IVerifierRegistry
  uint32 public currentSetId;
  mapping(uint32 setId => VerifierSet) private _sets;
  /// @inheritdoc IVerifierRegistry
  mapping(address signer => bool) public equivocated;

  constructor(address authority_) AccessManaged(authority_) {}

  /// @inheritdoc IVerifierRegistry
  function addSet(
    address[] calldata signers,
    uint8 quorum_
  ) external restricted returns (uint32 setId) {
    require(
      quorum_ > 0 && quorum_ <= signers.length && signers.length <= type(uint8).max,
      QuorumOutOfRange(quorum_, signers.length)
    );
    address previous = address(0);
    for (uint256 i = 0; i < signers.length; ++i) {
      require(signers[i] > previous, SetNotAscending(previous, signers[i]));
      require(!equivocated[signers[i]], SignerEquivocated(signers[i]));
      previous = signers[i];
    }
    setId = ++currentSetId;
    address members = AddressList.keep(signers, bytes32(uint256(setId)));
    _sets[setId] = VerifierSet(members, quorum_, uint8(signers.length));
    emit VerifierSetAdded(setId, signers, quorum_);
  }

  /// @inheritdoc IVerifierRegistry
  function requireQuorum(
    uint32 setId,
    bytes32 digest,
    bytes[] calldata signatures,
    bool higher,
    address arbiter
  ) public view {
    if (arbiter != address(0) && signatures.length == 1) {
      if (isSignedBy(arbiter, digest, signatures[0])) return;
    }
    if (setId == 0) setId = currentSetId;
    VerifierSet memory set = _sets[setId];
    uint256 needed = set.quorum;
    require(needed > 0, UnknownVerifierSet(setId));
    if (higher && needed < set.size) ++needed;
    require(signatures.length >= needed, QuorumNotReached(signatures.length, needed));
    address[] memory members = AddressList.read(set.members);
    address previous = address(0);
    uint256 place = 0; // both lists ascend, so one walk over the members is enough
    for (uint256 i = 0; i < signatures.length; ++i) {
      (address signer, ECDSA.RecoverError fault, ) = ECDSA.tryRecoverCalldata(
        digest,
        signatures[i]
      );
      require(fault == ECDSA.RecoverError.NoError, MalformedSignature(i));
      require(signer > previous, SignersNotAscending(previous, signer));
      while (place < members.length && members[place] < signer) ++place;
      require(
        place < members.length && members[place] == signer,
        NotAVerifier(setId, signer)
      );
      previous = signer;
    }
  }

  /// @inheritdoc IVerifierRegistry
  function proveEquivocation(
    address pool,
    uint32 setId,
    IFlexRequests.Settlement calldata one,
    bytes calldata signatureOne,
    IFlexRequests.Settlement calldata other,
    bytes calldata signatureOther
  ) external returns (address signer) {
    (bytes32 digest, bytes32 otherDigest) = _digestsOfTwo(pool, one, other);
    signer = ECDSA.recoverCalldata(digest, signatureOne);
    address second = ECDSA.recoverCalldata(otherDigest, signatureOther);
    require(signer == second, SignersDiffer(signer, second));
    require(isSigner(setId, signer), NotInSet(setId, signer));
    require(!equivocated[signer], SignerEquivocated(signer));
    equivocated[signer] = true;
    emit VerifierEquivocated(setId, signer, one.requestId, one.round);
  }

  /// @inheritdoc IVerifierRegistry
  function requireContradiction(
    uint32 setId,
    IFlexRequests.Settlement calldata one,
    bytes[] calldata signaturesOne,
    IFlexRequests.Settlement calldata other,
    bytes[] calldata signaturesOther,
    bool higher
  ) external view {
    (bytes32 digest, bytes32 otherDigest) = _digestsOfTwo(msg.sender, one, other);
    requireQuorum(setId, digest, signaturesOne, higher, address(0));
    requireQuorum(setId, otherDigest, signaturesOther, higher, address(0));
  }

  /// @dev A next round of the same request is no equivocation: only that round can take effect.
  function _digestsOfTwo(
    address pool,
    IFlexRequests.Settlement calldata one,
    IFlexRequests.Settlement calldata other
  ) private view returns (bytes32 digest, bytes32 otherDigest) {
    bool sameRound = one.requestId == other.requestId && one.round == other.round;
    digest = one.hash().digest(pool);
    otherDigest = other.hash().digest(pool);
    require(sameRound && digest != otherDigest, NoEquivocation(one.requestId, one.round));
  }

  /// @inheritdoc IVerifierRegistry
  function isSigner(uint32 setId, address signer) public view returns (bool) {
    address[] memory members = signersOf(setId);
    for (uint256 i = 0; i < members.length; ++i) {
      if (members[i] == signer) return true;
    }
    return false;
  }

  /// @inheritdoc IVerifierRegistry
  function isSignedBy(
    address signer,
    bytes32 digest,
    bytes calldata signature
  ) public view returns (bool) {
    return SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature);
  }

  /// @inheritdoc IVerifierRegistry
  function quorum(uint32 setId) external view returns (uint8) {
    return _sets[setId].quorum;
  }

  /// @inheritdoc IVerifierRegistry
  function size(uint32 setId) external view returns (uint256) {
    return _sets[setId].size;
  }

  /// @inheritdoc IVerifierRegistry
  function signersOf(uint32 setId) public view returns (address[] memory) {
    return AddressList.read(_sets[setId].members);
  }
}
