/** Setting up an OCPP 2.0.1 or 2.1 charging station: variables of its device model. */
import type * as Ocpp201 from 'typed-ocpp/dist/ocpp20/types.js'
import { type Abilities, NO_ABILITIES } from './abilities.ts'
import { objects, optionalObject, optionalText } from './read.ts'
import { callQuietly, wholeNumber } from './session-rules.ts'
import type { MeterFindings, MeterPlan, SetUpDialect } from './set-up.ts'
import type { SessionContext } from './station.ts'
import { rateUnitsOf } from './wire.ts'

type Variable = {
  readonly component: string
  readonly name: string
  readonly instance?: string
  readonly evseId?: number
}

const smart = (name: string, instance?: string): Variable => ({
  component: 'SmartChargingCtrlr',
  name,
  ...(instance === undefined ? {} : { instance }),
})
const ESSENTIAL = [smart('RateUnit'), smart('ProfileStackLevel')]
const FURTHER = [
  smart('Available'),
  smart('PeriodsPerSchedule'),
  smart('Entries', 'ChargingProfiles'),
  smart('Phases3to1'),
]
const V2X_ENABLED: Variable = { component: 'V2XChargingCtrlr', name: 'Enabled' }
const V2X_MODES: Variable = { component: 'V2XChargingCtrlr', name: 'SupportedOperationModes' }
const FURTHER_21 = [
  smart('UpdateRateLimit'),
  smart('MaxExternalConstraintsId'),
  smart('ChargingProfilePersistence', 'TxProfile'),
  smart('SupportsFeature', 'DynamicProfiles'),
  smart('SupportsFeature', 'MaxOfflineDuration'),
  V2X_ENABLED,
  V2X_MODES,
]
/** Stations limit how many they tell at once (ItemsPerMessageGetVariables). */
const ASKED_AT_ONCE = 4

export function setUpDialect2x(context: SessionContext): SetUpDialect {
  return {
    title: `OCPP ${context.version.slice('ocpp'.length)}`,
    readAbilities: () => readAbilities(context),
    configureMeter: (plan) => configureMeter(context, plan),
  }
}

async function readAbilities(context: SessionContext): Promise<Abilities> {
  const told = await variables(context, ESSENTIAL, 'fatal')
  const is21 = context.version === 'ocpp2.1'
  const next: Variable = {
    component: 'EVSE',
    name: 'AvailabilityState',
    evseId: context.station.resources.size + 1,
  }
  const further = [...FURTHER, next, ...(is21 ? FURTHER_21 : [])]
  for (let i = 0; i < further.length; i += ASKED_AT_ONCE) {
    const some = await variables(context, further.slice(i, i + ASKED_AT_ONCE))
    for (const [key, value] of some) told.set(key, value)
  }
  const value = (variable: Variable) => told.get(keyOf(variable))?.value
  const count = (variable: Variable) => wholeNumber(value(variable))
  const isTrue = (variable: Variable) => value(variable)?.toLowerCase() === 'true'
  const modes = is21 ? (value(V2X_MODES) ?? '') : ''
  const available = value(smart('Available'))
  return {
    ...NO_ABILITIES,
    units: rateUnitsOf(value(smart('RateUnit')) ?? null),
    stackLevelMax: count(smart('ProfileStackLevel')),
    periodsMax: count(smart('PeriodsPerSchedule')),
    profilesMax: count(smart('Entries', 'ChargingProfiles')),
    phaseSwitching: isTrue(smart('Phases3to1')),
    smartCharging: available === undefined ? null : available.toLowerCase() !== 'false',
    // Nothing behind the last of ours: the station is all ours.
    connectors:
      told.get(keyOf(next))?.status === 'UnknownComponent' ? context.station.resources.size : null,
    ...(is21
      ? {
          updateEverySeconds: count(smart('UpdateRateLimit')),
          persistsTxProfiles: isTrue(smart('ChargingProfilePersistence', 'TxProfile')),
          dynamic: isTrue(smart('SupportsFeature', 'DynamicProfiles')),
          maxOfflineDuration: isTrue(smart('SupportsFeature', 'MaxOfflineDuration')),
          centralSetpoint: isTrue(V2X_ENABLED) && /\bCentralSetpoint\b/.test(modes),
          externalIdMax: count(smart('MaxExternalConstraintsId')) ?? 0,
        }
      : {}),
  }
}

