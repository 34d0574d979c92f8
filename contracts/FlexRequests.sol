// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {RequestFunding} from "./RequestFunding.sol";

/// @title Layer 1, second half: settlement, dispute window, split, the held rest, the exits
/// @dev What a settlement holds back becomes an escrow of its own (a rest) in state Funded, so that
/// the same functions end it. A rest is told by its times: it starts and ends at one instant.
abstract contract FlexRequests is RequestFunding {
  /// @dev How long a final payout waits for an epoch before it can go back to the payer.
  uint48 private constant UNALLOCATED_MAX = 365 days;
  uint48 private constant WINDOW_MAX = 90 days;
  uint48 private constant HELD_MAX = 365 days;

  /// @notice Seconds between a proposal and its finality.
  uint48 public immutable disputeWindow;
  /// @notice Seconds after settleBy before an unsettled request can be refunded.
  uint48 public immutable refundGrace;
  /// @notice Seconds after finality in which what was held can still be settled.
  uint48 public immutable heldWindow;
  /// @notice Whose signature settles a held rest in place of verifiers', zero for nobody's.
  address public immutable arbiter;

  constructor(
    uint48 disputeWindow_,
    uint48 refundGrace_,
    uint48 heldWindow_,
    address arbiter_
  ) {
    require(
      disputeWindow_ > 0 && disputeWindow_ <= WINDOW_MAX,
      BadConfiguration("disputeWindow", disputeWindow_)
    );
    require(refundGrace_ <= WINDOW_MAX, BadConfiguration("refundGrace", refundGrace_));
    require(
      heldWindow_ > 0 && heldWindow_ <= HELD_MAX,
      BadConfiguration("heldWindow", heldWindow_)
    );
    disputeWindow = disputeWindow_;
    refundGrace = refundGrace_;
    heldWindow = heldWindow_;
    arbiter = arbiter_;
  }

  // ---------------------------------------------------------------- settling

  /// @inheritdoc IFlexPool
  function proposeSettlement(
    Settlement calldata s,
    bytes[] calldata signatures
  ) external nonReentrant {
    bytes32 id = s.requestId;
    Escrow storage escrow = _escrows[id];
    require(s.round == escrow.round + 1, WrongRound(s.round, escrow.round + 1));
    uint48 windowEnd = _windowFor(id, escrow, s);
    bytes32 digest = settlementDigest(s);
    _requireSigned(escrow, digest, signatures);

    escrow.state = State.Proposed;
    escrow.round = s.round;
    escrow.windowEnd = windowEnd;
    escrow.payout = uint80(s.payoutTotal);
    escrow.fee = uint80(s.feeTotal);
    escrow.held = uint80(s.heldTotal);
    escrow.settlementDigest = digest;
    emit SettlementProposed(
      id,
      s.round,
      s.evidenceRoot,
      s.bundleHash,
      s.linesRoot,
      s.payoutTotal,
      s.feeTotal,
      s.heldTotal,
      s.deliveredWh,
      windowEnd
    );
  }

  /// @dev The end of the dispute window, for a first proposal and for one that replaces another.
  /// The second gets no window of its own: it gives nobody anything, it only holds more.
  function _windowFor(
    bytes32 id,
    Escrow storage escrow,
    Settlement calldata s
  ) private view returns (uint48 windowEnd) {
    uint256 asked = uint256(s.payoutTotal) + s.feeTotal + s.heldTotal;
    if (escrow.state == State.Proposed) {
      windowEnd = escrow.windowEnd;
      require(block.timestamp < windowEnd, TooLate(block.timestamp, windowEnd - 1));
      uint256 before = uint256(escrow.payout) + escrow.fee + escrow.held;
      require(
        s.payoutTotal <= escrow.payout && s.feeTotal <= escrow.fee && asked >= before,
        MayOnlyHold(id)
      );
    } else {
      _requireState(id, escrow, State.Funded);
      require(
        block.timestamp >= escrow.deliverEnd,
        TooEarly(block.timestamp, escrow.deliverEnd)
      );
      require(block.timestamp <= escrow.settleBy, TooLate(block.timestamp, escrow.settleBy));
      windowEnd = uint48(block.timestamp) + disputeWindow;
    }
    require(asked <= escrow.amount, ExceedsEscrow(asked, escrow.amount));
  }

  /// @dev A rest was held for a doubt, so the verifiers who caused it are not enough to end it.
  function _requireSigned(
    Escrow storage escrow,
    bytes32 digest,
    bytes[] calldata signatures
  ) private view {
    bool isRest = _isRest(escrow);
    if (isRest && signatures.length == 1 && arbiter != address(0)) {
      if (SignatureChecker.isValidSignatureNowCalldata(arbiter, digest, signatures[0])) return;
    }
    Quorum.requireQuorum(verifierRegistry, escrow.verifierSetId, digest, signatures, isRest);
  }

  function _isRest(Escrow storage escrow) private view returns (bool) {
    return escrow.deliverStart == escrow.deliverEnd;
  }

  /// @inheritdoc IFlexPool
  function finalize(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow, State.Proposed);
    require(block.timestamp >= escrow.windowEnd, TooEarly(block.timestamp, escrow.windowEnd));
    uint128 payout = escrow.payout;
    uint128 fee = escrow.fee;
    uint128 held = escrow.held;
    uint128 refund = escrow.amount - payout - fee - held;
    escrow.state = held > 0 ? State.PartlyFinal : State.Final;
    locked -= payout + fee + refund;
    allocatable += payout;
    _addCredit(feeReceiver, fee);
    _addCredit(escrow.payer, refund);
    emit RequestFinalized(id, payout, fee, held, refund);
    if (held > 0) _hold(id, escrow);
  }

  /// @dev However many rounds hold again, the first one's deadline stays: nothing is held for ever.
  function _hold(bytes32 id, Escrow storage escrow) private {
    uint256 round = uint256(escrow.round) + 1;
    bytes32 restId = roundIdOf(id, round);
    Escrow storage rest = _escrows[restId];
    rest.payer = escrow.payer;
    rest.deliverStart = escrow.deliverEnd;
    rest.deliverEnd = escrow.deliverEnd;
    rest.amount = escrow.held;
    uint48 settleBy = _isRest(escrow) ? escrow.settleBy : uint48(block.timestamp) + heldWindow;
    rest.settleBy = settleBy;
    rest.verifierSetId = escrow.verifierSetId;
    rest.state = State.Funded;
    rest.round = escrow.round;
    emit RestHeld(id, restId, round, rest.amount, settleBy);
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
    _requirePayout(id, escrow);
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
    _requirePayout(id, escrow);
    escrow.accountedBy = post;
    return escrow.payout;
  }

  /// @dev A final payout, in part or in full, that no epoch counts.
  function _requirePayout(bytes32 id, Escrow storage escrow) private view {
    if (escrow.state != State.PartlyFinal) _requireState(id, escrow, State.Final);
    require(!_isAccounted(escrow.accountedBy), AlreadyAccounted(id));
  }
}
