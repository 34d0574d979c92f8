// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title Rival of the bench: one Merkle root per call, one claim per payee and call
/// @notice As bare as such contracts come: the operator's root holds at once, and no cap ties it to
/// money that was settled.
contract BitmapPayouts {
  using SafeERC20 for IERC20;

  IERC20 public immutable token;
  address public immutable operator;
  mapping(uint256 call => bytes32) public rootOf;
  mapping(uint256 call => mapping(uint256 word => uint256)) private _claimed;

  event Claimed(uint256 indexed call, uint256 index, address account, uint256 amount);

  error NotOperator(address sender);
  error AlreadyClaimed(uint256 call, uint256 index);
  error NotInTree(uint256 call, uint256 index);

  constructor(IERC20 token_, address operator_) {
    token = token_;
    operator = operator_;
  }

  function post(uint256 call, bytes32 root) external {
    require(msg.sender == operator, NotOperator(msg.sender));
    rootOf[call] = root;
  }

  function claim(
    uint256 call,
    uint256 index,
    address account,
    uint256 amount,
    bytes32[] calldata proof
  ) external {
    uint256 word = _claimed[call][index / 256];
    uint256 bit = 1 << (index % 256);
    require(word & bit == 0, AlreadyClaimed(call, index));
    bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(index, account, amount))));
    require(MerkleProof.verifyCalldata(proof, rootOf[call], leaf), NotInTree(call, index));
    _claimed[call][index / 256] = word | bit;
    token.safeTransfer(account, amount);
    emit Claimed(call, index, account, amount);
  }
}
