// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPayoutRecipients} from "./IPayoutRecipients.sol";
import {Sib} from "../libraries/PayoutTree.sol";

/// @title Layer 2 of a pool: one cumulative Merkle-sum tree of payouts, renewed in epochs
/// @notice It is capped by the sum of finalised payouts. All amounts are token units (1e-6 EUR),
/// all times are seconds.
interface IFlexPayouts {
  // ---------------------------------------------------------------- types

  /// @notice What the verifiers sign for a new payout tree (EIP-712 primary type `Epoch`).
  /// @param epoch number of the live epoch plus one
  /// @param prevRoot the live root this tree replaces, zero before the first epoch
  /// @param topHash hash of the top node of the new tree
  /// @param newTotal sum of the new tree
  /// @param requestIdsHash keccak256 of the packed ids of the requests that this epoch accounts for
  /// @param dataHash hash of the published leaves
  struct Epoch {
    uint64 epoch;
    bytes32 prevRoot;
    bytes32 topHash;
    uint128 newTotal;
    bytes32 requestIdsHash;
    bytes32 dataHash;
  }

  /// @notice One leaf of a payout tree.
  /// @param idx index of the payee, never reused and never given to another account
  /// @param account payee
  /// @param cum everything this index has ever earned
  struct Leaf {
    uint256 idx;
    address account;
    uint64 cum;
  }

  /// @notice A root that waits for its window; all zero when there is none.
  /// @param root hash of top node and total
  /// @param newTotal total once active
  /// @param epoch its number
  /// @param activeFrom from this second on anyone may activate it
  /// @param post how many roots had been posted with it, rejected ones included
  /// @param digest the EIP-712 digest that the verifiers signed
  struct PendingEpoch {
    bytes32 root;
    uint128 newTotal;
    uint64 epoch;
    uint48 activeFrom;
    uint32 post;
    bytes32 digest;
  }

  // ---------------------------------------------------------------- events

  event EpochPosted(uint64 indexed epoch, bytes32 root, uint128 newTotal, uint48 activeFrom);
  /// @notice A posted root was proved to take from index `idx`; its requests can be posted again.
  event EpochRejected(uint64 indexed epoch, bytes32 root, uint256 idx);
  event EpochActivated(uint64 indexed epoch, bytes32 root, uint128 total);
  event Paid(uint256 indexed idx, address indexed account, uint64 amount, uint64 epoch);
  /// @notice The token refused this transfer, or the limit of the day left no room for it; the
  /// amount stays claimable.
  event PayoutDeferred(uint256 indexed idx, address indexed account, uint64 amount);

  // ---------------------------------------------------------------- errors

  /// @notice Another root waits for its window.
  error EpochPending(uint64 epoch);
  /// @notice No root waits for its window.
  error NoEpochPending();
  /// @notice The epoch is not the next one.
  error WrongEpoch(uint64 given, uint64 expected);
  /// @notice The epoch builds on another root than the live one.
  error WrongPrevRoot(bytes32 given, bytes32 live);
  /// @notice The list of requests is not the one that was signed.
  error WrongRequestIds(bytes32 given, bytes32 signed);
  /// @notice The total is not the allocated total plus the payouts of the listed requests.
  error WrongTotal(uint256 given, uint256 expected);
  /// @notice The request's payout is counted by an epoch already.
  error AlreadyAccounted(bytes32 id);
  /// @notice This very epoch was posted and rejected before.
  error EpochWasRejected(bytes32 digest);
  /// @notice The two leaves do not show that somebody loses.
  error NoDecrease(uint256 idx);
  /// @notice The limit of the day is reached; a part worth paying may go out at `from`.
  error OutflowLimited(uint256 from);
  /// @notice The index has been paid all of `cum` already.
  error NothingToClaim(uint256 idx, uint64 cum);

  // ---------------------------------------------------------------- functions

  /// @notice Posts a new payout tree, which waits for its window.
  /// @dev Anyone, with the signatures of a quorum of the CURRENT verifier set. The root is built
  /// here from `topHash` and `newTotal`. An epoch without requests repairs an unusable tree.
  /// Errors: EpochPending, WrongEpoch, WrongPrevRoot, WrongRequestIds, EpochWasRejected,
  /// WrongState, AlreadyAccounted, WrongTotal, AmountOutOfRange and those of
  /// `IVerifierRegistry.requireQuorum`.
  function postEpoch(
    Epoch calldata e,
    bytes32[] calldata requestIds,
    bytes[] calldata signatures
  ) external;

  /// @notice Deletes the pending root on proof that somebody loses by it.
  /// @dev Anyone, while the root is pending. `oldLeaf` is proved against the live root, `newLeaf`
  /// against the pending one. Either both have the same index and the new one has a smaller amount
  /// or another account than the old one named in time (`recipients`); or the old index lies
  /// outside a tree as deep as the new leaf's proof. Errors: NoEpochPending, NoDecrease and those
  /// of `PayoutTree`.
  function proveDecrease(
    Leaf calldata oldLeaf,
    Sib[] calldata oldProof,
    Leaf calldata newLeaf,
    Sib[] calldata newProof
  ) external;

  /// @notice Makes the pending root live once its window is over.
  /// @dev Anyone. Errors: NoEpochPending, TooEarly.
  function activateEpoch() external;

  /// @notice Pays index `idx` what it has earned and not yet been paid, to its own account.
  /// @dev Anyone. Errors: NothingToClaim, ExceedsAllocation, those of `PayoutTree` and the token's.
  function claim(uint256 idx, address account, uint64 cum, Sib[] calldata proof) external;

  /// @notice Pays a whole aligned subtree of 2^k >= 4 neighbouring leaves with one proof.
  /// @dev Anyone. A row that is paid already is skipped; a transfer that the token refuses is
  /// deferred and does not disturb the others. Errors: ExceedsAllocation and those of `PayoutTree`.
  /// @param first index of the first row, a multiple of the number of rows
  /// @param rows per row 20 bytes account and 8 bytes cumulative amount, big-endian
  /// @param proof siblings of the subtree
  function payChunk(uint256 first, bytes calldata rows, Sib[] calldata proof) external;

  // ---------------------------------------------------------------- views

  /// @notice Paid to index `idx` so far.
  function claimed(uint256 idx) external view returns (uint64);

  /// @notice Where accounts of the payout trees of all pools of this code name other addresses.
  function recipients() external view returns (IPayoutRecipients);

  /// @notice Root of the live payout tree, zero before the first epoch.
  function liveRoot() external view returns (bytes32);

  /// @notice The root that waits for its window, all zero if none.
  function pendingEpoch() external view returns (PendingEpoch memory);

  /// @notice EIP-712 digest of an epoch in this pool: what verifiers sign.
  function epochDigest(Epoch calldata e) external view returns (bytes32);

  /// @notice The limit on what payouts take out: within a day at most this part of everything ever
  /// allocated, refilled second by second. Whoever is owed more than there is room for gets a part,
  /// as soon as it is an hour's worth of the limit or all that is owed, and the rest by later
  /// calls.
  /// @return perDay the limit, 0 for none
  /// @return room what may go out now
  function outflow() external view returns (uint256 perDay, uint256 room);
}
