// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LogBooks} from "./LogBooks.sol";
import {ProbedHandler} from "./ProbedHandler.sol";
import {Check, Vm, vm} from "./Vm.sol";

/// @notice Keeps books from the events of all that it does, and compares the pool with them.
contract LoggedHandler is ProbedHandler {
  LogBooks public books;

  function setUp() public override {
    super.setUp();
    books = new LogBooks(address(pool), FEE_RECEIVER);
    vm.recordLogs();
  }

  /// @dev What a refused call said before it was undone is on no chain, but among the recorded logs.
  function attempt(bytes memory data, bool allowed, string memory what) internal override {
    Vm.Log[] memory before = vm.getRecordedLogs(); // read afterwards: whose call it is stands already
    super.attempt(data, allowed, what);
    if (!allowed) vm.getRecordedLogs();
    books.read(before);
  }

  function check() external {
    books.read(vm.getRecordedLogs());
    Check.eq(pool.locked(), books.locked(), "locked");
    Check.eq(pool.allocatable(), books.allocatable(), "allocatable");
    Check.eq(pool.totalAllocated(), books.totalAllocated(), "allocated");
    Check.eq(pool.totalClaimed(), books.totalClaimed(), "claimed");
    Check.eq(pool.totalCredit(), books.totalCredit(), "credit");
    Check.eq(pool.totalBonds(), books.totalBonds(), "bonds");
    Check.eq(pool.currentEpoch(), books.epoch(), "epoch");
    for (uint256 i = 0; i < PAYEES; ++i) {
      Check.eq(pool.claimed(i), books.claimed(i), "claimed at an index");
      for (uint256 k = 0; k < ADDRESSES; ++k) {
        address account = addressOf(i, k);
        Check.eq(euro.balanceOf(account), books.paidTo(account), "paid to an account");
      }
    }
    for (uint256 i = 0; i < ids.length; ++i) {
      uint256 open_ = isOpen(stateOf(ids[i])) ? expected[ids[i]].amount : 0;
      Check.eq(books.escrow(ids[i]), open_, "escrow of a request");
    }
    for (uint256 i = 0; i < books.creditorCount(); ++i) {
      address creditor = books.creditors(i);
      Check.eq(pool.credit(creditor), books.credit(creditor), "credit of an account");
    }
    uint256 owed = books.locked() +
      books.allocatable() +
      (books.totalAllocated() - books.totalClaimed()) +
      books.totalCredit() +
      books.totalBonds();
    Check.eq(euro.balanceOf(address(pool)), owed + donated, "the token's word");
  }
}
