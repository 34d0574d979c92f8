// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title Who holds which role, and after which delay the admin may act
/// @notice OpenZeppelin's AccessManager as it is. Role 0 is the admin's: it creates pools, adds
/// verifier sets and grants roles, each after its own delay and in everybody's sight.
contract PoolAuthority is AccessManager {
  constructor(address initialAdmin) AccessManager(initialAdmin) {}
}
