// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IPayoutRecipients} from "./interfaces/IPayoutRecipients.sol";

/// @title Where the accounts of payout trees want to be paid from now on
/// @notice One list for any number of pools; it holds no money and nobody governs it.
contract PayoutRecipients is IPayoutRecipients, EIP712 {
  /// @notice How long an account can take its word back: time to notice a stolen key.
  uint48 public constant DELAY = 48 hours;
  bytes32 private constant SET_TYPEHASH =
    keccak256("SetRecipient(address account,address to,uint256 nonce,uint256 deadline)");
  bytes32 private constant CANCEL_TYPEHASH =
    keccak256("CancelRecipient(address account,uint256 nonce,uint256 deadline)");

  struct Named {
    address current; // in effect before `next`, zero for the account itself
    address next;
    uint48 from; // when `next` takes effect
  }

  /// @inheritdoc IPayoutRecipients
  mapping(address account => uint256) public nonces;
  mapping(address account => Named) private _named;
  mapping(address account => mapping(address to => uint48 from)) private _from;

  constructor() EIP712("Gridcall PayoutRecipients", "1") {}

  /// @inheritdoc IPayoutRecipients
  function setRecipient(address to) external {
    _set(msg.sender, to);
  }

  /// @inheritdoc IPayoutRecipients
  function setRecipientBySignature(
    address account,
    address to,
    uint256 deadline,
    bytes calldata signature
  ) external {
    bytes memory message = abi.encode(SET_TYPEHASH, account, to, nonces[account]++, deadline);
    _requireSigned(account, message, deadline, signature);
    _set(account, to);
  }

  /// @inheritdoc IPayoutRecipients
  function cancelRecipient() external {
    _cancel(msg.sender);
  }

  /// @inheritdoc IPayoutRecipients
  function cancelRecipientBySignature(
    address account,
    uint256 deadline,
    bytes calldata signature
  ) external {
    bytes memory message = abi.encode(CANCEL_TYPEHASH, account, nonces[account]++, deadline);
    _requireSigned(account, message, deadline, signature);
    _cancel(account);
  }

  function _set(address account, address to) private {
    require(to != address(0) && to != account, BadRecipient(to));
    Named storage named = _named[account];
    if (_waits(named)) _forget(account, named.next);
    else if (named.next != address(0)) named.current = named.next;
    uint48 from = _from[account][to];
    // An address that was in effect before keeps its date for trees, and waits again to be the one.
    if (from == 0) _from[account][to] = uint48(block.timestamp) + DELAY;
    named.next = to;
    named.from = uint48(block.timestamp) + DELAY;
    emit RecipientAnnounced(account, to, named.from);
  }

  function _cancel(address account) private {
    Named storage named = _named[account];
    require(_waits(named), NothingAnnounced(account));
    address to = named.next;
    _forget(account, to);
    (named.next, named.from) = (named.current, 0);
    emit RecipientCancelled(account, to);
  }

  function _forget(address account, address to) private {
    if (_from[account][to] > block.timestamp) delete _from[account][to];
  }

  function _waits(Named storage named) private view returns (bool) {
    return block.timestamp < named.from;
  }

  function _requireSigned(
    address account,
    bytes memory message,
    uint256 deadline,
    bytes calldata signature
  ) private view {
    require(block.timestamp <= deadline, SignatureExpired(deadline));
    bytes32 digest = _hashTypedDataV4(keccak256(message));
    require(
      SignatureChecker.isValidSignatureNowCalldata(account, digest, signature),
      NotSignedByAccount(account)
    );
  }

  /// @inheritdoc IPayoutRecipients
  function recipientOf(address account) external view returns (address) {
    Named storage named = _named[account];
    address to = _waits(named) ? named.current : named.next;
    return to == address(0) ? account : to;
  }

  /// @inheritdoc IPayoutRecipients
  function isRecipient(address account, address to) external view returns (bool) {
    uint48 from = _from[account][to];
    return from != 0 && block.timestamp >= from;
  }
}
