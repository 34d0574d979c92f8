// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {FlexPoolFactory} from "../../contracts/FlexPoolFactory.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {IFlexPoolFactory} from "../../contracts/interfaces/IFlexPoolFactory.sol";
import {PoolConfig} from "../../contracts/interfaces/IPoolConfiguration.sol";
import {IPoolGuard} from "../../contracts/interfaces/IPoolGuard.sol";
import {IVerifierRegistry} from "../../contracts/interfaces/IVerifierRegistry.sol";
import {Fixture} from "./support/Fixture.sol";
import {EighteenDecimals} from "./support/OddTokens.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice What never becomes a pool.
contract PoolConfigurationTest is Fixture {
  bytes32 private constant PROGRAMME = "programme";

  function config() private view returns (PoolConfig memory) {
    return poolConfig(euro);
  }

  function refused(PoolConfig memory c, bytes memory err) private {
    vm.expectRevert(err);
    vm.prank(OWNER);
    factory.createPool(c, PROGRAMME);
  }

  function refused(PoolConfig memory c, bytes32 name, uint256 value) private {
    refused(c, abi.encodeWithSelector(IFlexPoolFactory.BadConfiguration.selector, name, value));
  }

  function test_onlyTheAdminCreatesPools() public {
    bytes memory err = abi.encodeWithSelector(
      IAccessManaged.AccessManagedUnauthorized.selector,
      NOBODY
    );
    vm.expectRevert(err);
    vm.prank(NOBODY);
    factory.createPool(config(), PROGRAMME);
  }

  function test_aTokenOfOtherThanSixDecimalsIsRefused() public {
    PoolConfig memory c = config();
    c.token = new EighteenDecimals();
    refused(c, abi.encodeWithSelector(IFlexPoolFactory.TokenDecimals.selector, 18));
  }

  function test_aTokenThatIsNoContractIsRefused() public {
    PoolConfig memory c = config();
    c.token = IERC20(NOBODY);
    refused(c, abi.encodeWithSelector(IFlexPoolFactory.TokenDecimals.selector, 0));
  }

  function test_aRegistryThatIsNoContractIsRefused() public {
    PoolConfig memory c = config();
    c.verifierRegistry = IVerifierRegistry(NOBODY);
    refused(c, "verifierRegistry", uint160(NOBODY));
  }

  function test_feesNeedAReceiver() public {
    PoolConfig memory c = config();
    c.feeReceiver = address(0);
    refused(c, "feeReceiver", 0);
  }

  function test_thereIsAlwaysADisputeWindow() public {
    PoolConfig memory c = config();
    c.disputeWindow = 0;
    refused(c, "disputeWindow", 0);
    c.disputeWindow = 90 days + 1;
    refused(c, "disputeWindow", 90 days + 1);
  }

  function test_thereIsAlwaysAnEpochWindow() public {
    PoolConfig memory c = config();
    c.epochWindow = 0;
    refused(c, "epochWindow", 0);
    c.epochWindow = 90 days + 1;
    refused(c, "epochWindow", 90 days + 1);
  }

  function test_noRefundWaitsLongerThan90Days() public {
    PoolConfig memory c = config();
    c.refundGrace = 90 days + 1;
    refused(c, "refundGrace", 90 days + 1);
  }

  function test_nothingIsHeldForNoTimeOrForMoreThanAYear() public {
    PoolConfig memory c = config();
    c.heldWindow = 0;
    refused(c, "heldWindow", 0);
    c.heldWindow = 365 days + 1;
    refused(c, "heldWindow", 365 days + 1);
  }

  function test_noMoreThanEverythingGoesOutWithinADay() public {
    PoolConfig memory c = config();
    c.outflowBps = 10_001;
    refused(c, "outflowBps", 10_001);
  }

  function test_theAdminIsNeitherPayerNorGuardianByOffice() public {
    PoolConfig memory c = config();
    c.payerRole = 0;
    refused(c, "payerRole", 0);
    c = config();
    c.guardianRole = 0;
    refused(c, "guardianRole", 0);
  }

  function test_notEverybodyIsAGuardian() public {
    PoolConfig memory c = config();
    c.guardianRole = type(uint64).max;
    refused(c, "guardianRole", type(uint64).max);
  }

  function test_theLongestWindowsAreAllowed() public {
    PoolConfig memory c = config();
    (c.disputeWindow, c.epochWindow, c.refundGrace) = (90 days, 90 days, 90 days);
    (c.heldWindow, c.outflowBps, c.arbiter) = (365 days, 10_000, NOBODY);
    c.challengeBond = type(uint64).max;
    FlexPool other = createPool(c, PROGRAMME);
    Check.eq(address(other.token()), address(euro), "token");
    Check.eq(address(other.verifierRegistry()), address(registry), "registry");
    Check.eq(other.feeReceiver(), FEE_RECEIVER, "feeReceiver");
    Check.eq(other.arbiter(), NOBODY, "arbiter");
    Check.eq(other.disputeWindow(), 90 days, "disputeWindow");
    Check.eq(other.epochWindow(), 90 days, "epochWindow");
    Check.eq(other.refundGrace(), 90 days, "refundGrace");
    Check.eq(other.heldWindow(), 365 days, "heldWindow");
    Check.eq(other.challengeBond(), type(uint64).max, "challengeBond");
    Check.eq(other.authority(), address(manager), "authority");
    (PoolConfig memory read, address authority) = factory.configOf(address(other));
    Check.eq(keccak256(abi.encode(read)), keccak256(abi.encode(c)), "configuration");
    Check.eq(authority, address(manager), "authority in the code");
  }

  function test_aFactoryNeedsAnImplementationAndAnAuthority() public {
    address code = factory.implementation();
    bytes4 err = IFlexPoolFactory.BadConfiguration.selector;
    vm.expectRevert(abi.encodeWithSelector(err, bytes32("implementation"), uint160(NOBODY)));
    new FlexPoolFactory(NOBODY, address(manager));
    vm.expectRevert(abi.encodeWithSelector(err, bytes32("authority"), uint160(NOBODY)));
    new FlexPoolFactory(code, NOBODY);
  }
}

