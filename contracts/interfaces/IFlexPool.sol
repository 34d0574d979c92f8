// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrowAccounting} from "./IEscrowAccounting.sol";
import {IFlexPayouts} from "./IFlexPayouts.sol";
import {IFlexRequests} from "./IFlexRequests.sol";
import {IPoolConfiguration} from "./IPoolConfiguration.sol";
import {IPoolGuard} from "./IPoolGuard.sol";

/// @title Escrow and payout of one flexibility programme in one euro token
/// @notice Layer 1, per request: escrow, settlement signed by M of N verifiers, dispute window,
/// exact split `payout + fee + held + refund = amount`; what is held is settled by a later round or
/// goes back to the payer at its deadline. Layer 2, per pool: one cumulative Merkle-sum tree
/// of payouts, renewed in epochs and capped by the sum of finalised payouts.
/// All amounts are token units (1e-6 EUR), all times are seconds, all energy is Wh.
/// Only payers with the role open requests and only guardians pause, for a week at most; nobody
/// else has a right that anyone lacks: who sends a call never matters for where money goes.
interface IFlexPool is
  IPoolConfiguration,
  IPoolGuard,
  IEscrowAccounting,
  IFlexRequests,
  IFlexPayouts
{}
