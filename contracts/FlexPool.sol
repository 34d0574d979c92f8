// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FlexPayouts} from "./FlexPayouts.sol";
import {PayoutRecipients} from "./PayoutRecipients.sol";

/// @title Escrow and payout of one flexibility programme in one euro token
/// @notice Immutable: no owner, no upgrade; money that is owed cannot be paused. See `IFlexPool`
/// for every function.
/// @dev Deployed once, as the code of every clone that `FlexPoolFactory` makes; no pool by itself.
contract FlexPool is FlexPayouts {
  /// @dev One list for all clones: it stands in the code they share.
  constructor() FlexPayouts(new PayoutRecipients()) {}
}
