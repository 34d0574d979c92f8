// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PayoutRecipients} from "../../contracts/PayoutRecipients.sol";
import {IPayoutRecipients} from "../../contracts/interfaces/IPayoutRecipients.sol";
import {Check, vm} from "./support/Vm.sol";

/// @notice An account names another payout address: with a delay, and only the account.
contract PayoutRecipientsTest {
  uint256 private constant KEY = 0xACC;
  uint48 private constant START = 1_800_000_000;
  address private constant NEW = address(0xB1);
  address private constant NEWER = address(0xB2);
  bytes32 private constant SET =
    keccak256("SetRecipient(address account,address to,uint256 nonce,uint256 deadline)");
  bytes32 private constant CANCEL =
    keccak256("CancelRecipient(address account,uint256 nonce,uint256 deadline)");

  PayoutRecipients private list;
  address private account;

  function setUp() public {
    vm.warp(START);
    account = vm.addr(KEY);
    list = new PayoutRecipients();
  }

  function announce(address to) private {
    vm.prank(account);
    list.setRecipient(to);
  }

  function takeEffect() private {
    vm.warp(block.timestamp + 48 hours);
  }

  function signed(bytes memory message) private view returns (bytes memory) {
    bytes32 domain = keccak256(
      abi.encode(
        keccak256(
          "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        ),
        keccak256("Gridcall PayoutRecipients"),
        keccak256("1"),
        block.chainid,
        address(list)
      )
    );
    bytes32 digest = keccak256(abi.encodePacked("\x19\x01", domain, keccak256(message)));
    (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
    return abi.encodePacked(r, s, v);
  }

  function expectStillThere(address expected, string memory what) private view {
    Check.eq(list.recipientOf(account), expected, what);
  }

  // ---------------------------------------------------------------- refusals

  function test_theZeroAddressAndTheAccountItselfAreNoRecipients() public {
    vm.expectRevert(abi.encodeWithSelector(IPayoutRecipients.BadRecipient.selector, address(0)));
    announce(address(0));
    vm.expectRevert(abi.encodeWithSelector(IPayoutRecipients.BadRecipient.selector, account));
    announce(account);
  }

  function test_beforeTheDelayIsOverNothingChanges() public {
    announce(NEW);
    vm.warp(block.timestamp + 48 hours - 1);
    expectStillThere(account, "too early");
    Check.yes(!list.isRecipient(account, NEW), "too early for a tree");
  }

  function test_anAddressThatNobodyNamedIsNoRecipient() public {
    announce(NEW);
    takeEffect();
    Check.yes(!list.isRecipient(account, NEWER), "never named");
    Check.yes(!list.isRecipient(NEW, account), "the other way round");
  }

  function test_aSignatureIsNeededToSpeakForAnAccount() public {
    bytes memory other = signed(abi.encode(SET, account, NEWER, 0, START));
    vm.expectRevert(
      abi.encodeWithSelector(IPayoutRecipients.NotSignedByAccount.selector, account)
    );
    list.setRecipientBySignature(account, NEW, START, other);
  }

  function test_aSignatureWorksOnce() public {
    bytes memory s = signed(abi.encode(SET, account, NEW, 0, START));
    list.setRecipientBySignature(account, NEW, START, s);
    vm.expectRevert(
      abi.encodeWithSelector(IPayoutRecipients.NotSignedByAccount.selector, account)
    );
    list.setRecipientBySignature(account, NEW, START, s);
  }

  function test_aSignatureExpires() public {
    bytes memory s = signed(abi.encode(SET, account, NEW, 0, START - 1));
    vm.expectRevert(
      abi.encodeWithSelector(IPayoutRecipients.SignatureExpired.selector, START - 1)
    );
    list.setRecipientBySignature(account, NEW, START - 1, s);
  }

  function test_aSignatureForAnotherListOrChainSaysNothingHere() public {
    bytes memory s = signed(abi.encode(SET, account, NEW, 0, START));
    PayoutRecipients other = new PayoutRecipients();
    vm.expectPartialRevert(IPayoutRecipients.NotSignedByAccount.selector);
    other.setRecipientBySignature(account, NEW, START, s);
    vm.chainId(77);
    vm.expectPartialRevert(IPayoutRecipients.NotSignedByAccount.selector);
    list.setRecipientBySignature(account, NEW, START, s);
  }

  function test_whereNothingWaitsNothingIsTakenBack() public {
    vm.expectRevert(abi.encodeWithSelector(IPayoutRecipients.NothingAnnounced.selector, account));
    vm.prank(account);
    list.cancelRecipient();
    announce(NEW);
    takeEffect();
    vm.expectRevert(abi.encodeWithSelector(IPayoutRecipients.NothingAnnounced.selector, account));
    vm.prank(account);
    list.cancelRecipient();
    expectStillThere(NEW, "in effect");
  }

  function test_aStrangerCannotTakeItBack() public {
    announce(NEW);
    bytes memory s = signed(abi.encode(CANCEL, account, 7, START));
    vm.expectPartialRevert(IPayoutRecipients.NotSignedByAccount.selector);
    list.cancelRecipientBySignature(account, START, s);
    vm.expectPartialRevert(IPayoutRecipients.NothingAnnounced.selector);
    list.cancelRecipient();
  }

  function test_theRightToTakeItBackBySignatureExpiresToo() public {
    announce(NEW);
    bytes memory s = signed(abi.encode(CANCEL, account, 0, START - 1));
    vm.expectPartialRevert(IPayoutRecipients.SignatureExpired.selector);
    list.cancelRecipientBySignature(account, START - 1, s);
  }

  // ---------------------------------------------------------------- what it does

  function test_anAccountThatSaysNothingIsItsOwnRecipient() public view {
    expectStillThere(account, "nothing named");
  }

  function test_theNewAddressTakesEffectAfterTheDelay() public {
    vm.expectEmit(address(list));
    emit IPayoutRecipients.RecipientAnnounced(account, NEW, START + 48 hours);
    announce(NEW);
    takeEffect();
    expectStillThere(NEW, "in effect");
    Check.yes(list.isRecipient(account, NEW), "a tree may bear it");
  }

  function test_anyoneMayBringTheSignature() public {
    bytes memory s = signed(abi.encode(SET, account, NEW, 0, START + 1));
    vm.prank(address(0xB0B));
    list.setRecipientBySignature(account, NEW, START + 1, s);
    Check.eq(list.nonces(account), 1, "nonce");
    takeEffect();
    expectStillThere(NEW, "in effect");
  }

  function test_withinTheDelayTheAccountTakesItBack() public {
    announce(NEW);
    vm.warp(START + 48 hours - 1);
    vm.expectEmit(address(list));
    emit IPayoutRecipients.RecipientCancelled(account, NEW);
    vm.prank(account);
    list.cancelRecipient();
    takeEffect();
    expectStillThere(account, "cancelled");
    Check.yes(!list.isRecipient(account, NEW), "no tree may bear it");
  }

  function test_aSignatureTakesItBackAsWell() public {
    announce(NEW);
    bytes memory s = signed(abi.encode(CANCEL, account, 0, START));
    vm.prank(address(0xB0B));
    list.cancelRecipientBySignature(account, START, s);
    takeEffect();
    expectStillThere(account, "cancelled");
  }

  function test_aLaterWordReplacesOneThatWaitsAndStartsTheDelayAgain() public {
    announce(NEW);
    vm.warp(START + 47 hours);
    announce(NEWER);
    vm.warp(START + 48 hours);
    expectStillThere(account, "neither yet");
    Check.yes(!list.isRecipient(account, NEW), "the first is gone");
    vm.warp(START + 95 hours);
    expectStillThere(NEWER, "the second");
  }

  function test_untilTheNextTakesEffectTheLastOneStays() public {
    announce(NEW);
    takeEffect();
    announce(NEWER);
    expectStillThere(NEW, "the one in effect");
    vm.prank(account);
    list.cancelRecipient();
    expectStillThere(NEW, "after taking the next back");
    announce(NEWER);
    takeEffect();
    expectStillThere(NEWER, "then the next");
  }

  function test_whatATreeMayBearItMayBearForEver() public {
    announce(NEW);
    takeEffect();
    announce(NEWER);
    takeEffect();
    announce(NEW);
    vm.prank(account);
    list.cancelRecipient();
    Check.yes(list.isRecipient(account, NEW), "an honest tree stays honest");
    expectStillThere(NEWER, "and the last one counts");
  }
}
