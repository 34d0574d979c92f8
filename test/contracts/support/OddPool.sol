// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {
  ReentrancyGuardTransient
} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../../contracts/interfaces/IFlexRequests.sol";
import {IPoolGuard} from "../../../contracts/interfaces/IPoolGuard.sol";
import {Sib} from "../../../contracts/libraries/PayoutTree.sol";
import {Fixture} from "./Fixture.sol";
import {HookToken, PlainToken} from "./OddTokens.sol";
import {TreeBuilder} from "./TreeBuilder.sol";
import {Check, vm} from "./Vm.sol";

/// @notice A pool whose token is not the well-behaved one.
abstract contract OddPool is Fixture {
  /// @dev From here on the pool works with this token, and the payer has plenty of it.
  function switchTo(address token) internal {
    pool = newPool(IERC20(token));
    PlainToken(token).mint(payer, 1_000_000);
    vm.prank(payer);
    PlainToken(token).approve(address(pool), type(uint256).max);
  }

  /// @dev One bond for the challenger, allowed to the pool.
  function giveBond(PlainToken token) internal {
    token.mint(CHALLENGER, BOND);
    vm.prank(CHALLENGER);
    token.approve(address(pool), BOND);
  }
}

/// @notice A pool whose token calls back from inside each transfer.
abstract contract HookedPool is OddPool {
  using TreeBuilder for TreeBuilder.Tree;

  HookToken internal token;
  bytes32 internal waiting;

  function setUp() public virtual override {
    super.setUp();
    token = new HookToken();
    switchTo(address(token));
    keep(treeOf(10, 20, 30, 40));
    allocate(kept());
    waiting = open(100);
  }

  /// @dev Every function that is guarded, with arguments that would go through from outside at this
  /// very moment, or nearly. `reentrancy.test.ts` compares the list with the ABI.
  function attacks() internal view returns (bytes[] memory calls) {
    TreeBuilder.Tree memory tree = kept();
    Sib[] memory proof = tree.proof(0);
    IFlexRequests.Settlement memory s;
    IFlexPayouts.Epoch memory e;
    IFlexRequests.RequestTerms memory t;
    IFlexPayouts.Leaf memory l;
    calls = new bytes[](17);
    calls[0] = abi.encodeCall(pool.claim, (0, payee(0), 10, proof));
    calls[1] = abi.encodeCall(pool.payChunk, (0, tree.rows(0, 4), tree.proof(0, 4)));
    calls[2] = abi.encodeCall(pool.withdrawCredit, (payer));
    calls[3] = abi.encodeCall(pool.openRequest, (t));
    calls[4] = abi.encodeCall(pool.openRequestWithAuthorization, (t, 0, 0, ""));
    calls[5] = abi.encodeCall(pool.cancel, (waiting));
    calls[6] = abi.encodeCall(pool.cancelWithSignature, (waiting, ""));
    calls[7] = abi.encodeCall(pool.proposeSettlement, (s, new bytes[](0)));
    calls[8] = abi.encodeCall(pool.finalize, (waiting));
    calls[9] = abi.encodeCall(pool.refundExpired, (waiting));
    calls[10] = abi.encodeCall(pool.returnUnallocated, (waiting));
    calls[11] = abi.encodeCall(pool.postEpoch, (e, new bytes32[](0), new bytes[](0)));
    calls[12] = abi.encodeCall(pool.activateEpoch, ());
    calls[13] = abi.encodeCall(pool.proveDecrease, (l, proof, l, proof));
    bytes[] memory none = new bytes[](0);
    calls[14] = abi.encodeCall(pool.challenge, (waiting));
    IFlexRequests.Permit memory p;
    calls[16] = abi.encodeCall(pool.openRequestWithSignature, (t, "", p));
    calls[15] = abi.encodeCall(pool.challengeEquivocation, (s, none, s, none));
  }

  /// @dev The functions that are not: they move no money, and ask for a role before anything else.
  function roleCalls() internal view returns (bytes[] memory calls, bytes4[] memory refusals) {
    calls = new bytes[](2);
    refusals = new bytes4[](2);
    calls[0] = abi.encodeCall(pool.pause, (START));
    refusals[0] = IPoolGuard.NotInRole.selector;
    calls[1] = abi.encodeCall(pool.rearmPause, ());
    refusals[1] = IPoolGuard.NotAuthorised.selector;
  }

  /// @dev What was tried from inside met the guard and nothing else.
  function checkGuarded() internal view {
    Check.eq(
      bytes32(token.answer()),
      bytes32(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
      "the guard answered"
    );
  }
}
