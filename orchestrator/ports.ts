/** Everything the core needs from the world, on one page; the store has one of its own. Implementations live elsewhere. */
import type { ApiKey } from './domain/api-key.ts'
import type { BankAccount, SealedAccount } from './domain/bank-account.ts'
import type { Capability } from './domain/capability.ts'
import type { ChainIdentity, PoolState, RailParties } from './domain/chain.ts'
import type { LinearProgram, Solution } from './domain/allocation/linear-program.ts'
import type { Answered, CurveOrder, OwnRecording } from './domain/armed-curve.ts'
import type { DesiredSetpoint, EffectiveSetpoint } from './domain/dispatch-instruction.ts'
import type { Authorisation, EscrowTerms } from './domain/escrow.ts'
import type { EpochStatement, SettlementStatement } from './domain/evidence.ts'
import type { Address, CallId, GatewayId, Hex, ResourceId } from './domain/ids.ts'
import type { ChargingSession, Resource } from './domain/resource.ts'
import type { PoolAct } from './domain/pool-acts.ts'
import type { CheckMeterSignature } from './domain/signed-meter/meter-key.ts'
import type { DeviceReading } from './domain/telemetry.ts'
import type { Instant, TimeWindow } from './domain/time.ts'
import type { Store } from './store-ports.ts'

export type { ApiKey, ChainIdentity, EffectiveSetpoint, PoolState, RailParties }

/** Business time. */
export interface Clock {
  now(): Instant
  /** Business seconds per wall second; 1 in real use. */
  readonly speed: number
}

