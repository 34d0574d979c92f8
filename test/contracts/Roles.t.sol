// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {FlexPool} from "../../contracts/FlexPool.sol";
import {IFlexPayouts} from "../../contracts/interfaces/IFlexPayouts.sol";
import {IFlexRequests} from "../../contracts/interfaces/IFlexRequests.sol";
import {PoolConfig} from "../../contracts/interfaces/IPoolConfiguration.sol";
import {IPoolGuard} from "../../contracts/interfaces/IPoolGuard.sol";
import {Fixture} from "./support/Fixture.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice Who may open requests.
contract PayerRoleTest is Fixture {
  function refused(address account) private {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.payer = account;
    vm.expectRevert(
      abi.encodeWithSelector(IPoolGuard.NotInRole.selector, PAYER_ROLE, account)
    );
    vm.prank(account);
    pool.openRequest(t);
  }

  function test_whoIsNoPayerOpensNothing() public {
    refused(NOBODY);
    refused(OWNER);
    grant(GUARDIAN_ROLE, NOBODY);
    refused(NOBODY);
  }

  function test_anAuthorisationOfSomebodyElseIsNoWayRound() public {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.payer = NOBODY;
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.NotInRole.selector, PAYER_ROLE, NOBODY));
    vm.prank(payer);
    pool.openRequestWithAuthorization(t, 0, type(uint40).max, "");
  }

  function test_aPayerWhoseRoleIsTakenOpensNothingMore() public {
    bytes32 id = open(100);
    vm.prank(OWNER);
    manager.revokeRole(PAYER_ROLE, payer);
    refused(payer);
    vm.prank(payer);
    pool.cancel(id);
    Check.eq(pool.credit(payer), 100, "but gets its money back");
  }

  function test_aRoleThatIsHeldWithADelayIsNone() public {
    vm.prank(OWNER);
    manager.grantRole(PAYER_ROLE, NOBODY, 1);
    refused(NOBODY);
  }

  function test_aRoleThatIsGrantedForLaterCountsFromThen() public {
    vm.prank(OWNER);
    manager.setGrantDelay(PAYER_ROLE, 1 days);
    vm.warp(block.timestamp + manager.minSetback());
    grant(PAYER_ROLE, NOBODY);
    refused(NOBODY);
    euro.mint(NOBODY, 100);
    vm.prank(NOBODY);
    euro.approve(address(pool), 100);
    vm.warp(block.timestamp + 1 days);
    IFlexRequests.RequestTerms memory t = terms(100);
    t.payer = NOBODY;
    open(t);
  }

  function test_eachProgrammeCanHavePayersOfItsOwn() public {
    PoolConfig memory c = poolConfig(euro);
    c.payerRole = 77;
    pool = createPool(c, "theirs");
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.NotInRole.selector, 77, payer));
    this.openAs(payer);
    euro.mint(NOBODY, 100);
    vm.prank(NOBODY);
    euro.approve(address(pool), 100);
    grant(77, NOBODY);
    this.openAs(NOBODY);
  }

  function test_aPoolCanBeOpenToAnyPayer() public {
    PoolConfig memory c = poolConfig(euro);
    c.payerRole = type(uint64).max;
    pool = createPool(c, "everybody's");
    euro.mint(NOBODY, 100);
    vm.prank(NOBODY);
    euro.approve(address(pool), 100);
    this.openAs(NOBODY);
  }

  function openAs(address account) external {
    IFlexRequests.RequestTerms memory t = terms(100);
    t.payer = account;
    open(t);
  }
}

/// @notice The admin acts only after its delay, in everybody's sight.
contract AdminDelayTest is Fixture {
  uint32 private constant DELAY = 2 days;
  address private constant ADMIN = address(0xAD31);

  function setUp() public override {
    super.setUp();
    vm.prank(OWNER);
    manager.grantRole(0, ADMIN, DELAY);
    vm.prank(OWNER);
    manager.renounceRole(0, OWNER);
  }

  function setOfOne() private pure returns (bytes memory) {
    address[] memory signers = new address[](1);
    signers[0] = address(0x1234);
    return abi.encodeWithSignature("addSet(address[],uint8)", signers, 1);
  }

  function schedule(address target, bytes memory data) private {
    vm.prank(ADMIN);
    manager.schedule(target, data, 0);
  }

  function execute(address target, bytes memory data) private {
    vm.prank(ADMIN);
    manager.execute(target, data);
  }

  function expectNotReady(address target, bytes memory data) private {
    bytes32 operation = manager.hashOperation(ADMIN, target, data);
    vm.expectRevert(
      abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, operation)
    );
  }

  function test_whoGaveTheAdminsRoleAwayHasNone() public {
    vm.expectRevert(
      abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, OWNER)
    );
    vm.prank(OWNER);
    registry.addSet(new address[](0), 0);
  }

  function test_aVerifierSetWaitsForTheDelay() public {
    bytes memory data = setOfOne();
    bytes32 operation = manager.hashOperation(ADMIN, address(registry), data);
    vm.expectRevert(
      abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operation)
    );
    vm.prank(ADMIN);
    (bool done, ) = address(registry).call(data);
    Check.yes(done, "the revert was expected");
    schedule(address(registry), data);
    vm.warp(block.timestamp + DELAY - 1);
    expectNotReady(address(registry), data);
    execute(address(registry), data);
    vm.warp(block.timestamp + 1);
    execute(address(registry), data);
    Check.eq(registry.currentSetId(), 2, "added");
  }

  function test_whatWasScheduledExpires() public {
    bytes memory data = setOfOne();
    schedule(address(registry), data);
    vm.warp(block.timestamp + DELAY + manager.expiration());
    bytes32 operation = manager.hashOperation(ADMIN, address(registry), data);
    vm.expectRevert(
      abi.encodeWithSelector(IAccessManager.AccessManagerExpired.selector, operation)
    );
    execute(address(registry), data);
  }

  function test_aPoolWaitsForTheDelay() public {
    bytes memory data = abi.encodeCall(factory.createPool, (poolConfig(euro), "new"));
    schedule(address(factory), data);
    expectNotReady(address(factory), data);
    execute(address(factory), data);
    vm.warp(block.timestamp + DELAY);
    execute(address(factory), data);
    Check.yes(factory.poolOf("new", address(euro)) != address(0), "created");
  }

  function test_rolesAreGrantedAfterTheDelay() public {
    bytes memory data = abi.encodeCall(manager.grantRole, (PAYER_ROLE, NOBODY, 0));
    schedule(address(manager), data);
    expectNotReady(address(manager), data);
    execute(address(manager), data);
    vm.warp(block.timestamp + DELAY);
    execute(address(manager), data);
    (bool isMember, ) = manager.hasRole(PAYER_ROLE, NOBODY);
    Check.yes(isMember, "granted");
  }

  function test_aNewPauseIsAllowedAfterTheDelay() public {
    bytes memory data = abi.encodeCall(pool.rearmPause, ());
    vm.expectRevert(abi.encodeWithSelector(IPoolGuard.NotAuthorised.selector, ADMIN));
    vm.prank(ADMIN);
    pool.rearmPause();
    schedule(address(pool), data);
    expectNotReady(address(pool), data);
    execute(address(pool), data);
    vm.warp(block.timestamp + DELAY);
    vm.expectEmit(address(pool));
    emit IPoolGuard.PauseRearmed();
    execute(address(pool), data);
  }
}
