// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../../contracts/interfaces/IFlexPayouts.sol";
import {PayoutTree, Sib} from "../../../contracts/libraries/PayoutTree.sol";

/// @notice A whole payout tree in memory: node 1 is the top, leaves stand from `size` on.
library TreeBuilder {
  struct Tree {
    IFlexPayouts.Leaf[] leaves;
    bytes32[] h;
    uint128[] s;
  }

  /// @dev `leaves` must be 2^k long and leaf i must have index i.
  function build(IFlexPayouts.Leaf[] memory leaves) internal pure returns (Tree memory t) {
    uint256 size = leaves.length;
    t.leaves = leaves;
    t.h = new bytes32[](2 * size);
    t.s = new uint128[](2 * size);
    for (uint256 i = 0; i < size; ++i) {
      t.h[size + i] = PayoutTree.leafHash(leaves[i].idx, leaves[i].account, leaves[i].cum);
      t.s[size + i] = leaves[i].cum;
    }
    for (uint256 k = size - 1; k > 0; --k) {
      t.h[k] = PayoutTree.nodeHash(t.h[2 * k], t.s[2 * k], t.h[2 * k + 1], t.s[2 * k + 1]);
      t.s[k] = t.s[2 * k] + t.s[2 * k + 1];
    }
  }

  function topHash(Tree memory t) internal pure returns (bytes32) {
    return t.h[1];
  }

  function total(Tree memory t) internal pure returns (uint128) {
    return t.s[1];
  }

  /// @notice Siblings of the subtree of `size` leaves that begins at leaf `first`.
  function proof(
    Tree memory t,
    uint256 first,
    uint256 size
  ) internal pure returns (Sib[] memory siblings) {
    uint256 node = (t.leaves.length + first) / size;
    uint256 depth = 0;
    for (uint256 k = node; k > 1; k /= 2) ++depth;
    siblings = new Sib[](depth);
    for (uint256 i = 0; i < depth; ++i) {
      siblings[i] = Sib(t.h[node ^ 1], t.s[node ^ 1]);
      node /= 2;
    }
  }

  function proof(Tree memory t, uint256 idx) internal pure returns (Sib[] memory) {
    return proof(t, idx, 1);
  }

  /// @notice Rows of a chunk, as `payChunk` takes them.
  function rows(
    Tree memory t,
    uint256 first,
    uint256 size
  ) internal pure returns (bytes memory packed) {
    for (uint256 i = first; i < first + size; ++i) {
      packed = abi.encodePacked(packed, t.leaves[i].account, t.leaves[i].cum);
    }
  }
}
