// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IFlexPayouts} from "./interfaces/IFlexPayouts.sol";
import {IPayoutRecipients} from "./interfaces/IPayoutRecipients.sol";
import {Messages} from "./libraries/Messages.sol";
import {OutflowLimit} from "./libraries/OutflowLimit.sol";
import {PackedClaims} from "./libraries/PackedClaims.sol";
import {PayoutTree, Sib} from "./libraries/PayoutTree.sol";
import {RequestFunding} from "./RequestFunding.sol";
import {FlexRequests} from "./FlexRequests.sol";

/// @title Layer 2: epochs of the cumulative payout tree, and payment
abstract contract FlexPayouts is FlexRequests {
  using SafeERC20 for IERC20;
  using Messages for Epoch;
  using Messages for bytes32;
  using PackedClaims for uint256;

  /// @dev Three slots. Epoch 0 means that none is pending; the rest then is what the last one left,
  /// since writing over it costs the next post a quarter of what writing to empty slots would.
  struct Pending {
    bytes32 root;
    bytes32 digest;
    uint64 newTotal;
    uint64 epoch;
    uint40 activeFrom;
    uint32 post;
  }

  /// @dev The registry's word for the newest set.
  uint32 private constant CURRENT_SET = 0;

  /// @dev What a chunk needs at every row.
  struct Outflow {
    IERC20 token;
    uint256 perDay;
    uint256 room;
  }

  /// @inheritdoc IFlexPayouts
  IPayoutRecipients public immutable recipients;
  /// @inheritdoc IFlexPayouts
  bytes32 public liveRoot;
  uint32 private _posts;
  uint64 private _outflowLevel;
  Pending private _pending;
  mapping(uint32 post => bool) private _postRejected;
  mapping(bytes32 digest => bool) private _digestRejected;
  mapping(uint256 word => uint256) private _claimed;

  constructor(IPayoutRecipients recipients_) {
    recipients = recipients_;
  }

  // ---------------------------------------------------------------- epochs

  /// @inheritdoc IFlexPayouts
  function postEpoch(
    Epoch calldata e,
    bytes32[] calldata requestIds,
    bytes[] calldata signatures
  ) external nonReentrant {
    _requireNotPaused();
    require(_pending.epoch == 0, EpochPending(_pending.epoch));
    uint64 next = currentEpoch() + 1;
    require(e.epoch == next, WrongEpoch(e.epoch, next));
    require(e.prevRoot == liveRoot, WrongPrevRoot(e.prevRoot, liveRoot));
    bytes32 idsHash = keccak256(abi.encodePacked(requestIds));
    require(idsHash == e.requestIdsHash, WrongRequestIds(idsHash, e.requestIdsHash));
    bytes32 digest = epochDigest(e);
    // Its signatures are still good, so anyone could post a rejected root for ever.
    require(!_digestRejected[digest], EpochWasRejected(digest));
    verifierRegistry().requireQuorum(CURRENT_SET, digest, signatures, false, address(0));

    uint32 post = ++_posts;
    uint256 expected = totalAllocated();
    for (uint256 i = 0; i < requestIds.length; ++i) {
      expected += _account(requestIds[i], post);
    }
    require(e.newTotal == expected, WrongTotal(e.newTotal, expected));
    require(expected <= type(uint64).max, AmountOutOfRange(e.newTotal));

    bytes32 root = PayoutTree.rootHash(e.topHash, e.newTotal);
    uint40 activeFrom = uint40(block.timestamp + epochWindow());
    _pending.root = root;
    _pending.newTotal = uint64(expected);
    _pending.epoch = next;
    _pending.activeFrom = activeFrom;
    _pending.post = post;
    _pending.digest = digest;
    emit EpochPosted(e.epoch, root, e.newTotal, activeFrom);
  }

  /// @inheritdoc IFlexPayouts
  function proveDecrease(
    Leaf calldata oldLeaf,
    Sib[] calldata oldProof,
    Leaf calldata newLeaf,
    Sib[] calldata newProof
  ) external nonReentrant {
    Pending memory pending = _pending;
    require(pending.epoch != 0, NoEpochPending());
    require(_loses(oldLeaf, newLeaf, newProof.length), NoDecrease(oldLeaf.idx));
    _verifyLeaf(oldLeaf, oldProof, liveRoot, totalAllocated());
    _verifyLeaf(newLeaf, newProof, pending.root, pending.newTotal);
    _pending.epoch = 0;
    _postRejected[pending.post] = true;
    _digestRejected[pending.digest] = true;
    emit EpochRejected(pending.epoch, pending.root, oldLeaf.idx);
  }

  /// @inheritdoc IFlexPayouts
  function activateEpoch() external nonReentrant {
    Pending memory pending = _pending;
    require(pending.epoch != 0, NoEpochPending());
    _requireFrom(pending.activeFrom);
    _pending.epoch = 0;
    liveRoot = pending.root;
    _allocate(pending.newTotal);
    emit EpochActivated(pending.epoch, pending.root, pending.newTotal);
  }

  /// @dev An index goes to another account only if its own account named that one in time.
  /// A position nobody holds (zero account) has nothing to lose. A tree in which a leaf has
  /// `depth` siblings has no place for an index of 2^depth or more, unless it is lopsided, and a
  /// lopsided tree can hold one index twice.
  function _loses(
    Leaf calldata oldLeaf,
    Leaf calldata newLeaf,
    uint256 depth
  ) private view returns (bool) {
    if (oldLeaf.account == address(0)) return false;
    if (newLeaf.idx == oldLeaf.idx) {
      if (newLeaf.cum < oldLeaf.cum) return true;
      if (newLeaf.account == oldLeaf.account) return false;
      return !recipients.isRecipient(oldLeaf.account, newLeaf.account);
    }
    return oldLeaf.idx >> depth != 0;
  }

  function _verifyLeaf(
    Leaf calldata leaf,
    Sib[] calldata proof,
    bytes32 root,
    uint128 total
  ) private pure {
    bytes32 h = PayoutTree.leafHash(leaf.idx, leaf.account, leaf.cum);
    PayoutTree.verify(h, leaf.cum, leaf.idx, proof, root, total);
  }

  // ---------------------------------------------------------------- payment

  /// @inheritdoc IFlexPayouts
  function claim(
    uint256 idx,
    address account,
    uint64 cum,
    Sib[] calldata proof
  ) external nonReentrant {
    bytes32 h = PayoutTree.leafHash(idx, account, cum);
    PayoutTree.verify(h, cum, idx, proof, liveRoot, totalAllocated());
    uint256 word = _claimed[idx / 4];
    uint64 paid = word.lane(idx);
    require(cum > paid, NothingToClaim(idx, cum));
    uint64 amount = _payable(cum - paid);
    _claimed[idx / 4] = word.grow(idx, amount);
    _payOut(amount);
    emit Paid(idx, account, amount, currentEpoch());
    token().safeTransfer(account, amount);
  }

  /// @inheritdoc IFlexPayouts
  function payChunk(
    uint256 first,
    bytes calldata rows,
    Sib[] calldata proof
  ) external nonReentrant {
    uint256 size = PayoutTree.chunkSize(first, rows.length);
    {
      (bytes32 h, uint128 s) = PayoutTree.foldChunk(first, size, rows);
      PayoutTree.verify(h, s, first / size, proof, liveRoot, totalAllocated());
    }
    (uint256 perDay, uint256 room) = outflow();
    Outflow memory out = Outflow(token(), perDay, room);
    uint64 total = 0;
    for (uint256 i = 0; i < size; i += 4) {
      total += _payWord(first, i, rows, out);
    }
    _payOut(total);
  }

  /// @dev Pays the four rows that share one storage word. The lanes are written after the
  /// transfers: the reentrancy guard on every function that moves money covers the gap.
  function _payWord(
    uint256 first,
    uint256 row,
    bytes calldata rows,
    Outflow memory out
  ) private returns (uint64 total) {
    uint256 key = (first + row) / 4;
    uint256 word = _claimed[key];
    for (uint256 i = row; i < row + 4; ++i) {
      (address account, uint64 cum) = PayoutTree.rowAt(rows, i);
      uint64 paid = word.lane(first + i);
      if (cum <= paid) continue;
      uint64 amount = _tryPay(first + i, account, cum - paid, out);
      word = word.grow(first + i, amount);
      total += amount;
    }
    if (total > 0) _claimed[key] = word;
  }

  /// @dev What the token refuses and what the day's limit leaves no room for waits.
  function _tryPay(
    uint256 idx,
    address account,
    uint64 wanted,
    Outflow memory out
  ) private returns (uint64 amount) {
    amount = uint64(OutflowLimit.part(out.room, out.perDay, wanted));
    if (amount > 0 && !out.token.trySafeTransfer(account, amount)) amount = 0;
    if (amount > 0) {
      out.room -= amount;
      emit Paid(idx, account, amount, currentEpoch());
    }
    if (amount < wanted) emit PayoutDeferred(idx, account, wanted - amount);
  }

  function _payable(uint64 wanted) private view returns (uint64 amount) {
    (uint256 perDay, uint256 room) = outflow();
    if (perDay == 0) return wanted;
    amount = uint64(OutflowLimit.part(room, perDay, wanted));
    require(
      amount > 0,
      OutflowLimited(OutflowLimit.partFrom(_outflowLevel, perDay, wanted))
    );
  }

  function _payOut(uint64 amount) private {
    _claim(amount);
    (uint256 perDay, ) = outflow();
    if (perDay > 0 && amount > 0) {
      _outflowLevel = uint64(OutflowLimit.taken(_outflowLevel, perDay, amount));
    }
  }

  // ---------------------------------------------------------------- views

  /// @inheritdoc IFlexPayouts
  function outflow() public view returns (uint256 perDay, uint256 room) {
    uint256 bps = _outflowBps();
    if (bps == 0) return (0, type(uint256).max);
    perDay = (uint256(totalAllocated()) * bps + 9_999) / 10_000;
    room = OutflowLimit.room(_outflowLevel, perDay);
  }

  /// @inheritdoc IFlexPayouts
  function claimed(uint256 idx) external view returns (uint64) {
    return _claimed[idx / 4].lane(idx);
  }

  /// @inheritdoc IFlexPayouts
  function pendingEpoch() external view returns (PendingEpoch memory p) {
    if (_pending.epoch == 0) return p;
    p.root = _pending.root;
    p.newTotal = _pending.newTotal;
    p.epoch = _pending.epoch;
    p.activeFrom = _pending.activeFrom;
    p.post = _pending.post;
    p.digest = _pending.digest;
  }

  /// @inheritdoc IFlexPayouts
  function epochDigest(Epoch calldata e) public view returns (bytes32) {
    return e.hash().digest(address(this));
  }

  /// @inheritdoc RequestFunding
  function _isAccounted(uint32 post) internal view override returns (bool) {
    return post != 0 && !_postRejected[post];
  }
}
