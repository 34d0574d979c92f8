// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlainToken} from "./OddTokens.sol";

/// @notice A euro whose issuer can stop every transfer, as EURC and USDC can.
contract PausableEuro is PlainToken {
  bool public paused;

  error Paused();

  function pause(bool on) external {
    paused = on;
  }

  function _update(address from, address to, uint256 value) internal override {
    require(!paused || from == address(0), Paused());
    super._update(from, to, value);
  }
}

/// @notice Tells a recipient who asked for it, as ERC-777 does; its refusal undoes the transfer.
contract TellingToken is PlainToken {
  mapping(address account => bool) public isTold;

  function tell(address account) external {
    isTold[account] = true;
  }

  function _update(address from, address to, uint256 value) internal override {
    super._update(from, to, value);
    if (isTold[to]) Told(to).tokensReceived(value);
  }
}

interface Told {
  function tokensReceived(uint256 value) external;
}

/// @notice Takes no money while it does not want any.
contract Refuser is Told {
  bool public wants;

  error NoThanks();

  function want(bool on) external {
    wants = on;
  }

  function tokensReceived(uint256) external view {
    require(wants, NoThanks());
  }
}
