/** Setting up an OCPP 2.0.1 or 2.1 charging station after it has booted. */
import type * as Ocpp201 from 'typed-ocpp/dist/ocpp20/types.js'
import type { Payload } from './frames.ts'
import type { ProfileControl } from './profile-control.ts'
import { objects, optionalObject, optionalText } from './read.ts'
import { ALIGNED_MEASURANDS, callQuietly, wholeNumber } from './session-rules.ts'
import type { SessionContext, SetUp } from './station.ts'
import { rateUnitOf } from './wire.ts'

/** Units, meter values, old profiles away, the default under everything. */
export async function setUp201(context: SessionContext, profiles: ProfileControl): Promise<SetUp> {
  const { station } = context
  const told = await variables(context, ['RateUnit', 'ProfileStackLevel'])
  const unit = rateUnitOf(told.get('RateUnit') ?? null) ?? 'A'
  const levelMax = wholeNumber(told.get('ProfileStackLevel'))
  const stackLevel = levelMax === 0 ? 0 : 1
  const style = { unit, stackLevel } as const
  const aligned = await configureMeter(context)
  await profiles.clearForeign(levelMax, style, context.setUpDeadlineMs)
  const details = [`OCPP ${context.version.slice('ocpp'.length)}, limits in ${unit}`]
  for (const resource of station.resources.values()) {
    const accepted = await profiles.installDefault(resource, style, context.setUpDeadlineMs)
    if (!accepted) details.push('no default profile accepted')
  }
  if (!aligned) details.push('no clock-aligned meter values')
  return {
    version: context.version,
    style,
    alignedValues: aligned,
    detail: details.join(', '),
  }
}

async function configureMeter(context: SessionContext): Promise<boolean> {
  const interval = String(context.meteringIntervalSeconds)
  if (await configure(context, 'AlignedDataCtrlr', 'Interval', interval)) {
    await configureMeasurands(context, 'AlignedDataCtrlr', 'Measurands')
    return true
  }
  await configure(context, 'SampledDataCtrlr', 'TxUpdatedInterval', interval)
  await configureMeasurands(context, 'SampledDataCtrlr', 'TxUpdatedMeasurands')
  return false
}

async function configureMeasurands(
  context: SessionContext,
  component: string,
  variable: string,
): Promise<void> {
  if (await configure(context, component, variable, ALIGNED_MEASURANDS.join(','))) return
  await configure(context, component, variable, ALIGNED_MEASURANDS.slice(0, 2).join(','))
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

/** Variables of SmartChargingCtrlr. */
async function variables(
  context: SessionContext,
  names: readonly string[],
): Promise<Map<string, string>> {
  const request: Ocpp201.GetVariablesRequest = {
    getVariableData: names.map((name) => ({
      component: { name: 'SmartChargingCtrlr' },
      variable: { name },
    })) as Ocpp201.GetVariablesRequest['getVariableData'],
  }
  // The first question: a station that does not even refuse it is not there.
  const answer = await callQuietly(context, 'GetVariables', { ...request }, 'fatal')
  const known = new Map<string, string>()
  for (const result of objects(answer ?? {}, 'getVariableResult')) {
    const value = optionalText(result, 'attributeValue')
    const variable: Payload = optionalObject(result, 'variable') ?? {}
    if (value !== null) known.set(optionalText(variable, 'name') ?? '', value)
  }
  return known
}
