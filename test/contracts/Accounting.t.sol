// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EscrowAccounting} from "../../contracts/EscrowAccounting.sol";
import {IEscrowAccounting} from "../../contracts/interfaces/IEscrowAccounting.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice The books by themselves: what the pool inherits, with nothing around it.
contract Books is EscrowAccounting {
  function lock(uint64 amount) external {
    _lock(amount);
  }

  function lockBond(uint64 amount) external {
    _lockBond(amount);
  }

  function releaseBond(address account, uint64 bond) external {
    _releaseBond(account, bond);
  }

  function takeCredit(address account) external returns (uint64) {
    return _takeCredit(account);
  }
}

/// @notice Stakes: they are nobody's until it is decided whose they are.
contract AccountingTest {
  address private constant STAKER = address(0xA11CE);
  Books private books;

  function setUp() public {
    books = new Books();
  }

  function test_aStakeIsNobodysCreditYet() public {
    books.lockBond(7);
    Check.eq(books.totalBonds(), 7, "bonds");
    Check.eq(books.totalCredit(), 0, "credit");
  }

  function test_nothingIsNoStake() public {
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 0));
    books.lockBond(0);
  }

  function test_stakesAndEscrowsShareTheRoomOf64Bits() public {
    books.lock(type(uint64).max - 7);
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 8));
    books.lockBond(8);
    books.lockBond(7);
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.AmountOutOfRange.selector, 1));
    books.lock(1);
  }

  function test_moreThanWasStakedIsNotGivenBack() public {
    books.lockBond(7);
    vm.expectRevert();
    books.releaseBond(STAKER, 8);
  }

  function testFuzz_aStakeThatIsDecidedBecomesCreditAndIsTakenOnce(uint64 bond, uint64 part) public {
    vm.assume(bond > 0 && part > 0 && part <= bond);
    books.lockBond(bond);
    books.releaseBond(STAKER, part);
    Check.eq(books.totalBonds(), bond - part, "bonds");
    Check.eq(books.credit(STAKER), part, "credit");
    Check.eq(books.totalCredit(), part, "all credit");
    Check.eq(books.takeCredit(STAKER), part, "taken");
    Check.eq(books.totalCredit(), 0, "left");
    vm.expectRevert(abi.encodeWithSelector(IEscrowAccounting.NoCredit.selector, STAKER));
    books.takeCredit(STAKER);
  }
}
