// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice The books of a pool out of its events and nothing else, as anyone could keep them who
/// never asks the pool. An event that it does not know stops it: whoever adds one says here what it
/// does to whose money.
contract LogBooks {
  uint256 public locked;
  uint256 public allocatable;
  uint256 public totalAllocated;
  uint256 public totalClaimed;
  uint256 public totalCredit;
  uint256 public totalBonds;
  uint256 public epoch;
  mapping(address account => uint256) public credit;
  mapping(uint256 idx => uint256) public claimed;
  mapping(address account => uint256) public paidTo;
  mapping(bytes32 id => uint256) public escrow;
  /// @notice Everybody who ever had credit.
  address[] public creditors;
  /// @notice How often each kind of event was read, by its first topic.
  mapping(bytes32 topic => uint256) public seen;

  address private immutable pool;
  address private immutable feeReceiver;
  mapping(bytes32 id => address) private payerOf;

  error UnknownEvent(bytes32 topic);
  error AnotherAmount(bytes32 id, uint256 said, uint256 known);

  constructor(address pool_, address feeReceiver_) {
    pool = pool_;
    feeReceiver = feeReceiver_;
  }

  function creditorCount() external view returns (uint256) {
    return creditors.length;
  }

  function read(Vm.Log[] calldata logs) external {
    for (uint256 i = 0; i < logs.length; ++i) {
      if (logs[i].emitter != pool) continue;
      bytes32 topic = logs[i].topics[0];
      ++seen[topic];
      bool known = _request(topic, logs[i]) || _payout(topic, logs[i]) || _bond(topic, logs[i]);
      require(known || _movesNothing(topic), UnknownEvent(topic));
    }
  }

  // ---------------------------------------------------------------- layer 1

  function _request(bytes32 topic, Vm.Log calldata log) private returns (bool) {
    bytes32 id = log.topics.length > 1 ? log.topics[1] : bytes32(0);
    if (
      topic ==
      keccak256("RequestOpened(bytes32,address,uint128,uint48,uint48,uint48,uint32,bytes32)")
    ) {
      payerOf[id] = _address(log.topics[2]);
      escrow[id] = abi.decode(log.data[:32], (uint256));
      locked += escrow[id];
    } else if (
      topic == keccak256("RequestCancelled(bytes32,uint128)") ||
      topic == keccak256("RequestRefunded(bytes32,uint128)")
    ) {
      uint256 amount = abi.decode(log.data, (uint256));
      _take(id, amount);
      _give(payerOf[id], amount);
    } else if (topic == keccak256("RequestFinalized(bytes32,uint128,uint128,uint128,uint128)")) {
      (uint256 payout, uint256 fee, uint256 held, uint256 refund) = abi.decode(
        log.data,
        (uint256, uint256, uint256, uint256)
      );
      _take(id, payout + fee + held + refund);
      allocatable += payout;
      _give(feeReceiver, fee);
      _give(payerOf[id], refund);
    } else if (topic == keccak256("RestHeld(bytes32,bytes32,uint256,uint128,uint48)")) {
      bytes32 restId = log.topics[2];
      (, uint256 held, ) = abi.decode(log.data, (uint256, uint256, uint256));
      payerOf[restId] = payerOf[id];
      escrow[restId] = held;
      locked += held;
    } else if (topic == keccak256("PayoutReturned(bytes32,uint128)")) {
      uint256 amount = abi.decode(log.data, (uint256));
      allocatable -= amount;
      _give(payerOf[id], amount);
    } else {
      return false;
    }
    return true;
  }

  function _take(bytes32 id, uint256 amount) private {
    require(escrow[id] == amount, AnotherAmount(id, amount, escrow[id]));
    escrow[id] = 0;
    locked -= amount;
  }

  function _give(address account, uint256 amount) private {
    if (credit[account] == 0) creditors.push(account);
    credit[account] += amount;
    totalCredit += amount;
  }

  // ---------------------------------------------------------------- layer 2

  function _payout(bytes32 topic, Vm.Log calldata log) private returns (bool) {
    if (topic == keccak256("EpochActivated(uint64,bytes32,uint128)")) {
      (, uint256 total) = abi.decode(log.data, (bytes32, uint256));
      allocatable -= total - totalAllocated;
      totalAllocated = total;
      epoch = uint256(log.topics[1]);
    } else if (topic == keccak256("Paid(uint256,address,uint64,uint64)")) {
      (uint256 amount, ) = abi.decode(log.data, (uint256, uint256));
      claimed[uint256(log.topics[1])] += amount;
      paidTo[_address(log.topics[2])] += amount;
      totalClaimed += amount;
    } else if (topic == keccak256("CreditWithdrawn(address,uint256)")) {
      uint256 amount = abi.decode(log.data, (uint256));
      credit[_address(log.topics[1])] -= amount;
      totalCredit -= amount;
    } else {
      return false;
    }
    return true;
  }

  // ---------------------------------------------------------------- stakes

  function _bond(bytes32 topic, Vm.Log calldata log) private returns (bool) {
    bool returned = topic == keccak256("BondReturned(bytes32,address,uint128)");
    if (topic == keccak256("SettlementChallenged(bytes32,address,uint128,uint128)")) {
      (, uint256 bond) = abi.decode(log.data, (uint256, uint256));
      totalBonds += bond;
    } else if (returned || topic == keccak256("BondForfeited(bytes32,address,uint128)")) {
      uint256 bond = abi.decode(log.data, (uint256));
      totalBonds -= bond;
      _give(returned ? _address(log.topics[2]) : feeReceiver, bond);
    } else {
      return false;
    }
    return true;
  }

  function _movesNothing(bytes32 topic) private pure returns (bool) {
    return
      topic == keccak256("EpochPosted(uint64,bytes32,uint128,uint48)") ||
      topic == keccak256("EpochRejected(uint64,bytes32,uint256)") ||
      topic == keccak256("PayoutDeferred(uint256,address,uint64)") ||
      topic == keccak256("Paused(address,uint48,uint48)") ||
      topic == keccak256("PauseRearmed()") ||
      topic ==
      keccak256(
        "SettlementProposed(bytes32,uint8,bytes32,bytes32,bytes32,uint128,uint128,uint128,int64,uint48)"
      );
  }

  function _address(bytes32 topic) private pure returns (address) {
    return address(uint160(uint256(topic)));
  }
}
