/** What a station can do, from what it says and what is known of its model. */
import type { Capability, OfflineFallback, ReadBackKind } from '#domain/capability.ts'
import type { Resource } from '#domain/resource.ts'
import type { ProfileForm } from './forms.ts'
import type { OcppVersion } from './frames.ts'
import type { Make, QuirkProfile } from './quirks.ts'
import { grainOf, type RateUnit, ratingWithin } from './wire.ts'

/** As told by configuration keys (1.6) or the device model (2.x); null: not told. */
export type Abilities = {
  readonly units: readonly RateUnit[]
  readonly stackLevelMax: number | null
  readonly periodsMax: number | null
  readonly profilesMax: number | null
  readonly phaseSwitching: boolean
  readonly smartCharging: boolean | null
  readonly connectors: number | null
  /** Least seconds between two updates of persistent profiles of one purpose. */
  readonly updateEverySeconds: number | null
  /** 2.1: profiles of a transaction go to flash, too. */
  readonly persistsTxProfiles: boolean
  readonly dynamic: boolean
  readonly maxOfflineDuration: boolean
  /** Takes setpoints with a sign for cars that give power back. */
  readonly centralSetpoint: boolean
  /** Profiles up to this id belong to other systems. */
  readonly externalIdMax: number
}

export const NO_ABILITIES: Abilities = {
  units: [],
  stackLevelMax: null,
  periodsMax: null,
  profilesMax: null,
  phaseSwitching: false,
  smartCharging: null,
  connectors: null,
  updateEverySeconds: null,
  persistsTxProfiles: false,
  dynamic: false,
  maxOfflineDuration: false,
  centralSetpoint: false,
  externalIdMax: 0,
}

/** In which form a station gets its limits as long as it obeys them. */
export function preferredForm(abilities: Abilities, quirks: QuirkProfile | null): ProfileForm {
  return {
    purpose: quirks?.purpose ?? 'TxProfile',
    kind: quirks?.kind ?? (abilities.dynamic ? 'Dynamic' : 'Absolute'),
    unit: quirks?.unit ?? abilities.units[0] ?? 'A',
    stackLevel: quirks?.stackLevel ?? (abilities.stackLevelMax === 0 ? 0 : 1),
  }
}

/** What the set-up of a station came to. */
export type Findings = {
  readonly version: OcppVersion
  readonly make: Make
  readonly abilities: Abilities
  readonly quirks: QuirkProfile | null
  readonly form: ProfileForm
  readonly readBack: ReadBackKind
  readonly meterIntervalSeconds: number | null
  readonly signs: boolean
  /** Connectors whose default profile was taken. */
  readonly defaults: ReadonlySet<number>
  readonly stationMax: boolean
}

export function capabilityOf(findings: Findings, resource: Resource): Capability {
  const { version, make, abilities, quirks, form } = findings
  const rating = ratingWithin(resource.rating, quirks?.largestLimitA)
  const connectorId =
    resource.connection.protocol === 'ocpp' ? resource.connection.connectorId : null
  const hasDefault = connectorId !== null && findings.defaults.has(connectorId)
  return {
    protocol: version,
    make: make.vendor,
    model: make.model,
    firmware: make.firmware,
    quirks: quirks?.name ?? null,
    unit: form.unit,
    phases: rating.phases,
    ...grainOf(rating, form.unit),
    stackLevelMax: abilities.stackLevelMax,
    periodsMax: abilities.periodsMax,
    purposes: purposesOf(findings, hasDefault),
    kinds: kindsOf(findings),
    pauses: rating.pausable ? (quirks?.pauses ?? null) : false,
    resumes: quirks?.resumes ?? null,
    readBack: findings.readBack,
    meterIntervalSeconds: findings.meterIntervalSeconds,
    signs: findings.signs,
    v2x: abilities.centralSetpoint && rating.exportMaxW > 0,
    dynamic: abilities.dynamic,
    offlineFallback: offlineFallback(findings, hasDefault),
    updateEverySeconds: abilities.updateEverySeconds,
  }
}

/** What it took or is known to take; a TxProfile can only be tried on a car. */
function purposesOf(
  { quirks, stationMax, version }: Findings,
  hasDefault: boolean,
): readonly string[] {
  const max = version === 'ocpp1.6' ? 'ChargePointMaxProfile' : 'ChargingStationMaxProfile'
  return [
    ...(quirks?.purpose === 'TxDefaultProfile' ? [] : ['TxProfile']),
    ...(hasDefault ? ['TxDefaultProfile'] : []),
    ...(stationMax ? [max] : []),
  ]
}

function kindsOf({ abilities, quirks }: Findings): readonly string[] {
  if (quirks?.kind !== undefined) return [quirks.kind]
  return abilities.dynamic ? ['Dynamic', 'Absolute', 'Relative'] : ['Absolute', 'Relative']
}

function offlineFallback({ abilities, form }: Findings, hasDefault: boolean): OfflineFallback {
  if (!hasDefault) return 'unlimited'
  return form.kind === 'Dynamic' && abilities.maxOfflineDuration ? 'default' : 'expires'
}
