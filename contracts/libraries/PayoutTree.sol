// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A neighbour on the way from a leaf to the top: its hash and the sum of its leaves.
struct Sib {
  bytes32 h;
  uint128 s;
}

/// @title Merkle-sum tree of cumulative payouts
/// @notice Every node commits to both hashes and both sums below it, so the leaves that can be
/// proved against one root never add up to more than the root's total.
/// Leaf 128 bytes, node 96 bytes, root 64 bytes: no preimage of one kind can pass for another.
/// Order is positional: the leaf at position `idx` has index `idx`.
library PayoutTree {
  /// @dev The proof is shorter than the position: the leaf would have a second index.
  error PositionOutOfTree(uint256 remainder);
  /// @dev The recomputed sum at the top is not the total the root commits to.
  error TotalMismatch(uint128 computed, uint128 expected);
  /// @dev The recomputed root is not the expected one.
  error RootMismatch(bytes32 computed, bytes32 expected);
  /// @dev A chunk must hold 2^k rows of 28 bytes, at least 4, starting at a multiple of its size.
  error MalformedChunk(uint256 first, uint256 length);

  bytes32 internal constant LEAF_TAG = "FlexLeaf.v1";
  uint256 internal constant ROW_BYTES = 28;
  uint256 internal constant CHUNK_ROWS_MIN = 4;

  /// @notice Hash of one payee's leaf.
  /// @param idx index of the payee in the pool, never reused
  /// @param account payee
  /// @param cum everything this index has ever earned, in token units
  function leafHash(uint256 idx, address account, uint64 cum) internal pure returns (bytes32) {
    return keccak256(abi.encode(LEAF_TAG, idx, account, cum));
  }

  /// @notice Hash of an inner node: left and right hash, then left and right sum as 16 bytes each.
  function nodeHash(
    bytes32 left,
    uint128 leftSum,
    bytes32 right,
    uint128 rightSum
  ) internal pure returns (bytes32) {
    return keccak256(abi.encodePacked(left, right, leftSum, rightSum));
  }

  /// @notice The root binds the top node's hash to the total of the tree.
  function rootHash(bytes32 top, uint128 total) internal pure returns (bytes32) {
    return keccak256(abi.encode(top, total));
  }

  /// @notice Climbs from a subtree at position `pos` of its level and requires the given root.
  function verify(
    bytes32 h,
    uint128 s,
    uint256 pos,
    Sib[] calldata proof,
    bytes32 root,
    uint128 total
  ) internal pure {
    for (uint256 i = 0; i < proof.length; ++i) {
      bytes32 sibling = proof[i].h;
      uint128 siblingSum = proof[i].s;
      h = pos % 2 == 0
        ? nodeHash(h, s, sibling, siblingSum)
        : nodeHash(sibling, siblingSum, h, s);
      s += siblingSum; // checked: an overflow would let a leaf exceed the total
      pos >>= 1;
    }
    require(pos == 0, PositionOutOfTree(pos));
    require(s == total, TotalMismatch(s, total));
    bytes32 computed = rootHash(h, s);
    require(computed == root, RootMismatch(computed, root));
  }

  /// @notice Number of rows of a chunk, after checking its shape.
  function chunkSize(uint256 first, uint256 length) internal pure returns (uint256 size) {
    size = length / ROW_BYTES;
    require(
      length % ROW_BYTES == 0 &&
        size >= CHUNK_ROWS_MIN &&
        size & (size - 1) == 0 &&
        first % size == 0,
      MalformedChunk(first, length)
    );
  }

  /// @notice Row `i` of a chunk: account (20 bytes) then cumulative amount (8 bytes, big-endian).
  /// @dev `i` must be below the chunk's size; the last row reads 4 bytes past the end and drops
  /// them.
  function rowAt(
    bytes calldata rows,
    uint256 i
  ) internal pure returns (address account, uint64 cum) {
    uint256 word;
    assembly ("memory-safe") {
      word := calldataload(add(rows.offset, mul(i, ROW_BYTES)))
    }
    account = address(uint160(word >> 96));
    cum = uint64(word >> 32);
  }

  /// @notice Folds the rows of a chunk pairwise into the hash and the sum of their subtree.
  function foldChunk(
    uint256 first,
    uint256 size,
    bytes calldata rows
  ) internal pure returns (bytes32, uint128) {
    bytes32[] memory h = new bytes32[](size);
    uint128[] memory s = new uint128[](size);
    for (uint256 i = 0; i < size; ++i) {
      (address account, uint64 cum) = rowAt(rows, i);
      h[i] = leafHash(first + i, account, cum);
      s[i] = cum;
    }
    for (uint256 width = size / 2; width > 0; width /= 2) {
      for (uint256 i = 0; i < width; ++i) {
        h[i] = nodeHash(h[2 * i], s[2 * i], h[2 * i + 1], s[2 * i + 1]);
        s[i] = s[2 * i] + s[2 * i + 1];
      }
    }
    return (h[0], s[0]);
  }
}
