/** Setting up a station after it has booted: the same steps for every version. */
import type { Capability, ReadBackKind } from '#domain/capability.ts'
import { type Abilities, capabilityOf, type Findings, preferredForm } from './abilities.ts'
import { COMPOSITE_DURATION_S } from './default-profiles.ts'
import { DomainError } from '#domain/errors.ts'
import type { FlashLedger } from './flash-ledger.ts'
import { connectorOf, type ProfileDialect } from './profile-calls.ts'
import type { ProfileControl } from './profile-control.ts'
import { type Make, type QuirkProfile, quirksOf } from './quirks.ts'
import { compositeOf } from './read-back.ts'
import { ALIGNED_MEASURANDS, ask, callQuietly } from './session-rules.ts'
import type { SessionContext, SetUp } from './station.ts'

/** What the versions ask and configure differently. */
export type SetUpDialect = {
  readonly title: string
  /** The first question: a station that does not even refuse it is not there. */
  readonly readAbilities: () => Promise<Abilities>
  readonly configureMeter: (plan: MeterPlan) => Promise<MeterFindings>
}

export type MeterPlan = {
  /** On the clock's raster: what is settled on. */
  readonly alignedSeconds: number
  /** In between, where the raster is too coarse to steer by; null: it is fine enough. */
  readonly sampledSeconds: number | null
  /** The first list that is taken holds. */
  readonly measurands: readonly (readonly string[])[]
}

export type MeterFindings = {
  readonly aligned: boolean
  /** The list that was taken; null: none. */
  readonly measurands: readonly string[] | null
  readonly signs: boolean
}

/** A raster coarser than this is not enough to see whether a setpoint is obeyed. */
const STEERING_SECONDS_MAX = 60
const SAMPLED_SECONDS = 30
/** Without its state of charge nobody knows what a car may give back. */
const EXPORT_MEASURANDS = ['Power.Active.Export', 'Energy.Active.Export.Register', 'SoC'] as const
const BOOT_DEADLINE_MS = 2_000

/** Abilities, meter values, old profiles away, the default under everything. */
export async function setUpStation(
  context: SessionContext,
  profiles: ProfileControl,
  dialects: { readonly profile: ProfileDialect; readonly setUp: SetUpDialect },
): Promise<SetUp> {
  const { station, setUpDeadlineMs, meteringIntervalSeconds } = context
  await learnMake(context)
  const make = makeOf(station.boot)
  const abilities = await dialects.setUp.readAbilities()
  const quirks = quirksOf(make)
  const form = preferredForm(abilities, quirks)
  station.ledger.numberAbove(abilities.externalIdMax)
  station.ledger.flash.pace(abilities.updateEverySeconds)
  const plan = meterPlan(context, quirks)
  const meter = await dialects.setUp.configureMeter(plan)
  // Where only a resource was added, what others left is gone already, and forms are known.
  const isKnown = station.setUp?.boot === station.boot && station.setUp.version === context.version
  if (!isKnown) {
    // Another firmware may pause what the last one did not.
    for (const [connectorId, { pauses, ...seen }] of station.pauses) {
      if (pauses === false) station.pauses.set(connectorId, seen)
    }
    station.ledger.beginForms({ preferred: form, units: abilities.units })
    await profiles.clearForeign(abilities.stackLevelMax, form, setUpDeadlineMs)
  }
  const readBack = await readBackKind(context, dialects.profile, { quirks, meter, form })
  const stationMax =
    quirks?.stationMax !== false && abilities.connectors === station.resources.size
      ? await profiles.installStationMax(form, setUpDeadlineMs)
      : 'refused'
  const defaults = new Set<number>()
  const later = new Set<number>()
  for (const [connectorId, resource] of station.resources) {
    const written = await profiles.installDefault(resource, { form, quirks }, setUpDeadlineMs)
    if (written === 'taken') defaults.add(connectorId)
    if (written === 'later') later.add(connectorId)
  }
  const findings: Findings = {
    version: context.version,
    make,
    abilities,
    quirks,
    form,
    readBack,
    meterIntervalSeconds: meter.aligned
      ? plan.alignedSeconds
      : (plan.sampledSeconds ?? meteringIntervalSeconds),
    signs: meter.signs,
    defaults: new Set([...defaults, ...later]),
    // Later: it was written a moment ago, and nobody clears it.
    stationMax: stationMax !== 'refused',
  }
  return {
    ...findings,
    later,
    alignedValues: meter.aligned,
    isSteeredBySamples: plan.sampledSeconds !== null,
    detail: detailOf(dialects.setUp.title, findings, meter.aligned, station.resources.size),
    capability: (resource) => ({
      ...capabilityOf(findings, resource),
      ...station.pauses.get(connectorOf(resource)),
      ...flashWrites(station.ledger.flash),
    }),
  }
}

