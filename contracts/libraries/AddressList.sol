// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

/// @title A list of addresses that never changes, kept as the code of a contract
/// @notice The whole list costs one cold access to read, where storage costs one per member.
/// @dev The code is the ABI encoding of `address[]`. Its first byte is 0, the instruction STOP, so
/// a call to it does nothing.
library AddressList {
  /// @dev Creation code that returns all that follows its own 11 bytes:
  /// PUSH1 11, MSIZE, DUP2, CODESIZE, SUB, DUP1, SWAP3, MSIZE, CODECOPY, RETURN.
  bytes11 private constant RETURN_THE_REST = 0x600b5981380380925939f3;

  /// @notice Keeps a list and returns where.
  function keep(address[] calldata list, bytes32 salt) internal returns (address) {
    return Create2.deploy(0, salt, abi.encodePacked(RETURN_THE_REST, abi.encode(list)));
  }

  /// @notice The list kept at `where`, empty for the zero address.
  function read(address where) internal view returns (address[] memory list) {
    if (where != address(0)) list = abi.decode(where.code, (address[]));
  }
}
