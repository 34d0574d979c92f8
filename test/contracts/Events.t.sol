// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LogBooks} from "./support/LogBooks.sol";
import {LoggedHandler} from "./support/LoggedHandler.sol";
import {Check, vm} from "./support/Vm.sol";
import {Walk} from "./support/Walk.sol";

/// @notice Whoever only listens knows all balances.
contract EventsTest is Walk {
  /// @dev The same fixed walks as those of the invariants, to their end: every figure of the pool is
  /// rebuilt from its events, on the way and after everything has ended.
  function test_theEventsAloneRebuildEveryBalance() public {
    uint256 paid = 0;
    uint256 returned = 0;
    for (uint256 k = 0; k < 6; ++k) {
      LoggedHandler handler = new LoggedHandler();
      handler.setUp();
      walk(handler, k, 150);
      handler.check();
      handler.endEverything();
      handler.check();
      paid += handler.books().seen(keccak256("Paid(uint256,address,uint64,uint64)"));
      returned += handler.books().seen(keccak256("PayoutReturned(bytes32,uint128)"));
    }
    Check.yes(paid > 0 && returned > 0, "money went both ways");
  }

  function test_anEventThatTheBooksDoNotKnowStopsThem() public {
    LogBooks books = new LogBooks(address(this), address(0));
    vm.recordLogs();
    emit Unheard(1);
    vm.expectPartialRevert(LogBooks.UnknownEvent.selector);
    books.read(vm.getRecordedLogs());
  }

  event Unheard(uint256 amount);
}
