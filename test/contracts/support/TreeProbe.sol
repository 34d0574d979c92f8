// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PayoutTree, Sib} from "../../../contracts/libraries/PayoutTree.sol";

/// @notice The library as anyone can ask it on a chain.
contract TreeProbe {
  /// @return top hash and sum of all rows as one tree
  function fold(bytes calldata rows) external pure returns (bytes32 top, uint128 total) {
    return PayoutTree.foldChunk(0, PayoutTree.chunkSize(0, rows.length), rows);
  }

  /// @return the root that a top hash and a total make
  function rootOf(bytes32 top, uint128 total) external pure returns (bytes32) {
    return PayoutTree.rootHash(top, total);
  }

  /// @dev Reverts unless the leaf is proved.
  function climb(
    uint256 idx,
    address account,
    uint64 cum,
    Sib[] calldata proof,
    bytes32 root,
    uint128 total
  ) external pure {
    bytes32 leaf = PayoutTree.leafHash(idx, account, cum);
    PayoutTree.verify(leaf, cum, idx, proof, root, total);
  }
}
