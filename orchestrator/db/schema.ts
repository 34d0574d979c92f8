/** Tables of parties and calls. Evidence, money and the chain are in schema-records.ts. */
import { sql } from 'drizzle-orm'
import {
  bigserial,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  pgSchema,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core'
import type { Arming } from '#domain/arming.ts'
import type { Capability } from '#domain/capability.ts'
import type { CallState, FlexibilityCall } from '#domain/flexibility-call.ts'
import type {
  CallId,
  CongestionPointId,
  GatewayId,
  OrganisationId,
  OwnerId,
  ResourceId,
  SiteId,
} from '#domain/ids.ts'
import type { StoredFeeder } from '#domain/network/stored-feeder.ts'
import type { Program } from '#domain/program.ts'
import type { PromiseRole } from '#domain/promised.ts'
import type { CongestionRoom, Connection, OrganisationKind } from '#domain/resource.ts'
import type { Owner, PayoutChoice, Rating, ResourceKind, StandingOffer } from '#domain/resource.ts'
import type { MeterKey } from '#domain/signed-meter/meter-key.ts'
import type { ReadingQuality } from '#domain/telemetry.ts'
import type { BasisPoints } from '#domain/units.ts'
import {
  addressColumn,
  domainColumn,
  hexColumn,
  idColumn,
  instantColumn,
  moneyColumn,
  wholeColumn,
  wordsColumn,
} from './columns.ts'

export const gridcall = pgSchema('gridcall')

export const programs = gridcall.table('programs', {
  dsoId: idColumn<OrganisationId>().primaryKey(),
  body: domainColumn<Program>().notNull(),
})

export const organisations = gridcall.table('organisations', {
  id: idColumn<OrganisationId>().primaryKey(),
  kind: text().$type<OrganisationKind>().notNull(),
  name: wordsColumn().notNull(),
  address: addressColumn(),
  aggregatorShareBp: integer().$type<BasisPoints>().notNull(),
  minimumPayoutCents: moneyColumn(),
})

export const congestionPoints = gridcall.table('congestion_points', {
  id: idColumn<CongestionPointId>().primaryKey(),
  dsoId: idColumn<OrganisationId>().notNull(),
  name: wordsColumn().notNull(),
  room: domainColumn<CongestionRoom>(),
})

/** A version, once given, stays: a trigger refuses every change. */
export const feeders = gridcall.table(
  'feeders',
  {
    congestionPointId: idColumn<CongestionPointId>().notNull(),
    version: integer().notNull(),
    body: domainColumn<StoredFeeder>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.congestionPointId, t.version] })],
)

export const owners = gridcall.table(
  'owners',
  {
    id: idColumn<OwnerId>().primaryKey(),
    aggregatorId: idColumn<OrganisationId>().notNull(),
    payout: domainColumn<PayoutChoice>().notNull(),
    announced: domainColumn<NonNullable<Owner['announced']>>(),
  },
  (t) => [index().on(t.aggregatorId)],
)

export const sites = gridcall.table('sites', {
  id: idColumn<SiteId>().primaryKey(),
  aggregatorId: idColumn<OrganisationId>().notNull(),
  ownerId: idColumn<OwnerId>().notNull(),
  congestionPointId: idColumn<CongestionPointId>().notNull(),
})

export const resources = gridcall.table(
  'resources',
  {
    id: idColumn<ResourceId>().primaryKey(),
    kind: text().$type<ResourceKind>().notNull(),
    siteId: idColumn<SiteId>().notNull(),
    ownerId: idColumn<OwnerId>().notNull(),
    aggregatorId: idColumn<OrganisationId>().notNull(),
    congestionPointId: idColumn<CongestionPointId>().notNull(),
    rating: domainColumn<Rating>().notNull(),
    offer: domainColumn<StandingOffer>().notNull(),
    connection: domainColumn<Connection>().notNull(),
    meter: domainColumn<MeterKey>(),
    enrolledAt: instantColumn().notNull(),
  },
  (t) => [index().on(t.congestionPointId), index().on(t.aggregatorId), index().on(t.ownerId)],
)

export const resourceHealth = gridcall.table('resource_health', {
  resourceId: idColumn<ResourceId>().primaryKey(),
  connected: boolean().notNull(),
  since: instantColumn().notNull(),
  detail: wordsColumn().notNull(),
})

export const resourceCapabilities = gridcall.table('resource_capabilities', {
  resourceId: idColumn<ResourceId>().primaryKey(),
  capability: domainColumn<Capability>().notNull(),
  learnedAt: instantColumn().notNull(),
})

export const resourceConditions = gridcall.table('resource_conditions', {
  resourceId: idColumn<ResourceId>().primaryKey(),
  externalLimitW: doublePrecision(),
  externalSource: wordsColumn(),
  overrideSince: instantColumn(),
  at: instantColumn().notNull(),
})

/** The body is the truth; the other columns are copies of it, for locks, filters and people. */
export const calls = gridcall.table(
  'calls',
  {
    id: idColumn<CallId>().primaryKey(),
    state: text().$type<CallState>().notNull(),
    dsoId: idColumn<OrganisationId>().notNull(),
    congestionPointId: idColumn<CongestionPointId>().notNull(),
    requestedAt: instantColumn().notNull(),
    windowStart: instantColumn().notNull(),
    windowEnd: instantColumn().notNull(),
    body: domainColumn<FlexibilityCall>().notNull(),
  },
  (t) => [index().on(t.state), index().on(t.dsoId), index().on(t.congestionPointId)],
)