async function configureMeter(context: SessionContext, plan: MeterPlan): Promise<MeterFindings> {
  const { alignedSeconds, sampledSeconds, measurands } = plan
  const aligned = await configure(context, 'AlignedDataCtrlr', 'Interval', String(alignedSeconds))
  let taken: readonly string[] | null = null
  let signs = false
  if (aligned) {
    taken = await configureMeasurands(context, 'AlignedDataCtrlr', 'Measurands', measurands)
    signs = await signReadings(context, 'AlignedDataCtrlr')
  }
  if (!aligned || sampledSeconds !== null) {
    const interval = String(sampledSeconds ?? alignedSeconds)
    await configure(context, 'SampledDataCtrlr', 'TxUpdatedInterval', interval)
    const name = 'TxUpdatedMeasurands'
    const sampled = await configureMeasurands(context, 'SampledDataCtrlr', name, measurands)
    taken ??= sampled
  }
  if (await signReadings(context, 'SampledDataCtrlr')) signs = true
  return { aligned, measurands: taken, signs }
}

/** Asked for only where the station has the variable. */
async function signReadings(context: SessionContext, component: string): Promise<boolean> {
  const variable = { component, name: 'SignReadings' }
  const told = (await variables(context, [variable])).get(keyOf(variable))?.value?.toLowerCase()
  if (told === 'true') return true
  return told === 'false' && (await configure(context, component, 'SignReadings', 'true'))
}

async function configureMeasurands(
  context: SessionContext,
  component: string,
  variable: string,
  lists: MeterPlan['measurands'],
): Promise<readonly string[] | null> {
  for (const list of lists) {
    if (await configure(context, component, variable, list.join(','))) return list
  }
  return null
}

/** One variable per message: a station that knows only some of them then still takes those. */
async function configure(
  context: SessionContext,
  component: string,
  variable: string,
  attributeValue: string,
): Promise<boolean> {
  const request: Ocpp201.SetVariablesRequest = {
    setVariableData: [
      { attributeValue, component: { name: component }, variable: { name: variable } },
    ],
  }
  const answer = await callQuietly(context, 'SetVariables', { ...request })
  const [result] = objects(answer ?? {}, 'setVariableResult')
  const status = result === undefined ? 'no result' : optionalText(result, 'attributeStatus')
  if (status === 'Accepted' || status === 'RebootRequired') return true
  const { identity } = context.station
  context.log.warn('a variable was refused', { identity, component, variable, status })
  return false
}

type Told = { readonly status: string | null; readonly value: string | undefined }

async function variables(
  context: SessionContext,
  asked: readonly Variable[],
  silence: 'tolerated' | 'fatal' = 'tolerated',
): Promise<Map<string, Told>> {
  const getVariableData = asked.map(({ component, name, instance, evseId }) => ({
    component: { name: component, ...(evseId === undefined ? {} : { evse: { id: evseId } }) },
    variable: { name, ...(instance === undefined ? {} : { instance }) },
  }))
  const answer = await callQuietly(context, 'GetVariables', { getVariableData }, silence)
  const known = new Map<string, Told>()
  for (const result of objects(answer ?? {}, 'getVariableResult')) {
    const component = optionalObject(result, 'component') ?? {}
    const variable = optionalObject(result, 'variable') ?? {}
    const instance = optionalText(variable, 'instance')
    const key = keyOf({
      component: optionalText(component, 'name') ?? '',
      name: optionalText(variable, 'name') ?? '',
      ...(instance === null ? {} : { instance }),
    })
    const value = optionalText(result, 'attributeValue') ?? undefined
    known.set(key, { status: optionalText(result, 'attributeStatus'), value })
  }
  return known
}

function keyOf({ component, name, instance }: Variable): string {
  return `${component}.${name}[${instance ?? ''}]`
}
