// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {IReceiveWithAuthorization} from "./interfaces/IReceiveWithAuthorization.sol";
import {Messages} from "./libraries/Messages.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {PoolAccounts} from "./PoolAccounts.sol";

/// @title Layer 1: escrow, settlement, dispute window, split
abstract contract RequestEscrow is PoolAccounts {
  using SafeERC20 for IERC20;
  using Messages for RequestTerms;
  using Messages for Settlement;

  /// @dev Two slots while funded, two more once proposed. `payout + fee <= amount < 2^96`.
  struct Escrow {
    address payer;
    uint48 deliverStart;
    uint48 deliverEnd;
    uint96 amount;
    uint48 settleBy;
    uint32 verifierSetId;
    uint32 accountedBy; // the posted epoch that counts this payout, 0 for none
    State state;
    uint8 round;
    uint96 payout;
    uint96 fee;
    uint48 windowEnd;
    bytes32 settlementDigest;
  }

  /// @dev No escrow may wait longer than this, so every request ends in finite time.
  uint48 private constant HORIZON_MAX = 730 days;
  /// @dev How long a final payout waits for an epoch before it can go back to the payer.
  uint48 private constant UNALLOCATED_MAX = 365 days;
  uint48 private constant WINDOW_MAX = 90 days;

  /// @notice Seconds between a proposal and its finality.
  uint48 public immutable disputeWindow;
  /// @notice Seconds after settleBy before an unsettled request can be refunded.
  uint48 public immutable refundGrace;

  mapping(bytes32 id => Escrow) private _escrows;

  constructor(uint48 disputeWindow_, uint48 refundGrace_) {
    require(
      disputeWindow_ > 0 && disputeWindow_ <= WINDOW_MAX,
      BadConfiguration("disputeWindow", disputeWindow_)
    );
    require(refundGrace_ <= WINDOW_MAX, BadConfiguration("refundGrace", refundGrace_));
    disputeWindow = disputeWindow_;
    refundGrace = refundGrace_;
  }

  // ---------------------------------------------------------------- opening

  /// @inheritdoc IFlexPool
  function openRequest(RequestTerms calldata terms) external nonReentrant returns (bytes32 id) {
    require(msg.sender == terms.payer, NotPayer(terms.payer, msg.sender));
    id = _open(terms);
    uint256 before = token.balanceOf(address(this));
    token.safeTransferFrom(terms.payer, address(this), terms.amount);
    _requireReceived(before, terms.amount);
  }

  /// @inheritdoc IFlexPool
  function openRequestWithAuthorization(
    RequestTerms calldata terms,
    uint256 validAfter,
    uint256 validBefore,
    bytes calldata signature
  ) external nonReentrant returns (bytes32 id) {
    id = _open(terms);
    uint256 before = token.balanceOf(address(this));
    IReceiveWithAuthorization(address(token)).receiveWithAuthorization(
      terms.payer,
      address(this),
      terms.amount,
      validAfter,
      validBefore,
      authorizationNonceOf(id),
      signature
    );
    _requireReceived(before, terms.amount);
  }

  function _open(RequestTerms calldata terms) private returns (bytes32 id) {
    id = requestIdOf(terms);
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.None);
    require(
      terms.amount > 0 && terms.amount <= type(uint96).max,
      AmountOutOfRange(terms.amount)
    );
    require(
      block.timestamp < terms.deliverStart &&
        terms.deliverStart < terms.deliverEnd &&
        terms.deliverEnd <= terms.settleBy &&
        terms.settleBy <= block.timestamp + HORIZON_MAX,
      BadSchedule(terms.deliverStart, terms.deliverEnd, terms.settleBy, block.timestamp)
    );
    uint32 current = verifierRegistry.currentSetId();
    require(
      current > 0 && terms.verifierSetId == current,
      VerifierSetNotCurrent(terms.verifierSetId, current)
    );
    escrow.payer = terms.payer;
    escrow.deliverStart = terms.deliverStart;
    escrow.deliverEnd = terms.deliverEnd;
    escrow.amount = uint96(terms.amount);
    escrow.settleBy = terms.settleBy;
    escrow.verifierSetId = terms.verifierSetId;
    escrow.state = State.Funded;
    locked += terms.amount;
    emit RequestOpened(
      id,
      terms.payer,
      terms.amount,
      terms.deliverStart,
      terms.deliverEnd,
      terms.settleBy,
      terms.verifierSetId,
      terms.termsHash
    );
  }

  function _requireReceived(uint256 before, uint256 expected) private view {
    uint256 received = token.balanceOf(address(this)) - before;
    require(received == expected, InexactTransfer(received, expected));
  }

  // ---------------------------------------------------------------- cancelling

  /// @inheritdoc IFlexPool
  function cancel(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    require(msg.sender == escrow.payer, NotPayer(escrow.payer, msg.sender));
    _cancel(id, escrow);
  }

  /// @inheritdoc IFlexPool
  function cancelWithSignature(bytes32 id, bytes calldata payerSignature) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    address payer = escrow.payer;
    require(
      SignatureChecker.isValidSignatureNowCalldata(payer, cancelDigest(id), payerSignature),
      NotSignedByPayer(payer)
    );
    _cancel(id, escrow);
  }

  function _cancel(bytes32 id, Escrow storage escrow) private {
    _requireState(id, escrow, State.Funded);
    require(
      block.timestamp < escrow.deliverStart,
      TooLate(block.timestamp, escrow.deliverStart - 1)
    );
    uint128 amount = escrow.amount;
    escrow.state = State.Cancelled;
    locked -= amount;
    _addCredit(escrow.payer, amount);
    emit RequestCancelled(id, amount);
  }

  // ---------------------------------------------------------------- settling

  /// @inheritdoc IFlexPool
  function proposeSettlement(
    Settlement calldata s,
    bytes[] calldata signatures
  ) external nonReentrant {
    bytes32 id = s.requestId;
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.Funded);
    require(
      block.timestamp >= escrow.deliverEnd,
      TooEarly(block.timestamp, escrow.deliverEnd)
    );
    require(block.timestamp <= escrow.settleBy, TooLate(block.timestamp, escrow.settleBy));
    require(s.round == escrow.round + 1, WrongRound(s.round, escrow.round + 1));
    uint256 asked = uint256(s.payoutTotal) + s.feeTotal;
    require(asked <= escrow.amount, ExceedsEscrow(asked, escrow.amount));
    bytes32 digest = settlementDigest(s);
    Quorum.requireQuorum(verifierRegistry, escrow.verifierSetId, digest, signatures);

    escrow.state = State.Proposed;
    escrow.round = s.round;
    escrow.payout = uint96(s.payoutTotal);
    escrow.fee = uint96(s.feeTotal);
    escrow.settlementDigest = digest;
    uint48 windowEnd = uint48(block.timestamp) + disputeWindow;
    escrow.windowEnd = windowEnd;
    emit SettlementProposed(
      id,
      s.round,
      s.evidenceRoot,
      s.bundleHash,
      s.linesRoot,
      s.payoutTotal,
      s.feeTotal,
      s.deliveredWh,
      windowEnd
    );
  }

  /// @inheritdoc IFlexPool
  function finalize(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.Proposed);
    require(block.timestamp >= escrow.windowEnd, TooEarly(block.timestamp, escrow.windowEnd));
    uint128 amount = escrow.amount;
    uint128 payout = escrow.payout;
    uint128 fee = escrow.fee;
    uint128 refund = amount - payout - fee;
    escrow.state = State.Final;
    locked -= amount;
    allocatable += payout;
    _addCredit(feeReceiver, fee);
    _addCredit(escrow.payer, refund);
    emit RequestFinalized(id, payout, fee, refund);
  }

  /// @inheritdoc IFlexPool
  function refundExpired(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.Funded);
    uint256 from = uint256(escrow.settleBy) + refundGrace + 1;
    require(block.timestamp >= from, TooEarly(block.timestamp, from));
    uint128 amount = escrow.amount;
    escrow.state = State.Refunded;
    locked -= amount;
    _addCredit(escrow.payer, amount);
    emit RequestRefunded(id, amount);
  }

  /// @inheritdoc IFlexPool
  function returnUnallocated(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.Final);
    require(!_isAccounted(escrow.accountedBy), AlreadyAccounted(id));
    uint256 from = uint256(escrow.windowEnd) + UNALLOCATED_MAX;
    require(block.timestamp >= from, TooEarly(block.timestamp, from));
    uint128 payout = escrow.payout;
    escrow.state = State.Refunded;
    allocatable -= payout;
    _addCredit(escrow.payer, payout);
    emit PayoutReturned(id, payout);
  }

  // ---------------------------------------------------------------- for layer 2

  /// @dev Counts a final payout in the posted epoch number `post` and returns it.
  function _account(bytes32 id, uint32 post) internal returns (uint128) {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.Final);
    require(!_isAccounted(escrow.accountedBy), AlreadyAccounted(id));
    escrow.accountedBy = post;
    return escrow.payout;
  }

  /// @dev Whether posted epoch number `post` exists and was not rejected.
  function _isAccounted(uint32 post) internal view virtual returns (bool);

  // ---------------------------------------------------------------- views

  /// @inheritdoc IFlexPool
  function requestIdOf(RequestTerms calldata terms) public view returns (bytes32) {
    return terms.requestId(address(this));
  }

  /// @inheritdoc IFlexPool
  function authorizationNonceOf(bytes32 id) public pure returns (bytes32) {
    return bytes32(bytes24(id));
  }

  /// @inheritdoc IFlexPool
  function state(bytes32 id) external view returns (State) {
    return _escrows[id].state;
  }

  /// @inheritdoc IFlexPool
  function request(bytes32 id) external view returns (Request memory r) {
    Escrow storage escrow = _escrows[id];
    r.payer = escrow.payer;
    r.amount = escrow.amount;
    r.deliverStart = escrow.deliverStart;
    r.deliverEnd = escrow.deliverEnd;
    r.settleBy = escrow.settleBy;
    r.windowEnd = escrow.windowEnd;
    r.verifierSetId = escrow.verifierSetId;
    r.state = escrow.state;
    r.round = escrow.round;
    r.accounted = _isAccounted(escrow.accountedBy);
    r.payout = escrow.payout;
    r.fee = escrow.fee;
    r.settlementDigest = escrow.settlementDigest;
  }

  /// @inheritdoc IFlexPool
  function settlementDigest(Settlement calldata s) public view returns (bytes32) {
    return _hashTypedDataV4(s.hash());
  }

  /// @inheritdoc IFlexPool
  function cancelDigest(bytes32 id) public view returns (bytes32) {
    return _hashTypedDataV4(Messages.hashCancel(id));
  }

  function _requireState(bytes32 id, Escrow storage escrow, State expected) private view {
    require(escrow.state == expected, WrongState(id, escrow.state, expected));
  }
}
