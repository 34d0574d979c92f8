// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "./interfaces/IFlexRequests.sol";
import {SettlementChallenge} from "./SettlementChallenge.sol";

/// @title Layer 1, last third: settlement, dispute window, split, the held rest, the exits
/// @dev What a settlement holds back becomes an escrow of its own (a rest) in state Funded, so that
/// the same functions end it. A rest is told by its times: it starts and ends at one instant.
abstract contract FlexRequests is SettlementChallenge {
  /// @dev How long a final payout waits for an epoch before it can go back to the payer.
  uint48 private constant UNALLOCATED_MAX = 365 days;

  // ---------------------------------------------------------------- settling

  /// @inheritdoc IFlexRequests
  function proposeSettlement(
    Settlement calldata s,
    bytes[] calldata signatures
  ) external nonReentrant {
    bytes32 id = s.requestId;
    Escrow storage escrow = _escrows[id];
    uint48 windowEnd = _propose(id, escrow, s, signatures);
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

  function _propose(
    bytes32 id,
    Escrow storage escrow,
    Settlement calldata s,
    bytes[] calldata signatures
  ) private returns (uint40 windowEnd) {
    Course memory c = escrow.course;
    require(s.round > c.round, WrongRound(s.round, c.round));
    windowEnd = _windowFor(id, escrow, c, s);
    bytes32 digest = settlementDigest(s);
    _requireSigned(c, digest, signatures);
    Course storage course = escrow.course;
    course.windowEnd = windowEnd;
    course.state = State.Proposed;
    course.round = s.round;
    Proposal storage p = escrow.proposal;
    p.payout = uint64(s.payoutTotal);
    p.fee = uint64(s.feeTotal);
    p.held = uint64(s.heldTotal);
    p.digestPrefix = bytes8(digest);
  }

  /// @dev The end of the dispute window, for a first proposal and for one that replaces another.
  /// The second gets no window of its own: it gives nobody anything, it only holds more.
  function _windowFor(
    bytes32 id,
    Escrow storage escrow,
    Course memory c,
    Settlement calldata s
  ) private view returns (uint40 windowEnd) {
    uint256 asked = uint256(s.payoutTotal) + s.feeTotal + s.heldTotal;
    if (c.state == State.Proposed) {
      windowEnd = c.windowEnd;
      _requireUntil(windowEnd - 1);
      Proposal storage p = escrow.proposal;
      require(
        s.payoutTotal <= p.payout &&
          s.feeTotal <= p.fee &&
          asked >= uint256(p.payout) + p.fee + p.held,
        MayOnlyHold(id)
      );
    } else {
      _requireState(id, c.state, State.Funded);
      _requireNotPaused();
      _requireFrom(c.deliverEnd);
      _requireUntil(_proposeUntil(c.settleBy));
      windowEnd = uint40(block.timestamp + disputeWindow());
    }
    require(asked <= c.amount, ExceedsEscrow(asked, c.amount));
  }

  /// @dev A rest was held for a doubt, so the verifiers who caused it are not enough to end it.
  function _requireSigned(
    Course memory c,
    bytes32 digest,
    bytes[] calldata signatures
  ) private view {
    address judge = c.isRest ? arbiter() : address(0);
    verifierRegistry().requireQuorum(c.verifierSetId, digest, signatures, c.isRest, judge);
  }

  /// @inheritdoc IFlexRequests
  function finalize(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    Course memory c = escrow.course;
    _requireState(id, c.state, State.Proposed);
    _requireFrom(c.windowEnd);
    Proposal memory p = escrow.proposal;
    address payer = escrow.origin.payer;
    escrow.course.state = p.held > 0 ? State.PartlyFinal : State.Final;
    uint64 refund = _split(payer, feeReceiver(), c.amount, p.payout, p.fee, p.held);
    emit RequestFinalized(id, p.payout, p.fee, p.held, refund);
    bytes32 restId = p.held > 0 ? _hold(id, payer, c, p.held) : bytes32(0);
    if (c.hasBond) _decideBond(id, p.payout + p.fee, restId);
  }

  /// @dev However many rounds hold again, the first one's deadline stays: nothing is held for ever.
  function _hold(
    bytes32 id,
    address payer,
    Course memory c,
    uint64 held
  ) private returns (bytes32 restId) {
    uint256 round = uint256(c.round) + 1;
    restId = roundIdOf(id, round);
    uint256 settleBy = c.isRest ? c.settleBy : block.timestamp + heldWindow();
    Escrow storage rest = _escrows[restId];
    rest.origin.payer = payer;
    rest.origin.deliverStart = c.deliverEnd;
    Course storage course = rest.course;
    course.amount = held;
    course.deliverEnd = c.deliverEnd;
    course.settleBy = uint40(settleBy);
    course.verifierSetId = c.verifierSetId;
    course.state = State.Funded;
    course.round = c.round;
    course.isRest = true;
    emit RestHeld(id, restId, round, held, uint48(settleBy));
  }

  /// @inheritdoc IFlexRequests
  function refundExpired(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow.course.state, State.Funded);
    _requireFrom(uint256(escrow.course.settleBy) + refundGrace() + 1);
    if (escrow.course.hasBond) _decideBond(id, 0, bytes32(0));
    uint64 amount = _end(escrow, State.Refunded);
    emit RequestRefunded(id, amount);
  }

  /// @inheritdoc IFlexRequests
  function returnUnallocated(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requirePayout(id, escrow);
    _requireFrom(uint256(escrow.course.windowEnd) + UNALLOCATED_MAX);
    uint64 payout = escrow.proposal.payout;
    escrow.course.state = State.Refunded;
    _returnPayout(escrow.origin.payer, payout);
    emit PayoutReturned(id, payout);
  }

  // ---------------------------------------------------------------- for layer 2

  /// @dev Counts a final payout in the posted epoch number `post` and returns it.
  function _account(bytes32 id, uint32 post) internal returns (uint64) {
    Escrow storage escrow = _escrows[id];
    _requirePayout(id, escrow);
    escrow.origin.accountedBy = post;
    return escrow.proposal.payout;
  }

  /// @dev A final payout, in part or in full, that no epoch counts.
  function _requirePayout(bytes32 id, Escrow storage escrow) private view {
    State found = escrow.course.state;
    if (found != State.PartlyFinal) _requireState(id, found, State.Final);
    require(!_isAccounted(escrow.origin.accountedBy), AlreadyAccounted(id));
  }
}
