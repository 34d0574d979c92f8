// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheat codes these tests use.
interface Vm {
  struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
  }

  function addr(uint256 privateKey) external pure returns (address);
  function sign(
    uint256 privateKey,
    bytes32 digest
  ) external pure returns (uint8 v, bytes32 r, bytes32 s);
  function prank(address sender) external;
  function warp(uint256 timestamp) external;
  function chainId(uint256 id) external;
  function assume(bool condition) external pure;
  function expectRevert() external;
  function expectRevert(bytes calldata data) external;
  function expectRevert(bytes4 selector) external;
  function expectPartialRevert(bytes4 selector) external;
  function expectEmit(address emitter) external;
  function recordLogs() external;
  function getRecordedLogs() external returns (Log[] memory);
  function etch(address target, bytes calldata code) external;
  function snapshotState() external returns (uint256 id);
  function revertToState(uint256 id) external returns (bool done);
  function snapshotGasLastCall(
    string calldata group,
    string calldata name
  ) external returns (uint256 gasUsed);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

/// @notice What a test asserts with; the message says which figures differ.
library Check {
  error NotEqual(string what, uint256 found, uint256 expected);
  error NotTrue(string what);

  function eq(uint256 found, uint256 expected, string memory what) internal pure {
    require(found == expected, NotEqual(what, found, expected));
  }

  function eq(bytes32 found, bytes32 expected, string memory what) internal pure {
    eq(uint256(found), uint256(expected), what);
  }

  function eq(address found, address expected, string memory what) internal pure {
    eq(uint256(uint160(found)), uint256(uint160(expected)), what);
  }

  function yes(bool condition, string memory what) internal pure {
    require(condition, NotTrue(what));
  }
}
