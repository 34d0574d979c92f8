// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "./IFlexRequests.sol";

/// @title Append-only list of verifier sets
/// @notice A set never changes once added, so its number is a snapshot: whoever keeps the number
/// keeps the members and the quorum, whatever is added later.
interface IVerifierRegistry {
  /// @notice A set was added and is now the current one.
  event VerifierSetAdded(uint32 indexed setId, address[] signers, uint8 quorum);

  /// @notice This verifier signed two different settlements of one request for one round.
  event VerifierEquivocated(
    uint32 indexed setId,
    address indexed signer,
    bytes32 indexed requestId,
    uint8 round
  );

  /// @notice A set needs 1 <= quorum <= signers <= 255.
  error QuorumOutOfRange(uint256 quorum, uint256 signers);
  /// @notice Signers must be given strictly ascending and never the zero address.
  error SetNotAscending(address previous, address signer);
  /// @notice The set does not exist, so no number of signatures is enough.
  error UnknownVerifierSet(uint32 setId);
  /// @notice Fewer signatures than are needed.
  error QuorumNotReached(uint256 given, uint256 needed);
  /// @notice Signature number `position` is not a 65-byte ECDSA signature.
  error MalformedSignature(uint256 position);
  /// @notice Signers must be strictly ascending, which also keeps one signer from counting twice.
  error SignersNotAscending(address previous, address signer);
  /// @notice The signature is by somebody outside the set, or over something else.
  error NotAVerifier(uint32 setId, address signer);

  /// @notice The signer is marked: it cannot stand in a new set, and needs no second mark.
  error SignerEquivocated(address signer);
  /// @notice The two settlements are one, or of two requests, or of two rounds.
  error NoEquivocation(bytes32 requestId, uint8 round);
  /// @notice The two signatures are not by the same key over these settlements.
  error SignersDiffer(address one, address other);
  /// @notice Whoever signed both does not belong to the set.
  error NotInSet(uint32 setId, address signer);

  /// @notice Adds a verifier set and makes it the current one.
  /// @dev Only whom the authority lets: the admin, whose delay lets participants see a new set
  /// before it signs its first epoch.
  /// @param signers strictly ascending by address
  /// @param quorum_ number of signatures needed
  /// @return setId number of the new set, counted from 1
  function addSet(address[] calldata signers, uint8 quorum_) external returns (uint32 setId);

  /// @notice Marks a verifier that signed two different settlements for one round of a request.
  /// @dev Anyone. The digests are computed here for the address `pool` on this chain, so nothing
  /// that `pool` says counts. Open requests go on with the set they have, marked members included:
  /// what the pool does about two such settlements is its `challengeEquivocation`.
  /// Errors: NoEquivocation, SignersDiffer, NotInSet, SignerEquivocated and those of ECDSA.
  /// @param pool the pool for which both were signed
  /// @param setId a set that the signer belongs to
  function proveEquivocation(
    address pool,
    uint32 setId,
    IFlexRequests.Settlement calldata one,
    bytes calldata signatureOne,
    IFlexRequests.Settlement calldata other,
    bytes calldata signatureOther
  ) external returns (address signer);

  /// @notice Whether `signer` was proved to have signed two settlements for one round.
  function equivocated(address signer) external view returns (bool);

  /// @notice Requires that at least the quorum of set `setId` signed `digest`, and nobody else; or
  /// that `arbiter` did, alone.
  /// @dev Errors: UnknownVerifierSet, QuorumNotReached, MalformedSignature, SignersNotAscending,
  /// NotAVerifier.
  /// @param setId number of a set, 0 for the current one
  /// @param signatures 65 bytes each, in the ascending order of their signers
  /// @param higher one signature more than the quorum, where the set has so many members
  /// @param arbiter whose signature alone is enough (ERC-1271 too), zero for nobody's
  function requireQuorum(
    uint32 setId,
    bytes32 digest,
    bytes[] calldata signatures,
    bool higher,
    address arbiter
  ) external view;

  /// @notice Requires that a quorum of set `setId` signed each of two different settlements for one
  /// round of a request of the caller, which is the pool.
  /// @dev The digests are computed here for the caller's address on this chain. Errors:
  /// NoEquivocation and those of `requireQuorum`.
  /// @param higher one signature more than the quorum for each
  function requireContradiction(
    uint32 setId,
    IFlexRequests.Settlement calldata one,
    bytes[] calldata signaturesOne,
    IFlexRequests.Settlement calldata other,
    bytes[] calldata signaturesOther,
    bool higher
  ) external view;

  /// @notice Whether `signature` is `signer`'s over `digest`: ECDSA, or ERC-1271 of a contract.
  /// @dev Stands here so that a pool need not carry the code.
  function isSignedBy(
    address signer,
    bytes32 digest,
    bytes calldata signature
  ) external view returns (bool);

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
