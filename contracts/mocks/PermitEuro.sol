// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A euro with permits and without ERC-3009: 6 decimals, minted by its owner
/// @notice EIP-712 domain: name "Permit Euro", version "1".
contract PermitEuro is ERC20Permit, Ownable {
  constructor(
    address initialOwner
  ) ERC20("Permit Euro", "pEUR") ERC20Permit("Permit Euro") Ownable(initialOwner) {}

  /// @notice Creates `amount` (in 1e-6 EUR) on `account`. Only the owner.
  function mint(address account, uint256 amount) external onlyOwner {
    _mint(account, amount);
  }

  /// @notice One unit is 1e-6 EUR.
  function decimals() public pure override returns (uint8) {
    return 6;
  }
}
