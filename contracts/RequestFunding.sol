// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IFlexRequests} from "./interfaces/IFlexRequests.sol";
import {IReceiveWithAuthorization} from "./interfaces/IReceiveWithAuthorization.sol";
import {Messages} from "./libraries/Messages.sol";
import {EscrowAccounting} from "./EscrowAccounting.sol";
import {PoolGuard} from "./PoolGuard.sol";

/// @title Layer 1, first third: escrows, how they are opened and cancelled
abstract contract RequestFunding is EscrowAccounting, PoolGuard, ReentrancyGuardTransient {
  using SafeERC20 for IERC20;
  using Messages for RequestTerms;
  using Messages for Settlement;
  using Messages for bytes32;

  /// @dev One slot each: a step reads and writes only what it needs. Two are used while funded, the
  /// last only where somebody challenges.
  struct Escrow {
    Origin origin;
    Course course;
    Proposal proposal;
    Challenge challenge;
  }

  struct Origin {
    address payer;
    uint40 deliverStart;
    uint32 accountedBy; // the posted epoch that counts this payout, 0 for none
  }

  struct Course {
    uint64 amount;
    uint40 deliverEnd;
    uint40 settleBy;
    uint40 windowEnd;
    uint32 verifierSetId;
    State state;
    uint8 round;
    bool isRest;
    bool hasBond; // somebody staked that not all of it will be confirmed
  }

  /// @dev `payout + fee + held <= amount`.
  struct Proposal {
    uint64 payout;
    uint64 fee;
    uint64 held;
    bytes8 digestPrefix;
  }

  /// @dev Stands with the request, later with the rest that carries the doubt on.
  struct Challenge {
    address challenger;
    uint64 asked; // payout and fee that are still to be confirmed
  }

  /// @dev No escrow may wait longer than this, so every request ends in finite time.
  uint48 private constant HORIZON_MAX = 730 days;

  mapping(bytes32 id => Escrow) internal _escrows;

  // ---------------------------------------------------------------- opening

  /// @inheritdoc IFlexRequests
  function openRequest(RequestTerms calldata terms) external nonReentrant returns (bytes32 id) {
    require(msg.sender == terms.payer, NotPayer(terms.payer, msg.sender));
    id = _open(terms);
    _pull(terms.payer, terms.amount);
  }

  /// @inheritdoc IFlexRequests
  function openRequestWithAuthorization(
    RequestTerms calldata terms,
    uint256 validAfter,
    uint256 validBefore,
    bytes calldata signature
  ) external nonReentrant returns (bytes32 id) {
    id = _open(terms);
    uint256 before = token().balanceOf(address(this));
    IReceiveWithAuthorization(address(token())).receiveWithAuthorization(
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

  /// @inheritdoc IFlexRequests
  function openRequestWithSignature(
    RequestTerms calldata terms,
    bytes calldata payerSignature,
    Permit calldata permit
  ) external nonReentrant returns (bytes32 id) {
    id = _open(terms);
    _requireByPayer(terms.payer, openDigest(id), payerSignature);
    if (permit.deadline > 0) {
      try
        IERC20Permit(address(token())).permit(
          terms.payer,
          address(this),
          permit.value,
          permit.deadline,
          permit.v,
          permit.r,
          permit.s
        )
      {} catch {} // used by somebody else already, or of no use: the allowance decides
    }
    _pull(terms.payer, terms.amount);
  }

  function _open(RequestTerms calldata terms) private returns (bytes32 id) {
    id = requestIdOf(terms);
    Escrow storage escrow = _escrows[id];
    _requireState(id, escrow.course.state, State.None);
    _requireNotPaused();
    _requireRole(_payerRole(), terms.payer);
    require(
      block.timestamp < terms.deliverStart &&
        terms.deliverStart < terms.deliverEnd &&
        terms.deliverEnd <= terms.settleBy &&
        terms.settleBy <= block.timestamp + HORIZON_MAX,
      BadSchedule(terms.deliverStart, terms.deliverEnd, terms.settleBy, block.timestamp)
    );
    uint32 current = verifierRegistry().currentSetId();
    require(
      current > 0 && terms.verifierSetId == current,
      VerifierSetNotCurrent(terms.verifierSetId, current)
    );
    escrow.origin.payer = terms.payer;
    escrow.origin.deliverStart = uint40(terms.deliverStart);
    Course storage course = escrow.course;
    course.amount = _lockNarrowed(terms.amount);
    course.deliverEnd = uint40(terms.deliverEnd);
    course.settleBy = uint40(terms.settleBy);
    course.verifierSetId = current;
    course.state = State.Funded;
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

  /// @dev Exactly this much comes in, or nothing does.
  function _pull(address from, uint256 amount) internal {
    uint256 before = token().balanceOf(address(this));
    token().safeTransferFrom(from, address(this), amount);
    _requireReceived(before, amount);
  }

  /// @dev The books have 64 bits; the terms, as they are signed, have more.
  function _lockNarrowed(uint128 amount) private returns (uint64 narrow) {
    require(amount <= type(uint64).max, AmountOutOfRange(amount));
    narrow = uint64(amount);
    _lock(narrow);
  }

  function _requireReceived(uint256 before, uint256 expected) private view {
    uint256 received = token().balanceOf(address(this)) - before;
    require(received == expected, InexactTransfer(received, expected));
  }

  // ---------------------------------------------------------------- cancelling

  /// @inheritdoc IFlexRequests
  function cancel(bytes32 id) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    address payer = escrow.origin.payer;
    require(msg.sender == payer, NotPayer(payer, msg.sender));
    _cancel(id, escrow);
  }

  /// @inheritdoc IFlexRequests
  function cancelWithSignature(bytes32 id, bytes calldata payerSignature) external nonReentrant {
    Escrow storage escrow = _escrows[id];
    address payer = escrow.origin.payer;
    _requireByPayer(payer, cancelDigest(id), payerSignature);
    _cancel(id, escrow);
  }

  function _requireByPayer(
    address payer,
    bytes32 digest,
    bytes calldata signature
  ) private view {
    require(
      verifierRegistry().isSignedBy(payer, digest, signature),
      NotSignedByPayer(payer)
    );
  }

  function _cancel(bytes32 id, Escrow storage escrow) private {
    _requireState(id, escrow.course.state, State.Funded);
    _requireUntil(escrow.origin.deliverStart - 1);
    uint64 amount = _end(escrow, State.Cancelled);
    emit RequestCancelled(id, amount);
  }

  /// @dev Ends a funded escrow: all of it becomes credit of the payer.
  function _end(Escrow storage escrow, State end) internal returns (uint64 amount) {
    amount = escrow.course.amount;
    escrow.course.state = end;
    _unlock(escrow.origin.payer, amount);
  }

  /// @inheritdoc IFlexRequests
  function withdrawCredit(address account) external nonReentrant {
    uint64 amount = _takeCredit(account);
    emit CreditWithdrawn(account, amount);
    token().safeTransfer(account, amount);
  }

  // ---------------------------------------------------------------- views

  /// @inheritdoc IFlexRequests
  function requestIdOf(RequestTerms calldata terms) public view returns (bytes32) {
    return terms.requestId(address(this));
  }

  /// @inheritdoc IFlexRequests
  function authorizationNonceOf(bytes32 id) public pure returns (bytes32) {
    return bytes32(bytes24(id));
  }

  /// @inheritdoc IFlexRequests
  function roundIdOf(bytes32 id, uint256 round) public pure returns (bytes32) {
    return keccak256(abi.encode(id, round));
  }

  /// @inheritdoc IFlexRequests
  function state(bytes32 id) external view returns (State) {
    return _escrows[id].course.state;
  }

  /// @inheritdoc IFlexRequests
  function request(bytes32 id) external view returns (Request memory r) {
    Escrow storage e = _escrows[id];
    r.payer = e.origin.payer;
    r.amount = e.course.amount;
    r.deliverStart = e.origin.deliverStart;
    r.deliverEnd = e.course.deliverEnd;
    r.settleBy = e.course.settleBy;
    r.windowEnd = e.course.windowEnd;
    r.verifierSetId = e.course.verifierSetId;
    r.state = e.course.state;
    r.round = e.course.round;
    r.accounted = _isAccounted(e.origin.accountedBy);
    r.payout = e.proposal.payout;
    r.fee = e.proposal.fee;
    r.held = e.proposal.held;
    r.digestPrefix = e.proposal.digestPrefix;
  }

  /// @inheritdoc IFlexRequests
  function settlementDigest(Settlement calldata s) public view returns (bytes32) {
    return s.hash().digest(address(this));
  }

  /// @inheritdoc IFlexRequests
  function openDigest(bytes32 id) public view returns (bytes32) {
    return Messages.hashOpen(id).digest(address(this));
  }

  /// @inheritdoc IFlexRequests
  function cancelDigest(bytes32 id) public view returns (bytes32) {
    return Messages.hashCancel(id).digest(address(this));
  }

  /// @dev Whether posted epoch number `post` exists and was not rejected.
  function _isAccounted(uint32 post) internal view virtual returns (bool);

  function _requireFrom(uint256 from) internal view {
    require(block.timestamp >= from, TooEarly(block.timestamp, from));
  }

  function _requireUntil(uint256 until) internal view {
    require(block.timestamp <= until, TooLate(block.timestamp, until));
  }

  function _requireState(bytes32 id, State found, State expected) internal pure {
    require(found == expected, WrongState(id, found, expected));
  }
}
