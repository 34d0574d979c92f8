// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPayoutRecipients} from "../../../contracts/interfaces/IPayoutRecipients.sol";
import {ChallengeHandler} from "./ChallengeHandler.sol";
import {Check, vm} from "./Vm.sol";

/// @notice Payees who name other addresses, and trees that move their leaves, in time or not. What
/// counts is worked out from the words that were said, as a list that only grows.
abstract contract RecipientHandler is ChallengeHandler {
  uint256 private constant DELAY = 48 hours;
  uint256 private constant WORDS_MAX = 40; // enough for any mixture, and quick to check

  struct Word {
    address account;
    address to;
    uint256 from; // when it takes effect
    bool isUndone; // before that
  }

  Word[] private words;
  /// @dev A tree that nobody disproved moved this index where its account had not named.
  bool[PAYEES] private everMisled;

  // ---------------------------------------------------------------- what payees do

  function nameRecipient(uint256 seed) external atNow {
    seed = mix(seed);
    if (words.length >= WORDS_MAX) return;
    address account = anyAddress(seed);
    address to = addressOf(seed % PAYEES, (seed >> 16) % ADDRESSES);
    bool allowed = to != account;
    say(account, abi.encodeCall(IPayoutRecipients.setRecipient, (to)), allowed, "nameRecipient");
    if (!allowed) return;
    undoWaiting(account);
    words.push(Word(account, to, nowAt + DELAY, false));
  }

  function takeBackRecipient(uint256 seed) external atNow {
    seed = mix(seed);
    address account = anyAddress(seed);
    for (uint256 k = 0; k < words.length && seed % 4 != 0; ++k) {
      if (waits(words[k])) account = words[k].account;
    }
    bytes memory data = abi.encodeCall(IPayoutRecipients.cancelRecipient, ());
    bool allowed = undoWaiting(account);
    say(account, data, allowed, "takeBackRecipient");
  }

  function anyAddress(uint256 seed) private pure returns (address) {
    return addressOf(seed % PAYEES, (seed >> 8) % ADDRESSES);
  }

  function say(address account, bytes memory data, bool allowed, string memory what) private {
    address list = address(pool.recipients());
    vm.prank(account);
    (bool done, ) = list.call(data);
    Check.yes(done == allowed, what);
    if (done) ++successes[what];
  }

  // ---------------------------------------------------------------- what their words mean

  function waits(Word memory w) private view returns (bool) {
    return !w.isUndone && nowAt < w.from;
  }

  function undoWaiting(address account) private returns (bool found) {
    for (uint256 k = 0; k < words.length; ++k) {
      if (words[k].account != account || !waits(words[k])) continue;
      (words[k].isUndone, found) = (true, true);
    }
  }

  /// @dev Said at least 48 hours ago and not taken back before.
  function isNamed(address account, address to) internal view returns (bool) {
    for (uint256 k = 0; k < words.length; ++k) {
      Word memory w = words[k];
      if (w.account == account && w.to == to && !w.isUndone && nowAt >= w.from) return true;
    }
    return false;
  }

  function lastNamed(address account) private view returns (address to) {
    to = account;
    for (uint256 k = 0; k < words.length; ++k) {
      Word memory w = words[k];
      if (w.account == account && !w.isUndone && nowAt >= w.from) to = w.to;
    }
  }

  // ---------------------------------------------------------------- trees that move leaves

  /// @dev Most leaves stay; some move where their account named, a few anywhere among its addresses.
  function movedAccounts(uint256 seed) internal view returns (address[PAYEES] memory accounts) {
    accounts = liveAccounts;
    for (uint256 i = 0; i < PAYEES; ++i) {
      uint256 dice = (seed >> (128 + 8 * i)) % 32;
      if (liveCum[i] == 0) continue; // no leaf yet that could move
      if (dice < 16) accounts[i] = lastNamed(accounts[i]);
      else if (dice == 31) accounts[i] = addressOf(i, (seed >> 120) % ADDRESSES);
    }
  }

  function isMisled(uint256 i) private view returns (bool) {
    bool moves = liveCum[i] > 0 && pendingAccounts[i] != liveAccounts[i];
    return moves && !isNamed(liveAccounts[i], pendingAccounts[i]);
  }

  /// @dev Index `i` loses by the pending tree: money, or its address against its account's word.
  function loses(uint256 i) internal view returns (bool) {
    return pendingThief == i + 1 || isMisled(i);
  }

  function anyLoses() internal view returns (bool) {
    for (uint256 i = 0; i < PAYEES; ++i) {
      if (loses(i)) return true;
    }
    return false;
  }

  /// @dev To be called before the pending tree becomes the live one.
  function noteMisled() internal {
    for (uint256 i = 0; i < PAYEES; ++i) {
      if (liveCum[i] > 0 && pendingAccounts[i] != liveAccounts[i]) ++successes["moved"];
      if (!isMisled(i)) continue;
      everMisled[i] = true;
      ++successes["misled"];
    }
  }

  // ---------------------------------------------------------------- the rule

  function leavesMoveOnlyWhereTheirAccountsNamed() external {
    vm.warp(nowAt);
    IPayoutRecipients list = pool.recipients();
    for (uint256 i = 0; i < PAYEES; ++i) {
      for (uint256 k = 0; k < ADDRESSES; ++k) {
        address account = addressOf(i, k);
        bool may = k == 0 || isNamedByAnother(i, account) || everMisled[i];
        Check.yes(may || euro.balanceOf(account) == 0, "paid where nobody named");
        Check.eq(list.recipientOf(account), lastNamed(account), "the recipient of an account");
        for (uint256 j = 0; j < ADDRESSES; ++j) {
          address to = addressOf(i, j);
          Check.yes(list.isRecipient(account, to) == isNamed(account, to), "named in time");
        }
      }
    }
  }

  function isNamedByAnother(uint256 i, address to) private view returns (bool) {
    for (uint256 k = 0; k < ADDRESSES; ++k) {
      if (isNamed(addressOf(i, k), to)) return true;
    }
    return false;
  }
}
