// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IFlexRequests} from "./interfaces/IFlexRequests.sol";
import {RequestFunding} from "./RequestFunding.sol";

/// @title Layer 1, second half: settlement, dispute window, split, the held rest, the exits
/// @dev What a settlement holds back becomes an escrow of its own (a rest) in state Funded, so that
/// the same functions end it. A rest is told by its times: it starts and ends at one instant.
abstract contract FlexRequests is RequestFunding {
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
    Course memory c = escrow.course;
    require(s.round > c.round, WrongRound(s.round, c.round));
    c.windowEnd = _windowFor(id, escrow, c, s);
    bytes32 digest = settlementDigest(s);
    _requireSigned(c, digest, signatures);

    c.state = State.Proposed;
    c.round = s.round;
    escrow.course = c;
    escrow.proposal = Proposal(
      uint64(s.payoutTotal),
      uint64(s.feeTotal),
      uint64(s.heldTotal),
      bytes8(digest)
    );
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
      c.windowEnd
    );
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
      require(block.timestamp < windowEnd, TooLate(block.timestamp, windowEnd - 1));
      Proposal memory p = escrow.proposal;
      require(
        s.payoutTotal <= p.payout &&
          s.feeTotal <= p.fee &&
          asked >= uint256(p.payout) + p.fee + p.held,
        MayOnlyHold(id)
      );
    } else {
      _requireState(id, c.state, State.Funded);
      _requireNotPaused();
      require(block.timestamp >= c.deliverEnd, TooEarly(block.timestamp, c.deliverEnd));
      uint256 until = _proposeUntil(c.settleBy);
      require(block.timestamp <= until, TooLate(block.timestamp, until));
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
    if (c.isRest && signatures.length == 1 && arbiter() != address(0)) {
      if (SignatureChecker.isValidSignatureNowCalldata(arbiter(), digest, signatures[0])) return;
    }
    verifierRegistry().requireQuorum(c.verifierSetId, digest, signatures, c.isRest);
  }

  /// @inheritdoc IFlexRequests
  function finalize(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    Course memory c = escrow.course;
    _requireState(id, c.state, State.Proposed);
    require(block.timestamp >= c.windowEnd, TooEarly(block.timestamp, c.windowEnd));
    Proposal memory p = escrow.proposal;
    address payer = escrow.origin.payer;
    escrow.course.state = p.held > 0 ? State.PartlyFinal : State.Final;
    uint64 refund = _split(payer, feeReceiver(), c.amount, p.payout, p.fee, p.held);
    emit RequestFinalized(id, p.payout, p.fee, p.held, refund);
    if (p.held > 0) _hold(id, payer, c, p.held);
  }

  /// @dev However many rounds hold again, the first one's deadline stays: nothing is held for ever.
  /// `c` is the course of what held, and becomes that of its rest.
  function _hold(bytes32 id, address payer, Course memory c, uint64 held) private {
    uint256 round = uint256(c.round) + 1;
    bytes32 restId = roundIdOf(id, round);
    if (!c.isRest) c.settleBy = uint40(block.timestamp + heldWindow());
    c.amount = held;
    c.windowEnd = 0;
    c.state = State.Funded;
    c.isRest = true;
    Escrow storage rest = _escrows[restId];
    rest.origin = Origin(payer, c.deliverEnd, 0);
    rest.course = c;
    emit RestHeld(id, restId, round, held, c.settleBy);
  }

  /// @inheritdoc IFlexRequests
  function refundExpired(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow.course.state, State.Funded);
    uint256 from = uint256(escrow.course.settleBy) + refundGrace() + 1;
    require(block.timestamp >= from, TooEarly(block.timestamp, from));
    uint64 amount = _end(escrow, State.Refunded);
    emit RequestRefunded(id, amount);
  }

  /// @inheritdoc IFlexRequests
  function returnUnallocated(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    _requirePayout(id, escrow);
    uint256 from = uint256(escrow.course.windowEnd) + UNALLOCATED_MAX;
    require(block.timestamp >= from, TooEarly(block.timestamp, from));
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
