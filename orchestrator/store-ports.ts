/** What the core needs of the store. Implementations live in db. */
import type { ApiKey } from './domain/api-key.ts'
import type { Arming, ArmingProgress } from './domain/arming.ts'
import type { AccountHolder, SealedAccount } from './domain/bank-account.ts'
import type {
  BusinessEvent,
  BusinessEventInput,
  BusinessEventKind,
} from './domain/business-event.ts'
import type { DeviceCondition, KnownCapability } from './domain/capability.ts'
import type { Dispute } from './domain/dispute.ts'
import type {
  DesiredSetpoint,
  SetpointProgress,
  SetpointRow,
} from './domain/dispatch-instruction.ts'
import type { EmergencyStop } from './domain/emergency-stop.ts'
import type { Attestation, Refusal } from './domain/evidence.ts'
import type { CallState, FlexibilityCall } from './domain/flexibility-call.ts'
import type { DeviceOwner, KnownGateway } from './domain/gateway.ts'
import type { HeldRest } from './domain/held-rest.ts'
import type {
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
import type { StoredFeeder } from './domain/network/stored-feeder.ts'
import type { OwnerLimits } from './domain/owner-limits.ts'
import type { Payment, PaymentFile } from './domain/payment-order.ts'
import type { PayoutEpoch, PayoutReceipt } from './domain/payout.ts'
import type { Program } from './domain/program.ts'
import type { Promised, PromisedPeriod, PromiseRole } from './domain/promised.ts'
import type {
  ChargingSession,
  CongestionPoint,
  Organisation,
  Owner,
  Resource,
  ResourceHealth,
  Site,
} from './domain/resource.ts'
import type { SignedRecord } from './domain/signed-meter/meter-key.ts'
import type { Reading } from './domain/telemetry.ts'
import type { PointLevel } from './domain/step-limit.ts'
import type { Instant } from './domain/time.ts'
import type { ChainJournal, PoolBooks } from './rail-store-ports.ts'

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
  readonly control: ControlRepository
  readonly setpoints: SetpointRepository
  readonly armings: ArmingRepository
  readonly readings: ReadingRepository
  readonly signedRecords: SignedRecordRepository
  readonly sessions: SessionRepository
  readonly evidence: EvidenceStore
  readonly attestations: AttestationRepository
  readonly disputes: DisputeRepository
  readonly rests: HeldRestRepository
  readonly payouts: PayoutRepository
  readonly accounts: BankAccountRepository
  readonly payments: PaymentRepository
  readonly ledger: LedgerBook
  readonly chain: ChainJournal
  readonly pool: PoolBooks
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
  /** A version that is there stays. @throws DomainError 'duplicate' */
  saveFeeder(feeder: StoredFeeder): Promise<void>
  /** The newest version; null: none was given. */
  feeder(id: CongestionPointId): Promise<StoredFeeder | null>
}

export interface ResourceRepository {
  saveOwner(owner: Owner): Promise<void>
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
    /** Whose window begins at this instant or later. */
    windowsFrom?: Instant
    /** No more than so many: the newest, in the same order. */
    last?: number
    /** Whose window ends after this. */
    endsAfter?: Instant
  }): Promise<FlexibilityCall[]>
}

/** Who is promised to which call in which settlement period; no resource twice in one instant. */
export interface PromiseRepository {
  /**
   * Takes what is free and returns it; never fails because something is taken. An order also takes
   * what stands in its own call's reserve.
   */
  take(
    callId: CallId,
    wanted: readonly PromisedPeriod[],
    role: PromiseRole,
  ): Promise<PromisedPeriod[]>
  /** Serialises allocations at one congestion point until the transaction ends. */
  lockCongestionPoint(id: CongestionPointId): Promise<void>
  /** What shares an instant with [from, until), ordered by resource and start. */
  taken(resourceIds: readonly ResourceId[], from: Instant, until: Instant): Promise<Promised[]>
  /** Frees what begins at or after an instant; a period that has begun stays promised. */
  release(callId: CallId, from: Instant, resourceIds?: readonly ResourceId[]): Promise<void>
}

