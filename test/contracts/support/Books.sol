// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EscrowAccounting} from "../../../contracts/EscrowAccounting.sol";

/// @title The pool's own books, each of their functions open to anybody with any argument
/// @notice What the compiler's model checker proves here holds for the very file that the pool
/// inherits, in whatever order and with whatever figures the pool calls it.
contract Books is EscrowAccounting {
  /// @dev What the token says that the pool holds: in with every lock, out with every payment.
  uint256 private _balance;
  /// @dev Payouts of all settlements that became final, less those that went back.
  uint256 private _finalPayouts;

  function lock(uint128 amount) external {
    _lock(amount);
    _balance += amount;
  }

  function unlock(address payer, uint64 amount) external {
    _unlock(payer, amount);
  }

  function split(
    address payer,
    address feeReceiver,
    uint64 amount,
    uint64 payout,
    uint64 fee,
    uint64 held
  ) external {
    uint64 refund = _split(payer, feeReceiver, amount, payout, fee, held);
    _finalPayouts += payout;
    // I2: the parts are the whole.
    assert(uint256(payout) + fee + held + refund == amount);
  }

  function returnPayout(address payer, uint64 payout) external {
    _returnPayout(payer, payout);
    _finalPayouts -= payout;
  }

  function allocate(uint64 newTotal) external {
    _allocate(newTotal);
  }

  function claim(uint64 amount) external {
    _claim(amount);
    _balance -= amount;
  }

  function takeCredit(address account) external {
    _balance -= _takeCredit(account);
  }

  function lockBond(uint128 amount) external {
    _lockBond(amount);
    _balance += amount;
  }

  function releaseBond(address account, uint64 bond) external {
    _releaseBond(account, bond);
  }

  /// @dev After any sequence of the calls above.
  function hold() external view {
    // I1: what the pool owes is what it has.
    uint256 owed = uint256(locked()) + allocatable() + totalCredit() + totalBonds();
    assert(owed + totalAllocated() == _balance + totalClaimed());
    // I3: nobody takes what no epoch allocated.
    assert(totalClaimed() <= totalAllocated());
    // I4: epochs and what waits for one are the final payouts.
    assert(uint256(totalAllocated()) + allocatable() == _finalPayouts);
  }
}
