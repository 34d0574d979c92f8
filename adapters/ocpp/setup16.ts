/** Setting up an OCPP 1.6 charge point: configuration keys. */
import { type Abilities, NO_ABILITIES } from './abilities.ts'
import { objects, optionalText } from './read.ts'
import { ask, callQuietly, wholeNumber } from './session-rules.ts'
import type { MeterFindings, MeterPlan, SetUpDialect } from './set-up.ts'
import type { SessionContext } from './station.ts'
import { rateUnitsOf } from './wire.ts'

/** No list of measurands is ever among them: some firmware restarts when one is read (ABB). */
const ESSENTIAL_KEYS = [
  'ChargingScheduleAllowedChargingRateUnit',
  'ChargeProfileMaxStackLevel',
] as const
const FURTHER_KEYS = [
  'ChargingScheduleMaxPeriods',
  'MaxChargingProfilesInstalled',
  'ConnectorSwitch3to1PhaseSupported',
  'SupportedFeatureProfiles',
  'NumberOfConnectors',
] as const
/** Of the S.A.F.E. initiative: only where a station knows them does it sign. */
const SIGNING: Readonly<Record<string, string>> = {
  StopTransactionSignatureFormat: 'MR',
  StopTransactionSignatureContexts: 'Transaction.Begin,Transaction.End',
  MeterValuesSignatureContexts: 'Sample.Clock',
}

export function setUpDialect16(context: SessionContext): SetUpDialect {
  let told = new Map<string, string>()
  return {
    title: 'OCPP 1.6',
    async readAbilities() {
      told = await readKeys(context)
      return abilitiesOf(told)
    },
    configureMeter: (plan) => configureMeter(context, plan, told),
  }
}

/** All at once; in two parts where a station takes few keys only (GetConfigurationMaxKeys). */
async function readKeys(context: SessionContext): Promise<Map<string, string>> {
  const essential = await configuration(context, ESSENTIAL_KEYS, 'fatal')
  const further = await configuration(context, [...FURTHER_KEYS, ...Object.keys(SIGNING)])
  return new Map([...further, ...essential])
}

function abilitiesOf(told: ReadonlyMap<string, string>): Abilities {
  const count = (key: string) => wholeNumber(told.get(key))
  const features = told.get('SupportedFeatureProfiles')
  return {
    ...NO_ABILITIES,
    units: rateUnitsOf(told.get('ChargingScheduleAllowedChargingRateUnit') ?? null),
    stackLevelMax: count('ChargeProfileMaxStackLevel'),
    periodsMax: count('ChargingScheduleMaxPeriods'),
    profilesMax: count('MaxChargingProfilesInstalled'),
    phaseSwitching: told.get('ConnectorSwitch3to1PhaseSupported')?.toLowerCase() === 'true',
    smartCharging: features === undefined ? null : /smart ?charging/i.test(features),
    connectors: count('NumberOfConnectors'),
  }
}

async function configureMeter(
  context: SessionContext,
  plan: MeterPlan,
  told: ReadonlyMap<string, string>,
): Promise<MeterFindings> {
  const { alignedSeconds, sampledSeconds, measurands } = plan
  const aligned = await configure(context, 'ClockAlignedDataInterval', String(alignedSeconds))
  let taken: readonly string[] | null = null
  if (aligned) taken = await configureMeasurands(context, 'MeterValuesAlignedData', measurands)
  if (!aligned || sampledSeconds !== null) {
    const interval = String(sampledSeconds ?? alignedSeconds)
    await configure(context, 'MeterValueSampleInterval', interval)
    const sampled = await configureMeasurands(context, 'MeterValuesSampledData', measurands)
    taken ??= sampled
  }
  let signs = false
  for (const [key, value] of Object.entries(SIGNING)) {
    if (!told.has(key)) continue
    const isTaken = told.get(key) === value || (await configure(context, key, value))
    if (isTaken) signs = true
  }
  return { aligned, measurands: taken, signs }
}

/** Written and never read back. */
async function configureMeasurands(
  context: SessionContext,
  key: string,
  lists: MeterPlan['measurands'],
): Promise<readonly string[] | null> {
  for (const list of lists) {
    if (await configure(context, key, list.join(','))) return list
  }
  return null
}

async function configure(context: SessionContext, key: string, value: string): Promise<boolean> {
  const status = await ask(context, 'ChangeConfiguration', { key, value })
  if (status === 'Accepted' || status === 'RebootRequired') return true
  const { identity } = context.station
  context.log.warn('a configuration key was refused', { identity, key, status })
  return false
}

async function configuration(
  context: SessionContext,
  key: readonly string[],
  silence: 'tolerated' | 'fatal' = 'tolerated',
): Promise<Map<string, string>> {
  const answer = await callQuietly(context, 'GetConfiguration', { key: [...key] }, silence)
  const known = new Map<string, string>()
  for (const entry of objects(answer ?? {}, 'configurationKey')) {
    const value = optionalText(entry, 'value') ?? ''
    known.set(optionalText(entry, 'key') ?? '', value)
  }
  return known
}
