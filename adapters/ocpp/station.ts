import type { Capability } from '#domain/capability.ts'
import type { Resource } from '#domain/resource.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { Acknowledgement, Clock, DeviceSink, EffectiveSetpoint, Log, Timer } from '#ports.ts'
import type { Findings } from './abilities.ts'
import type { CallRequest } from './call-queue.ts'
import { type Conditions, createConditions } from './conditions.ts'
import type { OcppVersion, Payload } from './frames.ts'
import { createInbox, type Inbox } from './inbox.ts'
import type { Link } from './link.ts'
import { createMeterMemory, type MeterMemory } from './meter-memory.ts'
import { type MeterValue, toReading } from './meter-values.ts'
import type { PauseRecords } from './pause-record.ts'
import { shareAgain } from './limits-elsewhere.ts'
import { ProfileLedger } from './profile-ledger.ts'
import { askForHeartbeat } from './session-rules.ts'
import { createStationClock, type StationClock } from './station-clock.ts'
import { TransactionBook } from './transactions.ts'

/** What is known of one charging station, over all its connections. */
export type Station = {
  readonly identity: string
  /** By connector (1.6) or EVSE (2.x). */
  readonly resources: Map<number, Resource>
  readonly transactions: TransactionBook
  readonly inbox: Inbox
  readonly ledger: ProfileLedger
  readonly conditions: Conditions
  readonly pauses: PauseRecords
  readonly meters: Map<number, MeterMemory>
  readonly stationClock: StationClock
  link: Link | null
  /** The hash of the password that the present connection came with; null: a certificate. */
  passwordSha256: string | null
  session: Session | null
  /** Set up and reported as connected. */
  ready: boolean
  setUp: (SetUp & Pick<Station, 'boot' | 'revision'>) | null
  /** What the last BootNotification told of make and firmware. */
  boot: string | null
  /** Settles with the first BootNotification. */
  readonly booted: PromiseWithResolvers<void>
  /** Counts the changes of its resources. */
  revision: number
}

/** What was found out and configured when a station was set up. */
export type SetUp = Findings & {
  /** Connectors whose default profile may not be written yet. */
  readonly later: Set<number>
  /** False: the station refused clock-aligned values, its periodic ones have to do. */
  readonly alignedValues: boolean
  /** The clock's raster is too coarse to steer by: values by the period are readings, too. */
  readonly isSteeredBySamples: boolean
  readonly detail: string
  readonly capability: (resource: Resource) => Capability
}

/** How one version of OCPP is spoken on one connection. Deadlines are wall time. */
export type Session = {
  /** Answers a CALL of the station. @throws WireError */
  answer(action: string, payload: Payload): Payload
  /** Takes a SEND of the station (2.1). @throws WireError, which is recorded: nobody answers. */
  take?(action: string, payload: Payload): void
  /** Configures the station and clears what others left. @throws DomainError device-unreachable */
  setUp(): Promise<SetUp>
  /** Asks whether a transaction runs, where the station can be asked. */
  learn(connectorId: number): Promise<void>
  /** The form in which it was taken. @throws DomainError device-refused, device-unreachable */
  limit(
    resource: Resource,
    setpoint: DesiredSetpoint,
    powerW: number,
    deadlineMs: number,
  ): Promise<Acknowledgement>
  /** It does not follow a limit of 0: held at its least from now on. null: that is not why. */
  leastInstead(resource: Resource): string | null
  release(resource: Resource, deadlineMs: number): Promise<void>
  readBack(resource: Resource, deadlineMs: number): Promise<EffectiveSetpoint>
  /** What the car does, in the words of the standard: Charging, SuspendedEV, SuspendedEVSE. */
  heardState(connectorId: number, state: string): void
  /** Is there anything to look after? Asked of every station every few seconds. */
  needsTending(): boolean
  /** What has to be looked after from time to time: renewals, and what had to wait. */
  tend(deadlineMs: number): Promise<void>
}

export type SessionContext = {
  readonly version: OcppVersion
  readonly station: Station
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly sink: DeviceSink
  readonly meteringIntervalSeconds: number
  /** Wall time for each question of the set-up. */
  readonly setUpDeadlineMs: number
  readonly call: (request: CallRequest) => Promise<Payload>
  /** Is this still the station's connection? */
  readonly isLive: () => boolean
  readonly onBoot: (fingerprint: string) => void
}

export function createStation(
  identity: string,
  hooks: {
    readonly sink: () => DeviceSink
    readonly transactionBegan: (connectorId: number) => void
  },
): Station {
  const resources = new Map<number, Resource>()
  const conditions = createConditions()
  const transactions: TransactionBook = new TransactionBook({
    isOurs: (connectorId) => resources.has(connectorId),
    changed: ({ connectorId, startedAt, ...rest }) => {
      shareAgain({ resources, transactions, conditions }, hooks.sink())
      const resource = resources.get(connectorId)
      if (resource === undefined || startedAt === null) return
      hooks.sink().session({
        resourceId: resource.id,
        startedAt,
        endedAt: rest.endedAt,
        energyNeededWh: rest.energyNeededWh,
        departureAt: rest.departureAt,
        startRegisterWh: rest.startRegisterWh ?? rest.firstRegisterWh,
      })
    },
    began: ({ connectorId }) => hooks.transactionBegan(connectorId),
  })
  return {
    identity,
    resources,
    transactions,
    inbox: createInbox(),
    ledger: new ProfileLedger(),
    conditions,
    pauses: new Map(),
    meters: new Map(),
    stationClock: createStationClock(),
    link: null,
    passwordSha256: null,
    session: null,
    ready: false,
    setUp: null,
    boot: null,
    booted: Promise.withResolvers<void>(),
    revision: 0,
  }
}

/** Hands readings on the clock's raster to the sink; says why one is left out. */
export function reportMeterValues(
  context: SessionContext,
  connectorId: number,
  values: readonly MeterValue[],
): void {
  const { station, clock, sink, log, meteringIntervalSeconds } = context
  const resource = station.resources.get(connectorId)
  if (resource === undefined) return
  const now = clock.now()
  const meter = station.meters.get(connectorId) ?? createMeterMemory(meteringIntervalSeconds)
  station.meters.set(connectorId, meter)
  for (const value of values) {
    // Told before the reading that it vouches for.
    for (const text of value.signed) sink.signed?.(resource.id, text)
    const at = value.at === null ? null : station.stationClock.judge(value.at, now)
    if (at !== value.at) askForHeartbeat(context)
    if (value.offeredA !== null && at !== null) {
      station.ledger.offered(connectorId, value.offeredA, at)
    }
    if (value.registerWh !== null) {
      station.transactions.metered(connectorId, Math.round(value.registerWh))
    }
    if (value.aligned) meter.aligned(now)
    else if (!takesSamples(station) && !meter.isAllThereIs(now)) continue
    const reading = toReading(resource.id, value.at === at ? value : { ...value, at })
    if (reading === null || reading.at < resource.enrolledAt - YEAR_MS) {
      const isStamp = value.at !== null && value.registerWh !== null
      log.warn('a meter value was left out', {
        identity: station.identity,
        connectorId,
        why: isStamp ? 'its stamp cannot be right' : 'no stamp or no energy register',
      })
      continue
    }
    sink.measured(meter.withPower(reading, resource.rating.exportMaxW > 0))
  }
}

function takesSamples({ setUp }: Station): boolean {
  return setUp !== null && (!setUp.alignedValues || setUp.isSteeredBySamples)
}

/** What was measured so long before the enrolment is of no use, and may be a wrong clock. */
const YEAR_MS = 366 * 86_400_000
