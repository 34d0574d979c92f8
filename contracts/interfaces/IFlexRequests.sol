// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Layer 1 of a pool, per request: escrow, settlement, dispute window, split, exits
/// @notice All amounts are token units (1e-6 EUR), all times are seconds, all energy is Wh.
interface IFlexRequests {
  // ---------------------------------------------------------------- types

  /// @notice Life of a request. `None` is a request nobody opened. New states go at the end.
  /// `PartlyFinal` is final but for what was held, which is a record of its own: `roundIdOf`.
  enum State {
    None,
    Funded,
    Proposed,
    Final,
    Cancelled,
    Refunded,
    PartlyFinal
  }

  /// @notice What the payer agrees to; the request id is the hash of all of it.
  /// @param payer whose money is escrowed and who gets the refund
  /// @param amount escrow
  /// @param deliverStart start of the delivery window; from here on the payer cannot cancel
  /// @param deliverEnd end of the delivery window; no settlement before
  /// @param settleBy last second at which a settlement may be proposed
  /// @param verifierSetId the verifier set that must sign, current when the request is opened
  /// @param termsHash hash of the programme's rules and of the order
  /// @param salt makes two otherwise equal requests different
  struct RequestTerms {
    address payer;
    uint128 amount;
    uint48 deliverStart;
    uint48 deliverEnd;
    uint48 settleBy;
    uint32 verifierSetId;
    bytes32 termsHash;
    bytes32 salt;
  }

