// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IFlexPool} from "./interfaces/IFlexPool.sol";
import {IReceiveWithAuthorization} from "./interfaces/IReceiveWithAuthorization.sol";
import {Messages} from "./libraries/Messages.sol";
import {EscrowAccounting} from "./EscrowAccounting.sol";

/// @title Layer 1, first half: escrows, how they are opened and cancelled
abstract contract RequestFunding is EscrowAccounting {
  using SafeERC20 for IERC20;
  using Messages for RequestTerms;
  using Messages for Settlement;

  /// @dev Two slots while funded, two more once proposed. `payout + fee + held <= amount < 2^80`.
  struct Escrow {
    address payer;
    uint48 deliverStart;
    uint48 deliverEnd;
    uint80 amount;
    uint48 settleBy;
    uint32 verifierSetId;
    uint32 accountedBy; // the posted epoch that counts this payout, 0 for none
    State state;
    uint8 round;
    uint48 windowEnd;
    uint80 payout;
    uint80 fee;
    uint80 held;
    bytes32 settlementDigest;
  }

  /// @dev No escrow may wait longer than this, so every request ends in finite time.
  uint48 private constant HORIZON_MAX = 730 days;

  mapping(bytes32 id => Escrow) internal _escrows;

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
      terms.amount > 0 && terms.amount <= type(uint80).max,
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
    escrow.amount = uint80(terms.amount);
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
  function roundIdOf(bytes32 id, uint256 round) public pure returns (bytes32) {
    return keccak256(abi.encode(id, round));
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
    r.held = escrow.held;
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

  /// @dev Whether posted epoch number `post` exists and was not rejected.
  function _isAccounted(uint32 post) internal view virtual returns (bool);

  function _requireState(bytes32 id, Escrow storage escrow, State expected) internal view {
    require(escrow.state == expected, WrongState(id, escrow.state, expected));
  }
}