function flashWrites(flash: FlashLedger): Pick<Capability, 'flashWrites'> {
  const writes = flash.writes()
  return writes.length === 0 ? {} : { flashWrites: writes }
}

function detailOf(title: string, findings: Findings, aligned: boolean, resources: number): string {
  const { form, defaults, quirks, abilities, version } = findings
  const details = [`${title}, limits in ${form.unit}`]
  for (let i = defaults.size; i < resources; i += 1) details.push('no default profile accepted')
  if (!aligned) details.push('no clock-aligned meter values')
  if (abilities.smartCharging === false) details.push('says that it has no smart charging')
  if (quirks !== null) details.push(`known as ${quirks.name}`)
  if (quirks?.version !== undefined && quirks.version !== version) {
    details.push(`works with OCPP ${quirks.version.slice('ocpp'.length)} only`)
  }
  return details.join(', ')
}

/** Stations need not boot to connect: after a restart of this service nobody says who he is. */
async function learnMake(context: SessionContext): Promise<void> {
  const { station, timer } = context
  if (station.boot !== null) return
  const payload = { requestedMessage: 'BootNotification' }
  if ((await ask(context, 'TriggerMessage', payload)) !== 'Accepted') return
  try {
    await timer.deadline(station.booted.promise, BOOT_DEADLINE_MS, 'a BootNotification')
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'unavailable')) throw error
  }
}

/** The fingerprint that the sessions write: vendor, model, serial number, firmware. */
function makeOf(boot: string | null): Make {
  const told: unknown = boot === null ? [] : JSON.parse(boot)
  const fields = Array.isArray(told) ? told : []
  const [vendor, model, , firmware] = fields.map((one) => (typeof one === 'string' ? one : null))
  return { vendor: vendor ?? null, model: model ?? null, firmware: firmware ?? null }
}

function meterPlan(context: SessionContext, quirks: QuirkProfile | null): MeterPlan {
  const least = quirks?.meterIntervalSeconds ?? 0
  const alignedSeconds = Math.max(context.meteringIntervalSeconds, least)
  const gives = [...context.station.resources.values()].some(({ rating }) => rating.exportMaxW > 0)
  const wished = [...ALIGNED_MEASURANDS, ...(gives ? EXPORT_MEASURANDS : [])]
  const known = quirks?.measurands
  // Without the offered current where a station refuses the longer list (EVBox).
  const shorter = wished.filter((one) => one !== 'Current.Offered')
  return {
    alignedSeconds,
    sampledSeconds: alignedSeconds > STEERING_SECONDS_MAX ? Math.max(SAMPLED_SECONDS, least) : null,
    measurands: known === undefined ? [wished, shorter] : [known],
  }
}

/** A question that every version has, and that no model is known to break on. */
async function readBackKind(
  context: SessionContext,
  dialect: ProfileDialect,
  { quirks, meter, form }: Pick<Findings, 'quirks' | 'form'> & { readonly meter: MeterFindings },
): Promise<ReadBackKind> {
  if (quirks?.readBack !== undefined) return quirks.readBack
  const [first] = context.station.resources
  if (first === undefined) return 'none'
  const [connectorId, resource] = first
  const payload = dialect.compositeSchedule(connectorId, form.unit, COMPOSITE_DURATION_S)
  const answer = await callQuietly(context, 'GetCompositeSchedule', payload)
  if (answer !== null && compositeOf(dialect, answer, resource).kind !== 'unknown') {
    return 'composite'
  }
  return meter.measurands?.includes('Current.Offered') === true ? 'offered' : 'none'
}