  /// @notice An ERC-2612 permit of the payer for the pool; all zero where none is needed.
  /// @param value what it allows: at least the amount, more where it shall serve for later requests
  /// @param deadline last second at which the token takes it, 0 for no permit
  struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
  }

  /// @notice What the verifiers sign for one request (EIP-712 primary type `Settlement`).
  /// @param requestId the request, or the rest that an earlier round of it held
  /// @param round number of the proposal for this request, from 1
  /// @param evidenceRoot Merkle root of the evidence
  /// @param bundleHash hash of the canonical evidence bundle
  /// @param linesRoot root over the payout lines of this request
  /// @param payoutTotal for the participants
  /// @param feeTotal for the fee receiver
  /// @param heldTotal neither paid nor refunded yet, the fee on it included
  /// @param deliveredWh delivered energy in the direction of the request, signed, not capped
  struct Settlement {
    bytes32 requestId;
    uint8 round;
    bytes32 evidenceRoot;
    bytes32 bundleHash;
    bytes32 linesRoot;
    uint128 payoutTotal;
    uint128 feeTotal;
    uint128 heldTotal;
    int64 deliveredWh;
  }

  /// @notice What the pool keeps of a request or of a held rest, whose two delivery times are one.
  /// @param windowEnd end of the dispute window, 0 before a proposal
  /// @param round number of the last proposal, 0 before one
  /// @param accounted whether a live or pending epoch counts this payout
  /// @param digestPrefix first 8 bytes of the EIP-712 digest that the verifiers signed
  struct Request {
    address payer;
    uint128 amount;
    uint48 deliverStart;
    uint48 deliverEnd;
    uint48 settleBy;
    uint48 windowEnd;
    uint32 verifierSetId;
    State state;
    uint8 round;
    bool accounted;
    uint128 payout;
    uint128 fee;
    uint128 held;
    bytes8 digestPrefix;
  }

  // ---------------------------------------------------------------- events

  event RequestOpened(
    bytes32 indexed id,
    address indexed payer,
    uint128 amount,
    uint48 deliverStart,
    uint48 deliverEnd,
    uint48 settleBy,
    uint32 verifierSetId,
    bytes32 termsHash
  );
  /// @notice The whole escrow became credit of the payer.
  event RequestCancelled(bytes32 indexed id, uint128 amount);
  event SettlementProposed(
    bytes32 indexed id,
    uint8 round,
    bytes32 evidenceRoot,
    bytes32 bundleHash,
    bytes32 linesRoot,
    uint128 payoutTotal,
    uint128 feeTotal,
    uint128 heldTotal,
    int64 deliveredWh,
    uint48 windowEnd
  );
  /// @notice `fee` became credit of the fee receiver, `refund` credit of the payer; `held` stays
  /// locked, as the `RestHeld` after it says.
  event RequestFinalized(
    bytes32 indexed id,
    uint128 payout,
    uint128 fee,
    uint128 held,
    uint128 refund
  );
  /// @notice What request `id` held is now `restId`, which round `round` settles by `settleBy`.
  event RestHeld(
    bytes32 indexed id,
    bytes32 indexed restId,
    uint256 round,
    uint128 amount,
    uint48 settleBy
  );
  /// @notice The whole escrow became credit of the payer: nobody proposed a settlement in time.
  event RequestRefunded(bytes32 indexed id, uint128 amount);
  /// @notice A final payout that no epoch counted for a year became credit of the payer.
  event PayoutReturned(bytes32 indexed id, uint128 amount);
  /// @notice Payout and fee of the proposal, `asked`, are held from now on; `bond` is 0 where it
  /// was proved that a quorum signed two results.
  event SettlementChallenged(
    bytes32 indexed id,
    address indexed challenger,
    uint128 asked,
    uint128 bond
  );
  /// @notice Less than was asked got confirmed: the bond became credit of the challenger. `id` is
  /// the request or rest that decided it.
  event BondReturned(bytes32 indexed id, address indexed challenger, uint128 bond);
  /// @notice All that was asked got confirmed: the bond became credit of the fee receiver.
  event BondForfeited(bytes32 indexed id, address indexed challenger, uint128 bond);

  // ---------------------------------------------------------------- errors

  /// @notice Only the payer may do this.
  error NotPayer(address payer, address caller);
  /// @notice The request is in another state than this function works on.
  error WrongState(bytes32 id, State found, State expected);
  /// @notice The times are not now < deliverStart < deliverEnd <= settleBy <= now + two years.
  error BadSchedule(uint48 deliverStart, uint48 deliverEnd, uint48 settleBy, uint256 nowAt);
  /// @notice The named verifier set is not the current one.
  error VerifierSetNotCurrent(uint32 given, uint32 current);
  /// @notice The token moved another amount than asked (a fee on transfer, say).
  error InexactTransfer(uint256 received, uint256 expected);
  /// @notice The payer did not sign this.
  error NotSignedByPayer(address payer);
  /// @notice It is too late: the last second was `until`.
  error TooLate(uint256 nowAt, uint256 until);
  /// @notice It is too early: the first second is `from`.
  error TooEarly(uint256 nowAt, uint256 from);
  /// @notice The proposal's round does not come after the last one of its request.
  error WrongRound(uint8 given, uint8 last);
  /// @notice Payout, fee and held exceed the escrow.
  error ExceedsEscrow(uint256 asked, uint128 amount);
  /// @notice Inside the dispute window a later round may hold more, and give nobody more.
  error MayOnlyHold(bytes32 id);
  /// @notice The proposal pays nobody (any more), or it is a rest's, which no bond holds again.
  error NothingToChallenge(bytes32 id);
  /// @notice The payer would win by a challenge that nobody answers; it objects to the verifiers.
  error PayerMayNotChallenge(address payer);

  // ---------------------------------------------------------------- functions

  /// @notice Id of a request: the hash of its terms, this chain and this pool.
  function requestIdOf(RequestTerms calldata terms) external view returns (bytes32);

  /// @notice Opens a request and pulls the escrow from the caller's allowance.
  /// @dev Only the payer. Errors: NotPayer, WrongState, AmountOutOfRange, BadSchedule,
  /// VerifierSetNotCurrent, InexactTransfer.
  function openRequest(RequestTerms calldata terms) external returns (bytes32 id);

  /// @notice Opens a request with the payer's ERC-3009 authorisation; anyone may send it.
  /// @dev The authorisation's `to` is this pool, its `value` the amount and its nonce
  /// `authorizationNonceOf(requestIdOf(terms))`, so it opens this request and no other.
  function openRequestWithAuthorization(
    RequestTerms calldata terms,
    uint256 validAfter,
    uint256 validBefore,
    bytes calldata signature
  ) external returns (bytes32 id);

  /// @notice Opens a request on the payer's EIP-712 signature over `Open(bytes32 requestId)` and
  /// pulls the escrow from its allowance; for tokens without ERC-3009. Anyone may send it.
  /// @dev The permit is tried first and may fail: whoever saw it can have used it before, and then
  /// the allowance is there. The signature opens this request and no other, and once. The payer may
  /// be a contract (ERC-1271). Errors: NotSignedByPayer, those of `openRequest` but NotPayer, and
  /// what the token says.
  function openRequestWithSignature(
    RequestTerms calldata terms,
    bytes calldata payerSignature,
    Permit calldata permit
  ) external returns (bytes32 id);

  /// @notice The ERC-3009 nonce of a request: the first 24 bytes of its id, then 8 zero bytes.
  /// @dev For tokens with free nonces this is a unique value; for tokens with keyed sequential
  /// nonces (OpenZeppelin) it is number 0 under a key of its own.
  function authorizationNonceOf(bytes32 id) external pure returns (bytes32);

  /// @notice Cancels a funded request before its delivery starts; the escrow becomes credit.
  /// @dev Only the payer. Errors: NotPayer, WrongState, TooLate.
  function cancel(bytes32 id) external;

  /// @notice Same as `cancel`, on the payer's EIP-712 signature over `Cancel(bytes32 requestId)`.
  /// @dev Anyone. The payer may be a contract (ERC-1271). Errors: NotSignedByPayer, as `cancel`.
  function cancelWithSignature(bytes32 id, bytes calldata payerSignature) external;

  /// @notice Proposes the settlement of a funded request and starts its dispute window.
  /// @dev Anyone, from deliverEnd to settleBy, with the signatures of a quorum of the verifier set
  /// the request was opened with, ordered by ascending signer. A call that ended early waits for
  /// deliverEnd all the same. Inside the dispute window a later round may replace a proposal if it
  /// only holds more: payout, fee and refund do not grow, and the window stays as it is. Rounds
  /// only grow and may skip numbers, so that each version of the evidence can have one of its own.
  /// For a held rest one signature more than the quorum is needed (all, where the quorum is all),
  /// or the arbiter's alone. Errors: WrongState, TooEarly, TooLate, WrongRound, ExceedsEscrow,
  /// MayOnlyHold and those of `IVerifierRegistry.requireQuorum`.
  function proposeSettlement(Settlement calldata s, bytes[] calldata signatures) external;

  /// @notice Holds all that a proposal pays, for a bond: one verifier more than the quorum, or the
  /// arbiter, must confirm it. The dispute window stays, and the refund is not held.
  /// @dev Anyone but the payer, inside the dispute window, once per request, by an allowance of
  /// `challengeBond`. The bond comes back as credit if less than was asked is confirmed, or nothing
  /// in time; else it is the fee receiver's. It waits as long as any of what was asked is still
  /// held. Errors: WrongState, TooLate, PayerMayNotChallenge, NothingToChallenge, InexactTransfer,
  /// and AmountOutOfRange where the pool takes no challenges.
  function challenge(bytes32 id) external;

  /// @notice The same without a bond, on proof that a quorum signed two settlements for one round.
  /// @dev Anyone, inside the dispute window; of a rest too, with one signature more each. Whether
  /// one of the two was proposed does not matter: who signs both cannot be believed in either.
  /// Errors: WrongState, TooLate, NothingToChallenge and those of
  /// `IVerifierRegistry.requireContradiction`.
  function challengeEquivocation(
    Settlement calldata one,
    bytes[] calldata signaturesOne,
    Settlement calldata other,
    bytes[] calldata signaturesOther
  ) external;

  /// @notice Splits the escrow once the dispute window is over: payout, fee, refund; what is held
  /// becomes a funded rest under `roundIdOf(id, round + 1)`. Decides the bond of a challenge.
  /// @dev Anyone. Errors: WrongState, TooEarly.
  function finalize(bytes32 id) external;

  /// @notice Refunds a request, or a held rest, for which nobody proposed a settlement by
  /// settleBy + refundGrace.
  /// @dev Anyone. Errors: WrongState, TooEarly.
  function refundExpired(bytes32 id) external;

  /// @notice Returns a final payout to the payer if no epoch has counted it for a year: verifiers
  /// who fall silent for good cannot freeze money.
  /// @dev Anyone. Errors: WrongState, AlreadyAccounted, TooEarly.
  function returnUnallocated(bytes32 id) external;

  /// @notice Sends all credit of `account` to `account`.
  /// @dev Anyone. Errors: NoCredit, and what the token says.
  function withdrawCredit(address account) external;

  // ---------------------------------------------------------------- views

  /// @notice Id of what request `id` held for round `round`: keccak256(abi.encode(id, round)).
  function roundIdOf(bytes32 id, uint256 round) external pure returns (bytes32);

  /// @notice What the pool keeps of a request; all zero for an unknown id.
  function request(bytes32 id) external view returns (Request memory);

  /// @notice State of a request.
  function state(bytes32 id) external view returns (State);

  /// @notice EIP-712 digest of a settlement in this pool: what verifiers sign.
  function settlementDigest(Settlement calldata s) external view returns (bytes32);

  /// @notice EIP-712 digest of an opening in this pool: what the payer signs.
  function openDigest(bytes32 id) external view returns (bytes32);

  /// @notice EIP-712 digest of a cancellation in this pool: what the payer signs.
  function cancelDigest(bytes32 id) external view returns (bytes32);
}
