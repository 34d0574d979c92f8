// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where the accounts of payout trees want to be paid from now on
/// @notice An account names a new payout address. After a delay, in which it can take that back,
/// the next epoch of a payout tree may bear the new address at the account's index. Nobody ever
/// needs this to be paid: an account that says nothing stays in the tree as it is.
interface IPayoutRecipients {
  /// @notice From `from` on (Unix seconds) `account` is to be paid to `to`.
  event RecipientAnnounced(address indexed account, address indexed to, uint48 from);
  /// @notice The account took its announcement back before the delay was over.
  event RecipientCancelled(address indexed account, address indexed to);

  /// @notice The zero address and the account itself are no new recipients.
  error BadRecipient(address to);
  /// @notice The account did not sign this.
  error NotSignedByAccount(address account);
  /// @notice The last second at which this signature could be used was `deadline`.
  error SignatureExpired(uint256 deadline);
  /// @notice No announcement of this account waits for its delay.
  error NothingAnnounced(address account);

  /// @notice Names the address that the caller is to be paid to after the delay. A later word
  /// replaces one that still waits. Errors: BadRecipient.
  function setRecipient(address to) external;

  /// @notice The same on the account's EIP-712 signature over
  /// `SetRecipient(address account,address to,uint256 nonce,uint256 deadline)`.
  /// @dev Anyone; the account may be a contract (ERC-1271). Errors: BadRecipient,
  /// NotSignedByAccount, SignatureExpired.
  function setRecipientBySignature(
    address account,
    address to,
    uint256 deadline,
    bytes calldata signature
  ) external;

  /// @notice Takes back what the caller announced, as long as the delay runs.
  /// Errors: NothingAnnounced.
  function cancelRecipient() external;

  /// @notice The same on the account's EIP-712 signature over
  /// `CancelRecipient(address account,uint256 nonce,uint256 deadline)`.
  /// @dev Anyone. Errors: NotSignedByAccount, SignatureExpired, NothingAnnounced.
  function cancelRecipientBySignature(
    address account,
    uint256 deadline,
    bytes calldata signature
  ) external;

  /// @notice Where `account` is to be paid now: itself until a named address has taken effect.
  function recipientOf(address account) external view returns (address);

  /// @notice Whether `account` named `to` and the delay is over. Once true it stays true: an epoch
  /// that was honest when it was signed cannot become a wrong one.
  function isRecipient(address account, address to) external view returns (bool);

  /// @notice What the account must sign next is numbered so.
  function nonces(address account) external view returns (uint256);
}