/**
 * The table is the promise itself: an exclusion constraint, which drizzle cannot write, refuses a
 * second row that shares an instant with a first of the same resource (migrations 0010 and 0012).
 */
export const promises = gridcall.table(
  'promises',
  {
    resourceId: idColumn<ResourceId>().notNull(),
    runStart: instantColumn().notNull(),
    runEnd: instantColumn().notNull(),
    callId: idColumn<CallId>().notNull(),
    role: text().$type<PromiseRole>().notNull(),
    periodSeconds: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.resourceId, t.runStart] }),
    index().on(t.callId),
    check(
      'promises_length',
      sql`${t.runEnd} > ${t.runStart} AND ${t.runEnd} <= ${t.runStart} + 86400000`,
    ),
    check(
      'promises_whole_periods',
      sql`${t.periodSeconds} > 0 AND (${t.runEnd} - ${t.runStart}) % (1000::bigint * ${t.periodSeconds}) = 0`,
    ),
  ],
)

export const armings = gridcall.table(
  'armings',
  {
    callId: idColumn<CallId>().notNull(),
    resourceId: idColumn<ResourceId>().notNull(),
    /** Neither recorded nor refused: somebody has still to look after it. */
    isOpen: boolean().notNull(),
    body: domainColumn<Arming>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.callId, t.resourceId] }), index().on(t.resourceId, t.isOpen)],
)

export const setpoints = gridcall.table(
  'setpoints',
  {
    resourceId: idColumn<ResourceId>().notNull(),
    version: integer().notNull(),
    /** In the order they were ordered, over all resources. */
    ordinal: bigserial({ mode: 'number' }).notNull(),
    callId: idColumn<CallId>().notNull(),
    powerW: doublePrecision(),
    validFrom: instantColumn().notNull(),
    validUntil: instantColumn().notNull(),
    orderedAt: instantColumn().notNull(),
    acknowledgedAt: instantColumn(),
    effectiveAt: instantColumn(),
    /** What the device said: amperes times volts need not be whole. */
    effectiveW: doublePrecision(),
    refusal: wordsColumn(),
    strategy: wordsColumn(),
    observedAt: instantColumn(),
    observedW: doublePrecision(),
  },
  (t) => [primaryKey({ columns: [t.resourceId, t.version] }), index().on(t.callId, t.ordinal)],
)

/** Ready to be partitioned by `at`, which every key of the table holds. */
export const readings = gridcall.table(
  'readings',
  {
    resourceId: idColumn<ResourceId>().notNull(),
    at: instantColumn().notNull(),
    powerW: wholeColumn(),
    registerWh: wholeColumn().notNull(),
    socBp: integer(),
    quality: text().$type<ReadingQuality>().notNull(),
    receivedAt: instantColumn().notNull(),
    gatewayId: idColumn<GatewayId>().notNull(),
    sequence: wholeColumn().notNull(),
    previousHash: hexColumn().notNull(),
    hash: hexColumn().notNull(),
    signature: hexColumn().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.resourceId, t.at] }),
    index().on(t.gatewayId, t.resourceId, t.sequence),
  ],
)

/** The meters' own words, to the byte: text and never json. A trigger refuses every change. */
export const signedRecords = gridcall.table(
  'signed_records',
  {
    resourceId: idColumn<ResourceId>().notNull(),
    hash: hexColumn().notNull(),
    text: text().notNull(),
    at: instantColumn().notNull(),
    receivedAt: instantColumn().notNull(),
    gatewayId: idColumn<GatewayId>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.resourceId, t.hash] }), index().on(t.resourceId, t.at)],
)

export const sessions = gridcall.table(
  'sessions',
  {
    resourceId: idColumn<ResourceId>().notNull(),
    startedAt: instantColumn().notNull(),
    endedAt: instantColumn(),
    energyNeededWh: doublePrecision(),
    departureAt: instantColumn(),
    startRegisterWh: doublePrecision(),
  },
  (t) => [primaryKey({ columns: [t.resourceId, t.startedAt] })],
)

/** The lease of a gateway is `beat`: who has watched it stand still may take its devices over. */
export const gateways = gridcall.table('gateways', {
  id: idColumn<GatewayId>().primaryKey(),
  publicKey: hexColumn().notNull(),
  instance: text(),
  beat: wholeColumn().notNull(),
  seenAt: instantColumn().notNull(),
  ocppUrl: text(),
})

export const deviceOwners = gridcall.table(
  'device_owners',
  {
    resourceId: idColumn<ResourceId>().primaryKey(),
    gatewayId: idColumn<GatewayId>().notNull(),
    since: instantColumn().notNull(),
    /** When the device dialled last: the newest connection counts. */
    dialledAt: instantColumn().notNull(),
    isHeld: boolean().notNull(),
  },
  (t) => [index().on(t.gatewayId)],
)

/** One row: business = businessMs + (wall − wallMs) × speed. */
export const clockAnchor = gridcall.table(
  'clock_anchor',
  {
    id: integer().primaryKey(),
    wallMs: doublePrecision().notNull(),
    businessMs: wholeColumn().notNull(),
    speed: doublePrecision().notNull(),
  },
  (t) => [check('one_row', sql`${t.id} = 1`)],
)
