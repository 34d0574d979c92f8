// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowAccounting} from "./interfaces/IEscrowAccounting.sol";

/// @title The pool's books: who the money in it belongs to
/// @notice The only place where a figure of money changes; it moves no token and knows no request.
/// @dev Proved by the compiler's model checker as it stands here (`ProvedBooks.sol` in the tests):
/// no assembly, no calls, no casts to fewer bits, and every check is `require(condition, Error())`.
abstract contract EscrowAccounting is IEscrowAccounting {
  /// @dev Money that is nobody's payout yet, one slot. `_requireRoom` keeps the sum of all four
  /// within 64 bits where money comes in, so no move between them can overflow.
  struct Funds {
    uint64 locked;
    uint64 allocatable;
    uint64 totalCredit;
    uint64 totalBonds;
  }

  /// @dev What epochs allocated and payees took, one slot.
  struct Payouts {
    uint64 totalAllocated;
    uint64 totalClaimed;
    uint64 epoch;
  }

  Funds private _funds;
  Payouts private _payouts;
  mapping(address account => uint64) private _credit;

  // ---------------------------------------------------------------- escrow

  /// @dev Money of a payer comes in and is locked.
  function _lock(uint64 amount) internal {
    Funds memory f = _funds;
    _requireRoom(f, amount);
    f.locked += amount;
    _funds = f;
  }

  /// @dev A whole escrow goes back to its payer.
  function _unlock(address payer, uint64 amount) internal {
    Funds memory f = _funds;
    f.locked -= amount;
    f.totalCredit += amount;
    _funds = f;
    _addCredit(payer, amount);
  }

  /// @dev Splits an escrow: payout, fee, what stays locked, and the refund, which is all the rest.
  function _split(
    address payer,
    address feeReceiver,
    uint64 amount,
    uint64 payout,
    uint64 fee,
    uint64 held
  ) internal returns (uint64 refund) {
    refund = amount - payout - fee - held;
    Funds memory f = _funds;
    f.locked -= amount - held;
    f.allocatable += payout;
    f.totalCredit += fee + refund;
    _funds = f;
    _addCredit(feeReceiver, fee);
    _addCredit(payer, refund);
  }

  /// @dev A payout that no epoch counts goes back to its payer.
  function _returnPayout(address payer, uint64 payout) internal {
    Funds memory f = _funds;
    f.allocatable -= payout;
    f.totalCredit += payout;
    _funds = f;
    _addCredit(payer, payout);
  }

  // ---------------------------------------------------------------- payouts

  /// @dev A new epoch allocates final payouts: the total of its tree is `newTotal`.
  function _allocate(uint64 newTotal) internal {
    Payouts memory p = _payouts;
    _funds.allocatable -= newTotal - p.totalAllocated;
    p.totalAllocated = newTotal;
    p.epoch += 1;
    _payouts = p;
  }

  /// @dev The cap that protects the pool's other money from any payout tree, however wrong.
  function _claim(uint64 amount) internal {
    Payouts memory p = _payouts;
    uint64 total = p.totalClaimed + amount;
    require(total <= p.totalAllocated, ExceedsAllocation(total, p.totalAllocated));
    _payouts.totalClaimed = total;
  }

  // ---------------------------------------------------------------- credit and bonds

  /// @dev Takes out all credit of an account, for the token to be sent to it.
  function _takeCredit(address account) internal returns (uint64) {
    uint64 amount = _credit[account];
    require(amount > 0, NoCredit(account));
    _credit[account] = 0;
    _funds.totalCredit -= amount;
    return amount;
  }

  /// @dev A stake comes in.
  function _lockBond(uint64 bond) internal {
    Funds memory f = _funds;
    _requireRoom(f, bond);
    f.totalBonds += bond;
    _funds = f;
  }

  /// @dev A stake becomes credit, of who gave it or of who was right.
  function _releaseBond(address account, uint64 bond) internal {
    Funds memory f = _funds;
    f.totalBonds -= bond;
    f.totalCredit += bond;
    _funds = f;
    _addCredit(account, bond);
  }

  function _addCredit(address account, uint64 amount) private {
    if (amount > 0) _credit[account] += amount;
  }

  function _requireRoom(Funds memory f, uint64 amount) private pure {
    uint256 all = uint256(f.locked) + f.allocatable + f.totalCredit + f.totalBonds + amount;
    require(amount > 0 && all <= type(uint64).max, AmountOutOfRange(amount));
  }

  // ---------------------------------------------------------------- views

  /// @inheritdoc IEscrowAccounting
  function credit(address account) public view returns (uint256) {
    return _credit[account];
  }

  /// @inheritdoc IEscrowAccounting
  function totalCredit() public view returns (uint256) {
    return _funds.totalCredit;
  }

  /// @inheritdoc IEscrowAccounting
  function totalBonds() public view returns (uint128) {
    return _funds.totalBonds;
  }

  /// @inheritdoc IEscrowAccounting
  function locked() public view returns (uint128) {
    return _funds.locked;
  }

  /// @inheritdoc IEscrowAccounting
  function allocatable() public view returns (uint128) {
    return _funds.allocatable;
  }

  /// @inheritdoc IEscrowAccounting
  function totalAllocated() public view returns (uint128) {
    return _payouts.totalAllocated;
  }

  /// @inheritdoc IEscrowAccounting
  function totalClaimed() public view returns (uint128) {
    return _payouts.totalClaimed;
  }

  /// @inheritdoc IEscrowAccounting
  function currentEpoch() public view returns (uint64) {
    return _payouts.epoch;
  }
}
