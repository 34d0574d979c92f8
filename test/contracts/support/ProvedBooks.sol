// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EscrowAccounting} from "../../../contracts/EscrowAccounting.sol";

/// @title The rules of the pool's books, for the compiler's model checker
/// @notice A proof by induction over the file that the pool inherits. The first case is a new pool
/// (`NewBooks`). The step, one contract for each internal function of `EscrowAccounting`: from any
/// state at all in which the rules hold, with any arguments at all, one move is made, and the rules
/// hold again. So they hold after every sequence of moves, however long.
/// @dev The sums on the other side are kept apart from the books, from the arguments alone. For
/// `other`, who is anybody not named in the call, credit stays as it was: with that the sum of all
/// credits is proved without adding them up. The checker takes each contract by itself.
abstract contract BooksRules is EscrowAccounting {
  uint256 internal _balance; // of the token: in with every lock, out with every payment
  uint256 internal _escrows; // of all requests that are open
  uint256 internal _finalPayouts; // less those that went back
  uint256 internal _credits; // of all accounts
  uint256 internal _stakes;

  /// @dev The hypothesis before, the conclusion after.
  modifier keepsTheRules() {
    require(_owed() <= type(uint64).max);
    require(_owed() + totalAllocated() == _balance + totalClaimed());
    require(totalClaimed() <= totalAllocated());
    require(uint256(totalAllocated()) + allocatable() == _finalPayouts);
    require(locked() == _escrows && totalCredit() == _credits && totalBonds() == _stakes);
    _;
    // I1: what is owed is what is there.
    assert(_owed() + totalAllocated() == _balance + totalClaimed());
    // Room: all of it fits 64 bits, so that no move between two figures can overflow.
    assert(_owed() <= type(uint64).max);
    // I3: nobody takes what no epoch allocated.
    assert(totalClaimed() <= totalAllocated());
    // I4: what epochs allocated and what waits for one are the final payouts.
    assert(uint256(totalAllocated()) + allocatable() == _finalPayouts);
    // Each figure is what its name says.
    assert(locked() == _escrows);
    assert(totalCredit() == _credits);
    assert(totalBonds() == _stakes);
  }

  function _owed() internal view returns (uint256) {
    return uint256(locked()) + allocatable() + totalCredit() + totalBonds();
  }
}

/// @notice The first case: nothing is anybody's yet.
contract NewBooks is BooksRules {
  constructor() {
    assert(_owed() == 0 && totalAllocated() == 0 && totalClaimed() == 0);
    assert(_balance == 0 && _finalPayouts == 0);
    assert(_escrows == 0 && _credits == 0 && _stakes == 0);
  }
}

contract Lock is BooksRules {
  function lock(uint64 amount, address other) external keepsTheRules {
    uint256 others = credit(other);
    _lock(amount);
    _balance += amount;
    _escrows += amount;
    assert(amount > 0);
    assert(credit(other) == others);
  }
}

contract Unlock is BooksRules {
  function unlock(address payer, uint64 amount, address other) external keepsTheRules {
    (uint256 before, uint256 others) = (credit(payer), credit(other));
    _unlock(payer, amount);
    _escrows -= amount;
    _credits += amount;
    assert(credit(payer) == before + amount);
    assert(other == payer || credit(other) == others);
  }
}

contract Split is BooksRules {
  function split(
    address payer,
    address feeReceiver,
    uint64 amount,
    uint64 payout,
    uint64 fee,
    uint64 held,
    address other
  ) external keepsTheRules {
    (uint256 payers, uint256 fees, uint256 others) = (
      credit(payer),
      credit(feeReceiver),
      credit(other)
    );
    uint64 refund = _split(payer, feeReceiver, amount, payout, fee, held);
    _escrows -= amount - held;
    _finalPayouts += payout;
    _credits += uint256(fee) + refund;
    // I2: the parts are the whole.
    assert(uint256(payout) + fee + held + refund == amount);
    bool isOne = payer == feeReceiver;
    assert(credit(payer) == payers + refund + (isOne ? fee : 0));
    assert(credit(feeReceiver) == fees + fee + (isOne ? refund : 0));
    assert(other == payer || other == feeReceiver || credit(other) == others);
  }
}

contract ReturnPayout is BooksRules {
  function returnPayout(address payer, uint64 payout, address other) external keepsTheRules {
    (uint256 before, uint256 others) = (credit(payer), credit(other));
    _returnPayout(payer, payout);
    _finalPayouts -= payout;
    _credits += payout;
    assert(credit(payer) == before + payout);
    assert(other == payer || credit(other) == others);
  }
}

contract Allocate is BooksRules {
  function allocate(uint64 newTotal, address other) external keepsTheRules {
    (uint256 others, uint256 total, uint256 epoch) = (
      credit(other),
      totalAllocated(),
      currentEpoch()
    );
    _allocate(newTotal);
    assert(newTotal >= total && totalAllocated() == newTotal);
    assert(currentEpoch() == epoch + 1);
    assert(credit(other) == others);
  }
}

contract Claim is BooksRules {
  function claim(uint64 amount, address other) external keepsTheRules {
    uint256 others = credit(other);
    _claim(amount);
    _balance -= amount;
    assert(credit(other) == others);
  }
}

contract TakeCredit is BooksRules {
  function takeCredit(address account, address other) external keepsTheRules {
    (uint256 before, uint256 others) = (credit(account), credit(other));
    uint64 amount = _takeCredit(account);
    _balance -= amount;
    _credits -= amount;
    assert(amount > 0 && amount == before && credit(account) == 0);
    assert(other == account || credit(other) == others);
  }
}

contract LockBond is BooksRules {
  function lockBond(uint64 amount, address other) external keepsTheRules {
    uint256 others = credit(other);
    _lockBond(amount);
    _balance += amount;
    _stakes += amount;
    assert(amount > 0);
    assert(credit(other) == others);
  }
}

contract ReleaseBond is BooksRules {
  function releaseBond(address account, uint64 bond, address other) external keepsTheRules {
    (uint256 before, uint256 others) = (credit(account), credit(other));
    _releaseBond(account, bond);
    _stakes -= bond;
    _credits += bond;
    assert(credit(account) == before + bond);
    assert(other == account || credit(other) == others);
  }
}