/** Who may say what devices do: what owners allow, and stops of all control. */
export interface ControlRepository {
  /** Serialises what devices at these points are told until the transaction ends. */
  lock(ids: readonly CongestionPointId[]): Promise<void>
  /** By resource; a later save replaces. */
  saveLimits(limits: OwnerLimits): Promise<void>
  /** Of those of which something was said since they were enrolled. */
  limits(ids: readonly ResourceId[]): Promise<OwnerLimits[]>
  saveStop(stop: EmergencyStop): Promise<void>
  /** All, also those that were lifted, oldest first. */
  stops(): Promise<EmergencyStop[]>
  /** By congestion point; a later save replaces. */
  saveLevel(level: PointLevel): Promise<void>
  level(id: CongestionPointId): Promise<PointLevel | null>
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

/** Curves that calls want on devices; one arming per call and resource. */
export interface ArmingRepository {
  /** The first of a call and resource stays. */
  want(armings: readonly Arming[]): Promise<void>
  /** Replaces what is named. @throws Error if nothing was wanted there */
  progress(callId: CallId, resourceId: ResourceId, progress: ArmingProgress): Promise<void>
  /** Of these devices, what is neither recorded nor refused; ordered by resource and call. */
  open(resourceIds: readonly ResourceId[]): Promise<Arming[]>
  /** Ordered by resource. */
  ofCall(callId: CallId): Promise<Arming[]>
}

export interface ReadingRepository {
  /** Keeps the first reading of each (resource, at); returns how many were new. */
  append(readings: readonly Reading[]): Promise<number>
  /** Readings with from <= at <= until, ordered by resource and instant. */
  between(resourceIds: readonly ResourceId[], from: Instant, until: Instant): Promise<Reading[]>
  /** Registers at exactly these instants where read, ordered by resource and instant. */
  registersAt(
    resourceIds: readonly ResourceId[],
    instants: readonly Instant[],
  ): Promise<{ resourceId: ResourceId; at: Instant; registerWh: number }[]>
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

/** What meters signed themselves, to the byte and for good. */
export interface SignedRecordRepository {
  /** The same record of a resource is kept once; returns how many were new. */
  append(records: readonly SignedRecord[]): Promise<number>
  /** Records with from <= at <= until, ordered by resource, instant and hash. */
  between(
    resourceIds: readonly ResourceId[],
    from: Instant,
    until: Instant,
  ): Promise<SignedRecord[]>
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

export interface DisputeRepository {
  /** By (call, resource). */
  save(dispute: Dispute): Promise<void>
  /** Ordered by resource. */
  ofCall(callId: CallId): Promise<Dispute[]>
}

/** What settlements hold, until a later round or the deadline ends it. */
export interface HeldRestRepository {
  /** By id. */
  save(rest: HeldRest): Promise<void>
  find(id: Hex): Promise<HeldRest | null>
  /** Ordered by call and round. */
  list(filter: { callId?: CallId; states?: readonly HeldRest['state'][] }): Promise<HeldRest[]>
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

/** Bank accounts, sealed: nothing here can be read without the key that seals them. */
export interface BankAccountRepository {
  /** By (holder, version); a later save replaces. */
  save(account: SealedAccount): Promise<void>
  remove(holder: AccountHolder, version: number): Promise<void>
  /** Oldest version first. */
  of(holder: AccountHolder): Promise<SealedAccount[]>
  /** Ordered by holder and version. */
  list(): Promise<SealedAccount[]>
}

/** Credit transfers that payout epochs order, and what the agent took of them. */
export interface PaymentRepository {
  /** By (epoch, payee); a later save replaces. */
  save(payment: Payment): Promise<void>
  /** Ordered by epoch and payee. */
  list(filter: { epoch?: number; payee?: AccountHolder }): Promise<Payment[]>
  /** The first of an epoch stays. */
  saveFile(file: PaymentFile): Promise<void>
  file(epoch: number): Promise<PaymentFile | null>
}

/** Double entry; every posting sums to zero. */
export interface LedgerBook {
  /** Idempotent by the posting's key. @throws Error if the entries do not sum to zero. */
  post(key: string, entries: readonly LedgerEntry[]): Promise<void>
  balance(account: string): Promise<bigint>
  entries(account: string): Promise<(LedgerEntry & { key: string })[]>
  balances(): Promise<{ account: string; balance: bigint }[]>
}

export interface Events {
  append(events: readonly BusinessEventInput[]): Promise<void>
  after(sequence: number, limit: number): Promise<BusinessEvent[]>
  ofCall(callId: CallId): Promise<BusinessEvent[]>
  /** The last event of any of these kinds. */
  latest(kinds: readonly BusinessEventKind[]): Promise<BusinessEvent | null>
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
