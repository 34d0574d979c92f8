// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {
  ERC20TransferAuthorization
} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20TransferAuthorization.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {NoncesKeyed} from "@openzeppelin/contracts/utils/NoncesKeyed.sol";

/// @title A euro for local chains: 6 decimals, permit, ERC-3009, minted by its owner
/// @notice EIP-712 domain: name "Test Euro", version "1".
/// ERC-3009 nonces are keyed and sequential: the first 24 bytes are a free key, the last 8 bytes
/// count from 0 within that key. Key 0 is shared with the counter of `permit`.
contract TestEuro is ERC20Permit, ERC20TransferAuthorization, Ownable {
  constructor(
    address initialOwner
  ) ERC20("Test Euro", "tEUR") ERC20Permit("Test Euro") Ownable(initialOwner) {}

  /// @notice Creates `amount` (in 1e-6 EUR) on `account`. Only the owner.
  function mint(address account, uint256 amount) external onlyOwner {
    _mint(account, amount);
  }

  /// @notice One unit is 1e-6 EUR.
  function decimals() public pure override returns (uint8) {
    return 6;
  }

  /// @notice The next permit nonce of `owner`.
  function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
    return super.nonces(owner);
  }

  function _useCheckedNonce(
    address owner,
    uint256 keyNonce
  ) internal override(Nonces, NoncesKeyed) {
    super._useCheckedNonce(owner, keyNonce);
  }
}
