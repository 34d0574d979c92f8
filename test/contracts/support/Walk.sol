// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProbedHandler} from "./ProbedHandler.sol";

/// @notice Random walks: what a handler can do, and doing some of it in a fixed order.
abstract contract Walk {
  function actionsOf(ProbedHandler handler) internal pure returns (bytes4[] memory s) {
    s = new bytes4[](21);
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
    s[17] = handler.nameRecipient.selector;
    s[18] = handler.takeBackRecipient.selector;
    s[19] = handler.challenge.selector;
    s[20] = handler.challengeEquivocation.selector;
  }

  /// @dev Every other step leads towards a payment, the rest is anything.
  function walk(ProbedHandler handler, uint256 number, uint256 steps) internal {
    bytes4[] memory actions = actionsOf(handler);
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
