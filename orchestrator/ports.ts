/** Everything the core needs from the world, on one page. Implementations live elsewhere. */
import type { ApiKey } from './domain/api-key.ts'
import type { BusinessEvent, BusinessEventInput } from './domain/business-event.ts'
import type { Capability, DeviceCondition, KnownCapability } from './domain/capability.ts'
import type {
  ChainEvent,
  ChainIdentity,
  ChainIntent,
  IntentRow,
  PoolState,
  RailParties,
} from './domain/chain.ts'
import type {
  DesiredSetpoint,
  EffectiveSetpoint,
  SetpointProgress,
  SetpointRow,
} from './domain/dispatch-instruction.ts'
import type { EscrowTerms } from './domain/escrow.ts'
import type {
  Attestation,
  EpochStatement,
  Refusal,
  SettlementStatement,
} from './domain/evidence.ts'
import type { CallState, FlexibilityCall } from './domain/flexibility-call.ts'
import type { DeviceOwner, KnownGateway } from './domain/gateway.ts'
import type {
  Address,
  CallId,
  CongestionPointId,
  GatewayId,
  Hex,
  OrganisationId,
  OwnerId,
  ResourceId,
  SiteId,
} from './domain/ids.ts'
import type { LedgerEntry } from './domain/ledger.ts'
import type { PayoutEpoch, PayoutReceipt } from './domain/payout.ts'
import type { Program } from './domain/program.ts'
import type {
  ChargingSession,
  CongestionPoint,
  Organisation,
  Owner,
  Resource,
  ResourceHealth,
  Site,
} from './domain/resource.ts'
import type { DeviceReading, Reading } from './domain/telemetry.ts'
import type { Instant } from './domain/time.ts'

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

// ---------------------------------------------------------------- the store

