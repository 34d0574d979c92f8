// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Rival of the bench: the operator sends every share of every call, in batches
/// @notice As bare as such contracts come: no list is signed, nothing keeps a batch from being sent
/// twice, and one payee that refuses stops its batch.
contract PushPayouts {
  using SafeERC20 for IERC20;

  uint256 private constant ROW_BYTES = 28;

  IERC20 public immutable token;
  address public immutable operator;

  error NotOperator(address sender);

  constructor(IERC20 token_, address operator_) {
    token = token_;
    operator = operator_;
  }

  /// @param rows 28 bytes each: account, then amount, as in a chunk of the pool
  function pay(bytes calldata rows) external {
    require(msg.sender == operator, NotOperator(msg.sender));
    for (uint256 at = 0; at < rows.length; at += ROW_BYTES) {
      address account = address(bytes20(rows[at:at + 20]));
      token.safeTransfer(account, uint64(bytes8(rows[at + 20:at + ROW_BYTES])));
    }
  }
}
