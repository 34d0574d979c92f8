// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IFlexPayouts} from "../interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../interfaces/IFlexRequests.sol";

/// @title EIP-712 struct hashes of the pool's messages, and the request id
library Messages {
  bytes32 internal constant SETTLEMENT_TYPEHASH =
    keccak256(
      "Settlement(bytes32 requestId,uint8 round,bytes32 evidenceRoot,bytes32 bundleHash,"
      "bytes32 linesRoot,uint128 payoutTotal,uint128 feeTotal,uint128 heldTotal,int64 deliveredWh)"
    );
  bytes32 internal constant EPOCH_TYPEHASH =
    keccak256(
      "Epoch(uint64 epoch,bytes32 prevRoot,bytes32 topHash,uint128 newTotal,"
      "bytes32 requestIdsHash,bytes32 dataHash)"
    );
  bytes32 internal constant OPEN_TYPEHASH = keccak256("Open(bytes32 requestId)");
  bytes32 internal constant CANCEL_TYPEHASH = keccak256("Cancel(bytes32 requestId)");
  bytes32 internal constant DOMAIN_TYPEHASH =
    keccak256(
      "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
  bytes32 internal constant DOMAIN_NAME_HASH = keccak256("Gridcall FlexPool");
  bytes32 internal constant DOMAIN_VERSION_HASH = keccak256("1");
  bytes32 internal constant REQUEST_TAG = "FlexRequest.v1";

  /// @notice Id of a request in pool `pool` on this chain.
  /// @dev 11 ABI words: tag, chain id, pool, then the terms in their order.
  function requestId(
    IFlexRequests.RequestTerms calldata terms,
    address pool
  ) internal view returns (bytes32) {
    return keccak256(abi.encode(REQUEST_TAG, block.chainid, pool, terms));
  }

  /// @dev All fields are static, so the struct encodes as its fields in order.
  function hash(IFlexRequests.Settlement calldata s) internal pure returns (bytes32) {
    return keccak256(abi.encode(SETTLEMENT_TYPEHASH, s));
  }

  function hash(IFlexPayouts.Epoch calldata e) internal pure returns (bytes32) {
    return keccak256(abi.encode(EPOCH_TYPEHASH, e));
  }

  function hashOpen(bytes32 id) internal pure returns (bytes32) {
    return keccak256(abi.encode(OPEN_TYPEHASH, id));
  }

  function hashCancel(bytes32 id) internal pure returns (bytes32) {
    return keccak256(abi.encode(CANCEL_TYPEHASH, id));
  }

  /// @notice EIP-712 digest of a message for the pool at `pool` on this chain.
  function digest(bytes32 structHash, address pool) internal view returns (bytes32) {
    bytes32 separator = keccak256(
      abi.encode(DOMAIN_TYPEHASH, DOMAIN_NAME_HASH, DOMAIN_VERSION_HASH, block.chainid, pool)
    );
    return MessageHashUtils.toTypedDataHash(separator, structHash);
  }
}