/** Wall time: deadlines, heartbeats, retries. */
export interface Timer {
  /** Monotonic milliseconds. */
  monotonicMs(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Rejects with a DomainError 'unavailable' that names what was waited for. */
  deadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T>
  every(ms: number, what: string, run: () => Promise<void>): { stop(): Promise<void> }
}

export interface Random {
  /** Unpredictable bytes for keys and passwords. */
  bytes(length: number): Uint8Array
}

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

// ------------------------------------------------------------- waking things

/** Hints, never truth: losing all of them costs at most one reconciler tick. */
export interface WakeUps {
  /** Have the call looked at when this instant has come. */
  wakeCall(callId: CallId, at: Instant): Promise<void>
  /** Tell whoever holds devices or streams that something changed. */
  notify(topic: Topic): Promise<void>
  subscribe(topic: Topic, handler: () => void): { stop(): void }
}

export type Topic = 'setpoints' | 'resources' | 'events' | 'chain'

// ----------------------------------------------------------------- devices

/** One kind of connection to devices: OCPP, OPC UA, … Powers in W, + is import. */
export interface DeviceDriver {
  readonly protocol: Resource['connection']['protocol']
  start(sink: DeviceSink): Promise<void>
  stop(): Promise<void>
  /**
   * Makes a device known, or renews what is known of it. Idempotent. `known`: what it told the last
   * time, perhaps to another process.
   */
  attach(resource: Resource, known?: Capability): Promise<void>
  /** Resolves when the device acknowledged. @throws DomainError device-unreachable, device-refused */
  apply(
    resourceId: ResourceId,
    setpoint: DesiredSetpoint,
    deadlineMs: number,
  ): Promise<Acknowledgement>
  /**
   * The device took its setpoint and does not follow it: chooses the next form in which setpoints
   * can be given to it. null: there is no other one left.
   */
  nextStrategy(resourceId: ResourceId): string | null
  /**
   * Hands a new password to the device on the connection that stands; only where devices have one.
   * @throws DomainError device-unreachable (it may have taken it), device-refused
   */
  renewCredential?(resourceId: ResourceId, password: string, deadlineMs: number): Promise<void>
  /** What limit or setpoint the device says is in force. @throws DomainError as above */
  readBack(resourceId: ResourceId, deadlineMs: number): Promise<EffectiveSetpoint>
  /**
   * Arms curves of one kind until their end, or takes them back (null); only where devices measure
   * the frequency or the voltage and answer it themselves. @throws DomainError as above
   */
  arm?(
    resourceId: ResourceId,
    order: CurveOrder,
    sequence: number,
    deadlineMs: number,
  ): Promise<void>
  /** What the device recorded itself of what it answers. @throws DomainError as above */
  recording?(
    resourceId: ResourceId,
    answers: Answered,
    window: TimeWindow,
    deadlineMs: number,
  ): Promise<OwnRecording>
  /**
   * Lets a device go, because another gateway dials it now. Only for drivers that dial: a device
   * that dials us moves by itself.
   */
  detach?(resourceId: ResourceId): Promise<void>
}

/** What drivers report; never rejects because of the device's data. */
export interface DeviceSink {
  connected(resourceId: ResourceId, detail: string): void
  disconnected(resourceId: ResourceId, detail: string): void
  measured(reading: DeviceReading): void
  /** A record that the meter itself signed, to the byte. */
  signed?(resourceId: ResourceId, text: string): void
  session(session: ChargingSession): void
  /** What the device can do, each time that it has been set up. */
  capability(resourceId: ResourceId, capability: Capability): void
  /** A limit that somebody else set, W; null: it is gone. */
  limitedElsewhere(resourceId: ResourceId, limitW: number | null, source: string): void
  /** The driver wants full power now, or no longer (priority charging). */
  overridden(resourceId: ResourceId, isOn: boolean): void
  /** It came with one of the passwords that were offered to it. */
  renewed?(resourceId: ResourceId, passwordSha256: string): void
  /** Somebody knocked who should not have, or came in place of another. */
  security(event: SecurityEvent): void
}

export type Acknowledgement = {
  /** In which form the device took a setpoint, in the words of its protocol. */
  readonly strategy: string | null
  /** It does not go below this and was given it instead, W. */
  readonly atLeastW?: number
}

/** Never holds a password, an id tag or an address of a person. */
export type SecurityEvent = {
  /** null: no resource is known under that name. */
  readonly resourceId: ResourceId | null
  readonly kind: 'wrong-credential' | 'replaced-connection' | 'refused-connection' | 'reported'
  readonly detail: string
}

// ------------------------------------------------------- signing and money

/** A key that signs telemetry hashes (Ed25519). */
export interface Signer {
  readonly publicKey: Hex
  sign(hash: Hex): Hex
}

/** A secp256k1 key that signs transactions; it may lie in a machine that never gives it away. */
export interface TransactionSigner {
  readonly address: Address
  /**
   * Signs a digest of 32 bytes: r, s in the lower half, v 27 or 28, as 65 bytes.
   * @throws DomainError 'unavailable' if whoever holds the key does not answer in time
   */
  signDigest(digest: Hex): Promise<Hex>
}

/** What only one process at a time may do, on one database. */
export interface SoleRight {
  /** True while this process alone has it; if it has not, it asks again, and never waits. */
  hold(): Promise<boolean>
  /** Lets others have it at once. */
  release(): Promise<void>
}

/** Checks a gateway's signature without holding its key. */
export type VerifySignature = (publicKey: Hex, hash: Hex, signature: Hex) => boolean

/**
 * Seals bank accounts under a key that no database holds; each has a data key of its own, so that
 * destroying that one erases it.
 */
export interface AccountVault {
  /** Which key it seals under now. */
  keyId(): string
  seal(
    place: Pick<SealedAccount, 'holder' | 'version'>,
    account: BankAccount,
  ): Pick<SealedAccount, 'keyId' | 'wrappedKey' | 'sealed'>
  /** @throws DomainError unavailable with a sentence: erased, another key, or not what was sealed */
  open(account: SealedAccount): BankAccount
  /** The same under the newest key. @throws as open */
  rewrap(account: SealedAccount): SealedAccount
  /** Makes a new key and seals under it from now on; the ones before still open. */
  addKey(): Promise<string>
  /** Forgets every key but the newest. */
  dropOldKeys(): Promise<void>
}

/** Solves the programs that are beyond the exact greedy of the allocation. */
export interface Solver {
  /**
   * The values of a program's columns at its least cost; where some are binary, within 0.1 % of
   * it, or the best that a fixed amount of work found. The same program gives the same values,
   * whatever the machine: the deadline (wall ms) is far beyond that work, and only there so that
   * nobody waits for ever. Where it passes all the same, what was found by then is given and said
   * to be late.
   * @throws DomainError 'unavailable' if there is no answer within the work or the deadline
   */
  solve(program: LinearProgram, deadlineMs: number): Promise<Solution>
}

/** A verifier's key; EIP-712. */
export interface Attestor {
  readonly address: Address
  signSettlement(statement: SettlementStatement): Promise<Hex>
  signEpoch(statement: EpochStatement): Promise<Hex>
}

/** The chain's side: what is asked of the pool and what it says. */
export interface PayoutRail {
  /** Parties and addresses; fixed once started. */
  readonly parties: RailParties
  requestId(terms: EscrowTerms): Hex
  /** What the DSO signs to fund the escrow, as plain JSON typed data: an order to the token (ERC-3009), else to the pool. */
  authorisationToSign(terms: EscrowTerms): unknown
  /** A permit (ERC-2612) that spares the DSO an allowance; null or absent where none is of use. */
  permitToSign?(terms: EscrowTerms): Promise<unknown>
  /** What the DSO signs to cancel before the window, as plain JSON. */
  cancellationToSign(requestId: Hex): unknown
  /** What verifiers or the arbiter sign of a settlement, as plain JSON. */
  settlementToSign(statement: SettlementStatement): unknown
  /** True if the payer of the terms signed this authorisation, and its money can be had by it now. */
  verifyAuthorisation(terms: EscrowTerms, authorisation: Authorisation): Promise<boolean>
  verifyCancellation(requestId: Hex, payer: Address, signature: Hex): Promise<boolean>
  /** Who signed; null for no valid signature. */
  settlementSigner(statement: SettlementStatement, signature: Hex): Promise<Address | null>
  epochSigner(statement: EpochStatement, signature: Hex): Promise<Address | null>
  /** One round: mine where we mine, send what is open, follow what was sent, read new logs. */
  advance(): Promise<{ newEvents: number }>
  /** Reads all that was read before once more; how many events had been left out. */
  readAgain?(): Promise<number>
  /**
   * Does what others than the service ask of a pool without a chain; on a chain they send it there.
   * Returns the journal's entry. @throws DomainError wrong-state with the pool's own refusal
   */
  act?(act: PoolAct): Promise<Hex>
  /** What the pool itself says now, for reconciliation. */
  poolState(): Promise<PoolState>
  /**
   * What the pool was told when an epoch was posted, checked against its root. null: nobody can
   * tell. A rail whose pool is this database's own has nothing to read back.
   */
  postedEpoch?(post: {
    transactionHash: Hex
    epoch: number
    root: Hex
  }): Promise<PostedEpoch | null>
}

export type PostedEpoch = {
  readonly statement: EpochStatement
  readonly requestIds: readonly Hex[]
}

/** What a verifier reads from the chain by itself, without any database. */
export interface EscrowReader {
  /** Binds every field of the terms, chain and pool. */
  requestId(terms: EscrowTerms): Hex
  /** A request, or a held rest; `round` is its last proposal's. null: the pool knows no such one. */
  escrow(requestId: Hex): Promise<{ amount: bigint; payout: bigint; round: number } | null>
  /** Whether this very settlement is the last one that was proposed for its request or rest. */
  isProposed(statement: SettlementStatement): Promise<boolean>
  /** Whether an account of the payout tree named this other address, and the delay is over. */
  isRecipient(account: Address, to: Address): Promise<boolean>
  poolState(): Promise<PoolState>
}

/** What every lifecycle step is handed. */
export type Ports = {
  readonly clock: Clock
  /** Business time at which this process began to listen to devices. */
  readonly startedAt: Instant
  readonly timer: Timer
  readonly random: Random
  readonly log: Log
  readonly store: Store
  readonly wakeUps: WakeUps
  readonly rail: PayoutRail
  /** The key under which this process signs the telemetry that it takes in. */
  readonly gateway: { readonly id: GatewayId; readonly signer: Signer }
  readonly checkMeterSignature: CheckMeterSignature
  /** Of gateways: what another process took in is checked before it counts. */
  readonly verifySignature: VerifySignature
  readonly vault: AccountVault
  readonly solver: Solver
}

/** What a gateway is handed: neither money nor the queue of calls. */
export type GatewayPorts = Omit<
  Ports,
  'rail' | 'wakeUps' | 'checkMeterSignature' | 'verifySignature' | 'vault' | 'solver'
> & {
  readonly wakeUps: Pick<WakeUps, 'notify' | 'subscribe'>
}