export interface Store {
  /** All or nothing; serialised against other transactions on the same call by `calls.lock`. */
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface StoreTransaction {
  readonly organisations: OrganisationRepository
  readonly resources: ResourceRepository
  readonly calls: CallRepository
  readonly promises: PromiseRepository
  readonly setpoints: SetpointRepository
  readonly readings: ReadingRepository
  readonly sessions: SessionRepository
  readonly evidence: EvidenceStore
  readonly attestations: AttestationRepository
  readonly payouts: PayoutRepository
  readonly ledger: LedgerBook
  readonly chain: ChainJournal
  readonly events: Events
  readonly requests: IdempotencyRepository
  readonly keys: ApiKeyRepository
  readonly gateways: GatewayRepository
}

export interface OrganisationRepository {
  saveProgram(program: Program): Promise<void>
  program(dsoId: OrganisationId): Promise<Program | null>
  save(organisation: Organisation): Promise<void>
  find(id: OrganisationId): Promise<Organisation | null>
  list(kind?: Organisation['kind']): Promise<Organisation[]>
  saveCongestionPoint(point: CongestionPoint): Promise<void>
  congestionPoint(id: CongestionPointId): Promise<CongestionPoint | null>
  congestionPoints(): Promise<CongestionPoint[]>
}

export interface ResourceRepository {
  saveOwner(owner: Owner): Promise<void>
  /** Writes the IBAN into the table that nothing else reads. */
  saveIban(ownerId: OwnerId, iban: string): Promise<void>
  owner(id: OwnerId): Promise<Owner | null>
  owners(aggregatorId?: OrganisationId): Promise<Owner[]>
  saveSite(site: Site): Promise<void>
  site(id: SiteId): Promise<Site | null>
  save(resource: Resource): Promise<void>
  find(id: ResourceId): Promise<Resource | null>
  /** Ordered by id. */
  list(filter?: {
    congestionPointId?: CongestionPointId
    aggregatorId?: OrganisationId
    ownerId?: OwnerId
  }): Promise<Resource[]>
  saveHealth(health: ResourceHealth): Promise<void>
  health(ids: readonly ResourceId[]): Promise<ResourceHealth[]>
  /** The newest replaces the one before. */
  saveCapability(known: KnownCapability): Promise<void>
  capabilities(ids: readonly ResourceId[]): Promise<KnownCapability[]>
  saveCondition(condition: DeviceCondition): Promise<void>
  /** Serialises what is written down of one device until the transaction ends. */
  lock(id: ResourceId): Promise<void>
  conditions(ids: readonly ResourceId[]): Promise<DeviceCondition[]>
}

export interface CallRepository {
  /** Fails if the id is taken. */
  create(call: FlexibilityCall): Promise<void>
  /** Waits for and keeps the lock until the transaction ends. @throws DomainError 'not-found' */
  lock(id: CallId): Promise<FlexibilityCall>
  find(id: CallId): Promise<FlexibilityCall | null>
  save(call: FlexibilityCall): Promise<void>
  list(filter?: {
    states?: readonly CallState[]
    dsoId?: OrganisationId
    congestionPointId?: CongestionPointId
  }): Promise<FlexibilityCall[]>
}

/** Who is promised to which call in which settlement period; one promise per resource and period. */
export interface PromiseRepository {
  /** Takes what is free and returns it; never fails because something is taken. */
  take(
    callId: CallId,
    wanted: readonly { resourceId: ResourceId; periodStart: Instant }[],
  ): Promise<{ resourceId: ResourceId; periodStart: Instant }[]>
  /** Serialises allocations at one congestion point until the transaction ends. */
  lockCongestionPoint(id: CongestionPointId): Promise<void>
  taken(
    resourceIds: readonly ResourceId[],
    from: Instant,
    until: Instant,
  ): Promise<{ resourceId: ResourceId; periodStart: Instant; callId: CallId }[]>
  /** Frees what lies at or after an instant. */
  release(callId: CallId, from: Instant, resourceIds?: readonly ResourceId[]): Promise<void>
}

export interface SetpointRepository {
  /** Writes the next version for each resource and returns the rows. */
  order(wanted: readonly Omit<DesiredSetpoint, 'version'>[]): Promise<SetpointRow[]>
  /** The newest row of each resource. */
  current(resourceIds?: readonly ResourceId[]): Promise<SetpointRow[]>
  /** The newest rows of one resource over all calls, newest first. */
  ofResource(resourceId: ResourceId, limit: number): Promise<SetpointRow[]>
  /** All rows of one call, oldest first. */
  ofCall(callId: CallId): Promise<SetpointRow[]>
  /** Records progress; a null leaves what is there. */
  progress(
    resourceId: ResourceId,
    version: number,
    progress: Partial<SetpointProgress>,
  ): Promise<void>
}

export interface ReadingRepository {
  /** Keeps the first reading of each (resource, at); returns how many were new. */
  append(readings: readonly Reading[]): Promise<number>
  /** Readings with from <= at <= until, ordered by resource and instant. */
  between(resourceIds: readonly ResourceId[], from: Instant, until: Instant): Promise<Reading[]>
  /** For each resource the last reading at or before an instant. */
  lastBefore(resourceIds: readonly ResourceId[], at: Instant): Promise<Reading[]>
  /**
   * The end of each resource's hash chain at one gateway: where the next reading joins. Nobody
   * else learns it before the transaction has ended, so that no chain forks.
   */
  chainHeads(
    gatewayId: GatewayId,
  ): Promise<{ resourceId: ResourceId; sequence: number; hash: Hex }[]>
}

export interface SessionRepository {
  /** By (resource, startedAt); a later save adds what became known. */
  save(session: ChargingSession): Promise<void>
  /** Sessions that had begun and not ended at an instant. */
  at(resourceIds: readonly ResourceId[], at: Instant): Promise<ChargingSession[]>
}

export interface EvidenceStore {
  /** Never overwrites; saving the same bytes again is allowed. */
  save(callId: CallId, version: number, bundle: string): Promise<void>
  load(callId: CallId, version: number): Promise<string | null>
}

export interface AttestationRepository {
  /** One per (subject, version, verifier); the first stays. */
  save(attestation: Attestation): Promise<void>
  refuse(refusal: Refusal): Promise<void>
  of(subject: Attestation['subject'], subjectId: string): Promise<Attestation[]>
  refusals(subject: Attestation['subject'], subjectId: string): Promise<Refusal[]>
}

export interface PayoutRepository {
  save(epoch: PayoutEpoch): Promise<void>
  find(epoch: number): Promise<PayoutEpoch | null>
  /** Newest first. */
  list(): Promise<PayoutEpoch[]>
  /** Serialises epochs until the transaction ends. */
  lock(): Promise<void>
  saveReceipts(receipts: readonly PayoutReceipt[]): Promise<void>
  receipts(filter: { epoch?: number; ownerId?: OwnerId }): Promise<PayoutReceipt[]>
}

/** Double entry; every posting sums to zero. */
export interface LedgerBook {
  /** Idempotent by the posting's key. @throws Error if the entries do not sum to zero. */
  post(key: string, entries: readonly LedgerEntry[]): Promise<void>
  balance(account: string): Promise<bigint>
  entries(account: string): Promise<(LedgerEntry & { key: string })[]>
  balances(): Promise<{ account: string; balance: bigint }[]>
}

/** The database's side of the chain: an outbox of intents, and what was read back. */
export interface ChainJournal {
  /** Idempotent by business key: the first stays. */
  intend(businessKey: string, intent: ChainIntent): Promise<void>
  intent(businessKey: string): Promise<IntentRow | null>
  /** States 'pending' and 'sent', oldest first. */
  open(): Promise<IntentRow[]>
  /** Stored before broadcast. */
  signed(businessKey: string, tx: { hash: Hex; nonce: number; raw: Hex }): Promise<void>
  mined(
    businessKey: string,
    hash: Hex,
    outcome: 'mined' | 'reverted',
    reason?: string,
  ): Promise<void>
  /** Idempotent by (transaction, log index). */
  record(events: readonly ChainEvent[], cursor: { block: number; hash: Hex }): Promise<void>
  /**
   * After a reorganisation of the chain: forgets the events above a block and sets the cursor to it.
   * An intent mined by a transaction that wrote one of them is open again: 'sent' if its raw bytes
   * are known, else 'pending'.
   */
  rewind(to: { block: number; hash: Hex }): Promise<void>
  cursor(): Promise<{ block: number; hash: Hex } | null>
  events(filter?: { kind?: ChainEvent['kind']; requestId?: Hex }): Promise<ChainEvent[]>
  /** Which pool on which chain this database belongs to. */
  identity(): Promise<ChainIdentity | null>
  identify(identity: ChainIdentity): Promise<void>
}

export interface Events {
  append(events: readonly BusinessEventInput[]): Promise<void>
  after(sequence: number, limit: number): Promise<BusinessEvent[]>
  ofCall(callId: CallId): Promise<BusinessEvent[]>
}

export interface IdempotencyRepository {
  /** null: the key is new and now taken by this transaction. */
  begin(
    organisationId: OrganisationId,
    key: string,
    requestHash: Hex,
  ): Promise<{ status: number; body: string; requestHash: Hex } | null>
  finish(organisationId: OrganisationId, key: string, status: number, body: string): Promise<void>
}

export interface ApiKeyRepository {
  save(key: ApiKey): Promise<void>
  find(keySha256: string): Promise<ApiKey | null>
  count(): Promise<number>
}

/** Which gateways there are, and which devices each of them holds. */
export interface GatewayRepository {
  /** Makes a key known under a name. @throws DomainError 'duplicate' if it has another key */
  introduce(id: GatewayId, publicKey: Hex, at: Instant): Promise<void>
  /** A process acts under a known name from now on, in place of any other; it holds nothing yet. */
  begin(gateway: Pick<KnownGateway, 'id' | 'ocppUrl'> & { instance: string }): Promise<void>
  /** Counts the lease up. False: another process acts under this name now. */
  beat(id: GatewayId, instance: string, at: Instant): Promise<boolean>
  /** Lets go of everything, so that others need not wait. */
  leave(id: GatewayId, instance: string): Promise<void>
  /** Ordered by id. */
  list(): Promise<KnownGateway[]>
  /** Ordered by resource. */
  owners(filter?: {
    resourceIds?: readonly ResourceId[]
    gatewayId?: GatewayId
  }): Promise<DeviceOwner[]>
  /** A device has dialled this gateway: it is its own, unless it has dialled another one since. */
  claim(resourceId: ResourceId, gatewayId: GatewayId, at: Instant): Promise<boolean>
  /** Takes a device over from its owner (null: nobody). False: somebody else was quicker. */
  take(
    resourceId: ResourceId,
    gatewayId: GatewayId,
    from: DeviceOwner | null,
    at: Instant,
  ): Promise<boolean>
  /** A device has hung up. False: it was not this gateway's any more. */
  release(resourceId: ResourceId, gatewayId: GatewayId): Promise<boolean>
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
  /** Makes a device known, or renews what is known of it. Idempotent. */
  attach(resource: Resource): Promise<void>
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

/** In which form the device took a setpoint, in the words of its protocol. */
export type Acknowledgement = { readonly strategy: string | null }

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

/** Checks a gateway's signature without holding its key. */
export type VerifySignature = (publicKey: Hex, hash: Hex, signature: Hex) => boolean

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
  /** What the DSO signs (ERC-3009 typed data), as plain JSON. */
  authorisationToSign(terms: EscrowTerms): unknown
  /** What the DSO signs to cancel before the window, as plain JSON. */
  cancellationToSign(requestId: Hex): unknown
  /** True if the payer of the terms signed this authorisation. */
  verifyAuthorisation(
    terms: EscrowTerms,
    authorisation: { validAfter: number; validBefore: number; signature: Hex },
  ): Promise<boolean>
  verifyCancellation(requestId: Hex, payer: Address, signature: Hex): Promise<boolean>
  /** Who signed; null for no valid signature. */
  settlementSigner(statement: SettlementStatement, signature: Hex): Promise<Address | null>
  epochSigner(statement: EpochStatement, signature: Hex): Promise<Address | null>
  /** One round: mine where we mine, send what is open, follow what was sent, read new logs. */
  advance(): Promise<{ newEvents: number }>
  /** What the pool itself says now, for reconciliation. */
  poolState(): Promise<PoolState>
}

/** What a verifier reads from the chain by itself, without any database. */
export interface EscrowReader {
  /** Binds every field of the terms, chain and pool. */
  requestId(terms: EscrowTerms): Hex
  /** null: the pool knows no such request. */
  escrow(requestId: Hex): Promise<{ amount: bigint; payout: bigint } | null>
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
}

/** What a gateway is handed: neither money nor the queue of calls. */
export type GatewayPorts = Omit<Ports, 'rail' | 'wakeUps'> & {
  readonly wakeUps: Pick<WakeUps, 'notify' | 'subscribe'>
}
