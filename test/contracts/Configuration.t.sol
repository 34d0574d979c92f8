// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {IFlexPool} from "../../contracts/interfaces/IFlexPool.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {TestEuro} from "../../contracts/mocks/TestEuro.sol";
import {Fixture} from "./support/Fixture.sol";
import {EighteenDecimals} from "./support/OddTokens.sol";
import {Check, vm} from "./support/Vm.sol";

contract PoolConfigurationTest is Fixture {
  function refused(bytes32 name, uint256 value) private {
    vm.expectRevert(abi.encodeWithSelector(IFlexPool.BadConfiguration.selector, name, value));
  }

  function test_aTokenOfOtherThanSixDecimalsIsRefused() public {
    EighteenDecimals token = new EighteenDecimals();
    vm.expectRevert(abi.encodeWithSelector(IFlexPool.TokenDecimals.selector, 18));
    new FlexPool(token, registry, FEE_RECEIVER, 1, 1, 0, 1, address(0));
  }

  function test_aTokenThatIsNoContractIsRefused() public {
    vm.expectRevert(abi.encodeWithSelector(IFlexPool.TokenDecimals.selector, 0));
    new FlexPool(IERC20(NOBODY), registry, FEE_RECEIVER, 1, 1, 0, 1, address(0));
  }

  function test_aRegistryThatIsNoContractIsRefused() public {
    refused("verifierRegistry", uint160(NOBODY));
    new FlexPool(euro, IVerifierRegistry(NOBODY), FEE_RECEIVER, 1, 1, 0, 1, address(0));
  }

  function test_feesNeedAReceiver() public {
    refused("feeReceiver", 0);
    new FlexPool(euro, registry, address(0), 1, 1, 0, 1, address(0));
  }

  function test_thereIsAlwaysADisputeWindow() public {
    refused("disputeWindow", 0);
    new FlexPool(euro, registry, FEE_RECEIVER, 0, 1, 0, 1, address(0));
    refused("disputeWindow", 90 days + 1);
    new FlexPool(euro, registry, FEE_RECEIVER, 90 days + 1, 1, 0, 1, address(0));
  }

  function test_thereIsAlwaysAnEpochWindow() public {
    refused("epochWindow", 0);
    new FlexPool(euro, registry, FEE_RECEIVER, 1, 0, 0, 1, address(0));
    refused("epochWindow", 90 days + 1);
    new FlexPool(euro, registry, FEE_RECEIVER, 1, 90 days + 1, 0, 1, address(0));
  }

  function test_noRefundWaitsLongerThan90Days() public {
    refused("refundGrace", 90 days + 1);
    new FlexPool(euro, registry, FEE_RECEIVER, 1, 1, 90 days + 1, 1, address(0));
  }

  function test_nothingIsHeldForNoTimeOrForMoreThanAYear() public {
    refused("heldWindow", 0);
    new FlexPool(euro, registry, FEE_RECEIVER, 1, 1, 0, 0, address(0));
    refused("heldWindow", 365 days + 1);
    new FlexPool(euro, registry, FEE_RECEIVER, 1, 1, 0, 365 days + 1, address(0));
  }

  function test_theLongestWindowsAreAllowed() public {
    FlexPool other = new FlexPool(euro, registry, FEE_RECEIVER, 90 days, 90 days, 90 days, 365 days, NOBODY);
    Check.eq(address(other.token()), address(euro), "token");
    Check.eq(address(other.verifierRegistry()), address(registry), "registry");
    Check.eq(other.feeReceiver(), FEE_RECEIVER, "feeReceiver");
    Check.eq(other.disputeWindow(), 90 days, "disputeWindow");
    Check.eq(other.epochWindow(), 90 days, "epochWindow");
    Check.eq(other.refundGrace(), 90 days, "refundGrace");
    Check.eq(other.heldWindow(), 365 days, "heldWindow");
    Check.eq(other.arbiter(), NOBODY, "arbiter");
  }

  function test_thePoolTakesNoEther() public {
    (bool sent, ) = address(pool).call{value: 1}("");
    Check.yes(!sent, "ether refused");
  }

  function test_thePoolFitsTheSizeLimitWithRoom() public view {
    Check.yes(address(pool).code.length < 24_000, "24 kB");
  }
}

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

  function test_onlyTheOwnerAddsASet() public {
    vm.expectRevert(
      abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, NOBODY)
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

  function test_theOwnershipMovesInTwoSteps() public {
    vm.prank(OWNER);
    registry.transferOwnership(NOBODY);
    Check.eq(registry.owner(), OWNER, "not yet");
    vm.prank(NOBODY);
    registry.acceptOwnership();
    Check.eq(registry.owner(), NOBODY, "accepted");
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
