// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {PackedClaims} from "../../contracts/libraries/PackedClaims.sol";
import {PayoutTree, Sib} from "../../contracts/libraries/PayoutTree.sol";
import {TreeBuilder} from "./support/TreeBuilder.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice Gives the library's functions an outside, so that their errors can be expected.
contract Verifier {
  function verify(
    bytes32 h,
    uint128 s,
    uint256 pos,
    Sib[] calldata proof,
    bytes32 root,
    uint128 total
  ) external pure {
    PayoutTree.verify(h, s, pos, proof, root, total);
  }

  function fold(
    uint256 first,
    bytes calldata rows
  ) external pure returns (bytes32 h, uint128 s) {
    return PayoutTree.foldChunk(first, PayoutTree.chunkSize(first, rows.length), rows);
  }
}

contract PayoutTreeTest {
  using TreeBuilder for TreeBuilder.Tree;

  bytes32 private constant LEAF_0 =
    0xaaed8ca41d1f950cbb27d27910d6322533ef3bf4404bf561b0a057b124244efc;
  bytes32 private constant LEAF_1 =
    0x19a3eca3404855e2d3eb4d9689edfba8f1abd0d3a59c13110a9cfc99a6b31293;
  bytes32 private constant NODE =
    0x80703399f1ac0a44d5f7a0a7d26aa0a0e81174dbba511cbd76e1dead718557bc;
  bytes32 private constant ROOT =
    0xb1bb032ac097e305c99ec0a4d297bf0ccff976936b8a7932d5960550c0c80c96;

  Verifier private verifier = new Verifier();

  function tree(uint64[4] memory amounts) private pure returns (TreeBuilder.Tree memory) {
    IFlexPayouts.Leaf[] memory leaves = new IFlexPayouts.Leaf[](4);
    for (uint256 i = 0; i < 4; ++i) {
      address account = amounts[i] > 0 ? address(uint160(0xa + i)) : address(0);
      leaves[i] = IFlexPayouts.Leaf(i, account, amounts[i]);
    }
    return TreeBuilder.build(leaves);
  }

  function verifyLeaf(
    TreeBuilder.Tree memory t,
    uint256 idx,
    uint64 cum,
    uint256 pos,
    Sib[] memory proof
  ) private view {
    verifier.verify(
      PayoutTree.leafHash(idx, t.leaves[idx].account, cum),
      cum,
      pos,
      proof,
      PayoutTree.rootHash(t.topHash(), t.total()),
      t.total()
    );
  }

  // ---------------------------------------------------------------- golden vectors

  function test_theGoldenVectorsHold() public pure {
    Check.eq(PayoutTree.leafHash(0, address(0x0A), 100), LEAF_0, "leaf 0");
    Check.eq(PayoutTree.leafHash(1, address(0x0B), 50), LEAF_1, "leaf 1");
    Check.eq(PayoutTree.nodeHash(LEAF_0, 100, LEAF_1, 50), NODE, "node");
    Check.eq(PayoutTree.rootHash(NODE, 150), ROOT, "root");
  }

  function test_theGoldenTreeOfTwoPaddedToFourHolds() public view {
    bytes memory rows = abi.encodePacked(
      address(0x0A),
      uint64(100),
      address(0x0B),
      uint64(50),
      new bytes(56)
    );
    (bytes32 top, uint128 total) = verifier.fold(0, rows);
    Check.eq(total, 150, "total");
    Check.eq(
      PayoutTree.rootHash(top, total),
      0x9d0c72c256060d834efdd7ac2b7e563b5105a531234c57fb158c6eec624fef7e,
      "root"
    );
  }

  function test_leafNodeAndRootPreimagesDifferInLength() public pure {
    Check.eq(abi.encode(PayoutTree.LEAF_TAG, uint256(0), address(0), uint64(0)).length, 128, "leaf");
    Check.eq(
      abi.encodePacked(bytes32(0), bytes32(0), uint128(0), uint128(0)).length,
      96,
      "node"
    );
    Check.eq(abi.encode(bytes32(0), uint128(0)).length, 64, "root");
  }

  // ---------------------------------------------------------------- refusals

  function test_aSecondIndexOfTheSameLeafIsRefused() public {
    TreeBuilder.Tree memory t = tree([uint64(1), 2, 3, 4]);
    Sib[] memory proof = t.proof(1);
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.PositionOutOfTree.selector, 1));
    verifyLeaf(t, 1, 2, 5, proof);
  }

  function test_aProofWithAnotherSumIsRefused() public {
    TreeBuilder.Tree memory t = tree([uint64(1), 2, 3, 4]);
    Sib[] memory proof = t.proof(1);
    proof[1].s += 1;
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.TotalMismatch.selector, 11, 10));
    verifyLeaf(t, 1, 2, 1, proof);
  }

  function test_aLargerLeafOutOfASmallerSiblingIsRefused() public {
    TreeBuilder.Tree memory t = tree([uint64(1), 2, 3, 4]);
    Sib[] memory proof = t.proof(1);
    proof[0].s -= 1;
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    verifyLeaf(t, 1, 3, 1, proof);
  }

  function test_anotherIndexThanThePositionIsRefused() public {
    TreeBuilder.Tree memory t = tree([uint64(1), 2, 3, 4]);
    Sib[] memory proof = t.proof(1);
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    verifyLeaf(t, 1, 2, 0, proof);
  }

  function test_aSumThatOverflowsIsRefused() public {
    Sib[] memory proof = new Sib[](1);
    proof[0] = Sib(bytes32(0), type(uint128).max);
    vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
    verifier.verify(bytes32(0), 1, 0, proof, bytes32(0), 0);
  }

  function test_anInnerNodeIsNoLeaf() public {
    TreeBuilder.Tree memory t = tree([uint64(1), 2, 3, 4]);
    Sib[] memory proof = t.proof(0, 2);
    vm.expectPartialRevert(PayoutTree.RootMismatch.selector);
    verifier.verify(
      PayoutTree.leafHash(0, address(0xa), 3),
      3,
      0,
      proof,
      PayoutTree.rootHash(t.topHash(), 10),
      10
    );
  }

  function malformed(uint256 first, uint256 length) private {
    vm.expectRevert(abi.encodeWithSelector(PayoutTree.MalformedChunk.selector, first, length));
    verifier.fold(first, new bytes(length));
  }

  function test_chunksOfNoneOneTwoThreeOrSixRowsAreRefused() public {
    malformed(0, 0);
    malformed(0, 28);
    malformed(0, 56);
    malformed(0, 84);
    malformed(0, 168);
  }

  function test_trailingBytesAreRefused() public {
    malformed(0, 4 * 28 + 1);
    malformed(0, 4 * 28 - 1);
  }

  function test_anUnalignedChunkIsRefused() public {
    malformed(2, 4 * 28);
    malformed(4, 8 * 28);
  }

  // ---------------------------------------------------------------- properties

  function testFuzz_everyLeafIsProved(uint64[4] memory amounts, uint256 idx) public view {
    idx %= 4;
    TreeBuilder.Tree memory t = tree(amounts);
    verifyLeaf(t, idx, amounts[idx], idx, t.proof(idx));
  }

  function testFuzz_onlyTheTrueAmountIsProved(
    uint64[4] memory amounts,
    uint256 idx,
    uint64 other
  ) public {
    idx %= 4;
    vm.assume(other != amounts[idx]);
    TreeBuilder.Tree memory t = tree(amounts);
    Sib[] memory proof = t.proof(idx);
    vm.expectRevert();
    verifyLeaf(t, idx, other, idx, proof);
  }

  function testFuzz_foldingRowsGivesTheTopOfTheTree(uint64[4] memory amounts) public view {
    TreeBuilder.Tree memory t = tree(amounts);
    (bytes32 h, uint128 s) = verifier.fold(0, t.rows(0, 4));
    Check.eq(h, t.topHash(), "top");
    Check.eq(s, t.total(), "total");
  }

  function testFuzz_aLaneGrowsAloneAndNeverCarries(
    uint256 word,
    uint8 idx,
    uint64 amount
  ) public pure {
    uint64 room = type(uint64).max - PackedClaims.lane(word, idx);
    if (amount > room) amount = room;
    uint256 grown = PackedClaims.grow(word, idx, amount);
    for (uint256 i = 0; i < 4; ++i) {
      uint256 expected = PackedClaims.lane(word, i) + (i == idx % 4 ? amount : 0);
      Check.eq(PackedClaims.lane(grown, i), expected, "lane");
    }
  }
}