/// @notice One pool per programme and token, at an address that is known beforehand.
contract FactoryTest is Fixture {
  bytes32 private constant PROGRAMME = "programme";

  function test_aProgrammeHasOnePoolPerToken() public {
    PoolConfig memory c = poolConfig(euro);
    FlexPool first = createPool(c, PROGRAMME);
    bytes memory err = abi.encodeWithSelector(
      IFlexPoolFactory.PoolExists.selector,
      address(first)
    );
    vm.expectRevert(err);
    vm.prank(OWNER);
    factory.createPool(c, PROGRAMME);
    c.disputeWindow += 1;
    vm.expectRevert(err);
    vm.prank(OWNER);
    factory.createPool(c, PROGRAMME);
    FlexPool second = createPool(c, "another programme");
    Check.yes(address(second) != address(first), "another pool");
  }

  function test_theAddressIsKnownBeforehand() public {
    PoolConfig memory c = poolConfig(euro);
    address predicted = factory.predictPool(c, PROGRAMME);
    Check.eq(factory.poolOf(PROGRAMME, address(euro)), address(0), "none yet");
    Check.eq(predicted.code.length, 0, "no code yet");
    vm.expectEmit(address(factory));
    emit IFlexPoolFactory.PoolCreated(
      predicted,
      PROGRAMME,
      address(euro),
      c,
      address(manager)
    );
    Check.eq(address(createPool(c, PROGRAMME)), predicted, "as predicted");
    Check.eq(factory.poolOf(PROGRAMME, address(euro)), predicted, "listed");
  }

  function testFuzz_everyFieldOfTheConfigurationChangesTheAddress(
    uint8 field,
    uint16 by
  ) public view {
    vm.assume(by > 0);
    PoolConfig memory c = poolConfig(euro);
    address predicted = factory.predictPool(c, PROGRAMME);
    field %= 12;
    if (field == 0) c.token = IERC20(address(uint160(address(c.token)) ^ by));
    if (field == 1) c.verifierRegistry = IVerifierRegistry(address(uint160(by)));
    if (field == 2) c.feeReceiver = address(uint160(c.feeReceiver) ^ by);
    if (field == 3) c.arbiter = address(uint160(c.arbiter) ^ by);
    if (field == 4) c.disputeWindow ^= by;
    if (field == 5) c.epochWindow ^= by;
    if (field == 6) c.refundGrace ^= by;
    if (field == 7) c.heldWindow ^= by;
    if (field == 8) c.outflowBps ^= by;
    if (field == 9) c.payerRole ^= by;
    if (field == 10) c.guardianRole ^= by;
    if (field == 11) c.challengeBond ^= by;
    Check.yes(factory.predictPool(c, PROGRAMME) != predicted, "another address");
  }

  function test_whatIsSharedByAllPoolsIsItselfNoPool() public {
    FlexPool code = FlexPool(factory.implementation());
    grant(PAYER_ROLE, address(this));
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.expectRevert(
      abi.encodeWithSelector(IPoolGuard.PoolPaused.selector, type(uint48).max)
    );
    vm.prank(payer);
    code.openRequest(t);
    IFlexPayouts.Epoch memory e = epochFor(treeOf(0, 0, 0, 0), new bytes32[](0));
    vm.expectRevert(
      abi.encodeWithSelector(IPoolGuard.PoolPaused.selector, type(uint48).max)
    );
    code.postEpoch(e, new bytes32[](0), new bytes[](0));
    grant(GUARDIAN_ROLE, NOBODY);
    vm.expectRevert();
    vm.prank(NOBODY);
    code.pause(0);
    vm.expectRevert();
    vm.prank(OWNER);
    code.rearmPause();
  }

  function test_onePoolsMoneyAndStateAreNotAnothers() public {
    FlexPool other = newPool(euro);
    bytes32 id = open(100);
    Check.eq(other.locked(), 0, "nothing locked there");
    Check.eq(uint256(other.state(id)), uint256(IFlexRequests.State.None), "unknown there");
    Check.eq(euro.balanceOf(address(other)), 0, "no money there");
  }

  function test_I14_whatIsSignedForOnePoolIsNothingInAnother() public {
    FlexPool other = newPool(euro);
    vm.prank(payer);
    euro.approve(address(other), type(uint256).max);
    IFlexRequests.RequestTerms memory t = terms(100);
    vm.prank(payer);
    bytes32 there = other.openRequest(t);
    bytes32 here = open(t);
    Check.yes(here != there, "ids differ");

    vm.warp(t.deliverEnd);
    IFlexRequests.Settlement memory s = settlement(there, 60, 4);
    Check.yes(pool.settlementDigest(s) != other.settlementDigest(s), "digests differ");
    bytes[] memory forHere = signatures(pool.settlementDigest(s));
    vm.expectRevert();
    other.proposeSettlement(s, forHere);
    other.proposeSettlement(s, signatures(other.settlementDigest(s)));

    bytes32[] memory none = new bytes32[](0);
    IFlexPayouts.Epoch memory e = epochFor(treeOf(0, 0, 0, 0), none);
    forHere = signatures(pool.epochDigest(e));
    vm.expectRevert();
    other.postEpoch(e, none, forHere);
    pool.postEpoch(e, none, forHere);
    Check.yes(pool.cancelDigest(here) != other.cancelDigest(here), "cancel digests differ");
  }

  function test_I14_anotherChainAsksForOtherSignatures() public {
    IFlexRequests.Settlement memory s = settlement(keccak256("id"), 60, 4);
    bytes32 digest = pool.settlementDigest(s);
    vm.chainId(77);
    Check.yes(pool.settlementDigest(s) != digest, "digests differ");
  }

  function test_thePoolTakesNoEther() public {
    (bool sent, ) = address(pool).call{value: 1}("");
    Check.yes(!sent, "ether refused");
  }

  function test_thePoolFitsTheSizeLimit() public view {
    Check.yes(factory.implementation().code.length < 24_576, "EIP-170");
  }
}
