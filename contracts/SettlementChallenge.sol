// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexRequests} from "./interfaces/IFlexRequests.sol";
import {RequestFunding} from "./RequestFunding.sol";

/// @title Layer 1, second third: anybody's doubt about a proposal, inside its dispute window
/// @dev A challenge pays nobody and takes from nobody: it moves payout and fee of a proposal to
/// what is held, so that the rules of a held rest end it (more signatures, the arbiter, or the
/// deadline).
abstract contract SettlementChallenge is RequestFunding {
  /// @inheritdoc IFlexRequests
  function challenge(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    require(msg.sender != escrow.origin.payer, PayerMayNotChallenge(msg.sender));
    uint64 bond = challengeBond();
    _lockBond(bond);
    Challenge storage own = escrow.challenge;
    own.asked = _holdAll(id, escrow, bond);
    own.challenger = msg.sender;
    escrow.course.hasBond = true;
    _pull(msg.sender, bond);
  }

  /// @inheritdoc IFlexRequests
  function challengeEquivocation(
    Settlement calldata one,
    bytes[] calldata signaturesOne,
    Settlement calldata other,
    bytes[] calldata signaturesOther
  ) external nonReentrant {
    bytes32 id = one.requestId;
    Escrow storage escrow = _escrows[id];
    _holdAll(id, escrow, 0);
    verifierRegistry().requireContradiction(
      escrow.course.verifierSetId,
      one,
      signaturesOne,
      other,
      signaturesOther,
      escrow.course.isRest
    );
  }

  /// @dev A rest came out of a doubt, and its verifiers are more than a quorum already: only a
  /// proof holds it once more.
  function _holdAll(
    bytes32 id,
    Escrow storage escrow,
    uint64 bond
  ) private returns (uint64 asked) {
    _requireState(id, escrow.course.state, State.Proposed);
    _requireUntil(escrow.course.windowEnd - 1);
    Proposal storage p = escrow.proposal;
    asked = p.payout + p.fee;
    require(
      asked > 0 && (bond == 0 || !escrow.course.isRest),
      NothingToChallenge(id)
    );
    (p.payout, p.fee, p.held) = (0, 0, p.held + asked);
    emit SettlementChallenged(id, msg.sender, asked, bond);
  }

  /// @dev What a request came to decides the bond on it, unless some of what was asked is held:
  /// then the rest carries it on.
  /// @param settled payout and fee that became final
  /// @param restId zero where nothing was held
  function _decideBond(bytes32 id, uint64 settled, bytes32 restId) internal {
    Challenge memory c = _escrows[id].challenge;
    bool wasRight = settled < c.asked;
    if (wasRight && restId != 0) {
      Escrow storage rest = _escrows[restId];
      rest.challenge.challenger = c.challenger;
      rest.challenge.asked = c.asked - settled;
      rest.course.hasBond = true;
      return;
    }
    uint64 bond = challengeBond();
    _releaseBond(wasRight ? c.challenger : feeReceiver(), bond);
    if (wasRight) emit BondReturned(id, c.challenger, bond);
    else emit BondForfeited(id, c.challenger, bond);
  }
}
