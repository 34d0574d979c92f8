// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The pool's books alone: every movement of money that `FlexPool` can make, with the same
/// checks on states and figures and without tokens, signatures and trees.
/// @dev Written for the compiler's model checker, which proves both assertions for any sequence of
/// calls with any arguments. Whoever changes a line that moves money in the pool changes it here.
contract AccountingCore {
  enum State {
    None,
    Funded,
    Final,
    Refunded
  }

  mapping(uint256 id => State) private _state;
  mapping(uint256 id => uint256) private _amount;
  mapping(uint256 id => uint256) private _payout;
  uint256 private _balance;
  uint256 private _locked;
  uint256 private _allocatable;
  uint256 private _allocated;
  uint256 private _claimed;
  uint256 private _credit;

  function openRequest(uint256 id, uint256 amount) external {
    require(_state[id] == State.None);
    _state[id] = State.Funded;
    _amount[id] = amount;
    _locked += amount;
    _balance += amount;
  }

  /// @dev `cancel` and `refundExpired` move the same money.
  function giveBack(uint256 id) external {
    require(_state[id] == State.Funded);
    uint256 amount = _amount[id];
    _state[id] = State.Refunded;
    _locked -= amount;
    _credit += amount;
  }

  /// @dev The first half of a `finalize` that holds: the rest is locked under an id that nobody has
  /// used, and is given back or finalised like any request.
  function hold(uint256 id, uint256 held, uint256 restId) external {
    require(_state[id] == State.Funded && _state[restId] == State.None && held <= _amount[id]);
    _amount[id] -= held;
    _state[restId] = State.Funded;
    _amount[restId] = held;
  }

  /// @dev `proposeSettlement` fixes the figures and moves nothing: any that fit the escrow.
  function finalize(uint256 id, uint256 payout, uint256 fee) external {
    require(_state[id] == State.Funded && payout + fee <= _amount[id]);
    uint256 amount = _amount[id];
    _state[id] = State.Final;
    _payout[id] = payout;
    _locked -= amount;
    _allocatable += payout;
    _credit += amount - payout;
  }

  function returnUnallocated(uint256 id) external {
    require(_state[id] == State.Final);
    uint256 payout = _payout[id];
    _state[id] = State.Refunded;
    _allocatable -= payout;
    _credit += payout;
  }

  /// @dev Any total at all: the books must hold even if the check of the total were wrong.
  function activateEpoch(uint256 newTotal) external {
    _allocatable -= newTotal - _allocated;
    _allocated = newTotal;
  }

  function claim(uint256 amount) external {
    uint256 total = _claimed + amount;
    require(total <= _allocated);
    _claimed = total;
    _balance -= amount;
  }

  function withdrawCredit(uint256 amount) external {
    _credit -= amount;
    _balance -= amount;
  }

  function booksHold() external view {
    assert(_claimed <= _allocated);
    assert(_balance + _claimed == _locked + _allocatable + _allocated + _credit);
  }
}
