// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title Rival of the bench: one Merkle root of all that was ever earned, with a cap on the whole
/// @notice As bare as such contracts come: the operator's root holds at once, nobody can prove that
/// it takes from a payee, and its leaves may add up to more than the cap.
contract CumulativePayouts {
  using SafeERC20 for IERC20;

  IERC20 public immutable token;
  address public immutable operator;
  bytes32 public root;
  uint128 public totalAllocated;
  uint128 public totalClaimed;
  mapping(address account => uint256) public claimedBy;

  event Claimed(address indexed account, uint256 amount);

  error NotOperator(address sender);
  error RootMoved(bytes32 expected, bytes32 root);
  error NotInTree(address account, uint256 cumulative);
  error NothingToClaim(address account, uint256 cumulative);
  error ExceedsAllocation(uint128 claimed, uint128 allocated);

  constructor(IERC20 token_, address operator_) {
    token = token_;
    operator = operator_;
  }

  function post(bytes32 root_, uint128 added) external {
    require(msg.sender == operator, NotOperator(msg.sender));
    root = root_;
    totalAllocated += added;
  }

  function claim(
    address account,
    uint256 cumulative,
    bytes32 expectedRoot,
    bytes32[] calldata proof
  ) external {
    require(root == expectedRoot, RootMoved(expectedRoot, root));
    bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(account, cumulative))));
    require(
      MerkleProof.verifyCalldata(proof, expectedRoot, leaf),
      NotInTree(account, cumulative)
    );
    uint256 before = claimedBy[account];
    require(cumulative > before, NothingToClaim(account, cumulative));
    claimedBy[account] = cumulative;
    uint256 amount = cumulative - before;
    uint128 total = totalClaimed + uint128(amount);
    require(total <= totalAllocated, ExceedsAllocation(total, totalAllocated));
    totalClaimed = total;
    token.safeTransfer(account, amount);
    emit Claimed(account, amount);
  }
}
