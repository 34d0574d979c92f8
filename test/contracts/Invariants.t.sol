// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Handler} from "./support/Handler.sol";
import {Check} from "./support/Vm.sol";

struct FuzzSelector {
  address addr;
  bytes4[] selectors;
}

contract InvariantsTest {
  Handler private handler;

  function setUp() public {
    handler = new Handler();
    handler.setUp();
  }

  function targetContracts() public view returns (address[] memory targets) {
    targets = new address[](1);
    targets[0] = address(handler);
  }

  function targetSelectors() public view returns (FuzzSelector[] memory targets) {
    bytes4[] memory s = new bytes4[](17);
    s[0] = handler.wait.selector;
    s[1] = handler.donate.selector;
    s[2] = handler.freeze.selector;
    s[3] = handler.openRequest.selector;
    s[4] = handler.cancel.selector;
    s[5] = handler.proposeSettlement.selector;
    s[6] = handler.finalize.selector;
    s[7] = handler.refundExpired.selector;
    s[8] = handler.returnUnallocated.selector;
    s[9] = handler.withdrawCredit.selector;
    s[10] = handler.postEpoch.selector;
    s[11] = handler.proveDecrease.selector;
    s[12] = handler.activateEpoch.selector;
    s[13] = handler.claim.selector;
    s[14] = handler.payChunk.selector;
    s[15] = handler.advance.selector;
    s[16] = handler.holdMore.selector;
    targets = new FuzzSelector[](1);
    targets[0] = FuzzSelector(address(handler), s);
  }

  /// I1, I3: the balance covers the books, and no more is claimed than was allocated.
  function invariant_theBooksBalance() public view {
    handler.checkBooks();
  }

  /// I2, I4, I6, I8, I13: every request is split exactly, and only after verification.
  function invariant_everyRequestIsSplitExactly() public view {
    handler.checkRequests();
  }

  /// I5: nobody is paid twice, nor more than a live leaf.
  function invariant_nobodyIsPaidTwice() public view {
    handler.checkPayees();
  }

  /// I9: a payout is counted by at most one epoch.
  function invariant_everyPayoutIsCountedOnce() public view {
    handler.checkCounted();
  }

  /// I7: whatever happened, anyone can end everything while all privileged parties are silent.
  function invariant_everythingEndsWithoutPrivilegedParties() public {
    handler.endEverything();
    handler.checkEnded();
    handler.checkBooks();
    handler.checkRequests();
    handler.checkPayees();
  }

  /// @dev An invariant proves nothing about a world in which nothing happens: on some fixed walks
  /// every kind of call must go through, and dishonest trees must be disproved and go live.
  function test_theHandlerReachesEverySituation() public {
    string[15] memory kinds = [
      "opened",
      "cancel",
      "cancel signed",
      "propose",
      "hold more",
      "propose rest",
      "arbitrate",
      "finalize",
      "refundExpired",
      "returnUnallocated",
      "withdrawCredit",
      "proveDecrease",
      "activateEpoch",
      "claim",
      "payChunk"
    ];
    uint256[15] memory seen;
    uint256 robbed = 0;
    for (uint256 k = 0; k < 12; ++k) {
      setUp();
      walk(k, 150);
      handler.endEverything();
      handler.checkEnded();
      for (uint256 i = 0; i < kinds.length; ++i) seen[i] += handler.successes(kinds[i]);
      robbed += handler.everRobbed() ? 1 : 0;
    }
    for (uint256 i = 0; i < kinds.length; ++i) Check.yes(seen[i] > 0, kinds[i]);
    Check.yes(robbed > 0, "a dishonest tree that nobody disproved");
  }

  /// @dev Every other step leads towards a payment, the rest is anything.
  function walk(uint256 number, uint256 steps) private {
    bytes4[] memory actions = targetSelectors()[0].selectors;
    for (uint256 i = 0; i < steps; ++i) {
      uint256 seed = uint256(keccak256(abi.encode("walk", number, i)));
      bytes4 action = i % 2 == 0 ? handler.advance.selector : actions[seed % actions.length];
      (bool ok, bytes memory reason) = address(handler).call(
        abi.encodeWithSelector(action, seed, seed >> 64, seed >> 128)
      );
      if (ok) continue;
      assembly ("memory-safe") {
        revert(add(reason, 32), mload(reason))
      }
    }
  }
}
