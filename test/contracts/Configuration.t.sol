// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

contract VerifierRegistryTest is Fixture {
  function refused(address[] memory signers, uint8 quorum, bytes memory err) private {
    vm.expectRevert(err);
    vm.prank(OWNER);
    registry.addSet(signers, quorum);
  }

  function signersFrom(uint160 first, uint256 count) private pure returns (address[] memory a) {
    a = new address[](count);
    for (uint256 i = 0; i < count; ++i) a[i] = address(first + uint160(i));
  }

  function test_onlyTheAdminAddsASet() public {
    vm.expectRevert(
      abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, NOBODY)
    );
    vm.prank(NOBODY);
    registry.addSet(signersFrom(1, 3), 2);
  }

  function test_aQuorumOfNoneIsRefused() public {
    refused(
      signersFrom(1, 3),
      0,
      abi.encodeWithSelector(IVerifierRegistry.QuorumOutOfRange.selector, 0, 3)
    );
  }

  function test_aQuorumAboveTheMembersIsRefused() public {
    refused(
      signersFrom(1, 3),
      4,
      abi.encodeWithSelector(IVerifierRegistry.QuorumOutOfRange.selector, 4, 3)
    );
  }

  function test_moreThan255MembersAreRefused() public {
    refused(
      signersFrom(1, 256),
      2,
      abi.encodeWithSelector(IVerifierRegistry.QuorumOutOfRange.selector, 2, 256)
    );
  }

  function test_255MembersWhoMustAllSignAreAllowed() public {
    address[] memory signers = signersFrom(1, 255);
    vm.prank(OWNER);
    Check.eq(registry.addSet(signers, 255), 2, "number");
    Check.eq(registry.quorum(2), 255, "quorum");
  }

  function test_aDoubledOrUnsortedMemberIsRefused() public {
    address[] memory signers = signersFrom(5, 3);
    signers[1] = signers[0];
    refused(
      signers,
      2,
      abi.encodeWithSelector(
        IVerifierRegistry.SetNotAscending.selector,
        address(5),
        address(5)
      )
    );
  }

  function test_theZeroAddressIsNoVerifier() public {
    refused(
      signersFrom(0, 2),
      1,
      abi.encodeWithSelector(IVerifierRegistry.SetNotAscending.selector, 0, 0)
    );
  }

  function test_aNewSetLeavesTheOldOneAsItWas() public {
    address[] memory signers = signersFrom(0x100, 2);
    vm.expectEmit(address(registry));
    emit IVerifierRegistry.VerifierSetAdded(2, signers, 1);
    vm.prank(OWNER);
    Check.eq(registry.addSet(signers, 1), 2, "number");
    Check.eq(registry.currentSetId(), 2, "current");
    Check.eq(registry.quorum(2), 1, "quorum");
    Check.yes(registry.isSigner(2, address(0x101)), "new member");
    Check.eq(registry.signersOf(2)[1], address(0x101), "listed");
    Check.eq(registry.size(2), 2, "size");
    Check.eq(registry.quorum(1), QUORUM, "old quorum");
    Check.yes(registry.isSigner(1, vm.addr(verifierKeys[0])), "old member");
    Check.yes(!registry.isSigner(1, address(0x101)), "no new member in the old set");
    Check.eq(registry.quorum(3), 0, "no third set");
  }
}

contract TestEuroTest is Fixture {
  function test_onlyTheOwnerMints() public {
    vm.expectRevert(
      abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, NOBODY)
    );
    vm.prank(NOBODY);
    euro.mint(NOBODY, 1);
  }

  function test_oneUnitIsAMillionthOfAEuro() public view {
    Check.eq(euro.decimals(), 6, "decimals");
  }
}
