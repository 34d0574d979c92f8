import type { Resource } from '../api.ts'
import { formatClock, formatPower, formatTime } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'

type Setpoint = NonNullable<Resource['setpoint']>
type Capability = NonNullable<Resource['capability']>

/** A link that is not there after so long is missing, and not only on its way. */
const LATE_MS = 120_000

const OFFLINE: Readonly<Record<Capability['offlineFallback'], string>> = {
  expires: 'offline: its setpoint ends by itself',
  default: 'offline: falls back to its default at once',
  unlimited: 'offline: knows no limit',
  unknown: 'offline: not known',
}

/** What a device said it is, what others do to it, and how far its newest setpoint has come. */
export function DeviceTruth({ resource }: { resource: Resource }) {
  const { capability, condition, setpoint } = resource
  if (capability === null && condition === null && setpoint === null) return null
  return (
    <p class="truth">
      {capability !== null && <span class="quiet below">{describe(capability)}</span>}
      {condition?.externalLimitW != null && (
        <span class="warning below">
          <span aria-hidden="true">▲ </span>
          Limited to {formatPower(condition.externalLimitW)} by{' '}
          {condition.externalSource ?? 'somebody else'}
        </span>
      )}
      {condition?.overrideSince != null && (
        <span class="warning below">
          <span aria-hidden="true">▲ </span>
          Its driver has asked for full power since{' '}
          {formatClock(condition.overrideSince, zone.value)}
        </span>
      )}
      {setpoint !== null && <Chain setpoint={setpoint} />}
    </p>
  )
}

function describe(capability: Capability): string {
  const { make, model, firmware, quirks, offlineFallback } = capability
  const name = [make, model].filter(Boolean).join(' ') || 'Make and model not told'
  const parts = [
    firmware === null ? name : `${name}, firmware ${firmware}`,
    ...(quirks === null ? [] : [`known deviations: ${quirks}`]),
    OFFLINE[offlineFallback],
  ]
  return parts.join('; ')
}

/** Ordered, acknowledged, effective, metered: one plain line that names the link that is missing. */
function Chain({ setpoint }: { setpoint: Setpoint }) {
  const { ordered, refusal, missing } = setpoint
  const isLate = (businessNow.value ?? 0) - Date.parse(ordered.at) > LATE_MS
  const isBroken = refusal !== null || (missing.includes('observed') && isLate)
  return (
    <span class={`below ${isBroken ? 'warning' : 'quiet'}`}>
      {isBroken && <span aria-hidden="true">▲ </span>}
      {chainWords(setpoint, zone.value).join(' → ')}
    </span>
  )
}

/** The links of a chain in words, in order, with the time at which each came. */
export function chainWords(setpoint: Setpoint, timeZone: string): string[] {
  const { ordered, acknowledged, effective, observed, refusal } = setpoint
  const power = (powerW: number | null) =>
    powerW === null ? 'its own default' : formatPower(powerW)
  const time = (at: string) => formatTime(at, timeZone)
  const first = `Told ${power(ordered.powerW)} at ${time(ordered.at)}`
  if (acknowledged === null) {
    return [first, refusal === null ? 'not acknowledged yet' : `refused: ${refusal}`]
  }
  const { strategy } = acknowledged
  const form = strategy === null ? '' : ` as ${strategy}`
  return [
    first,
    `acknowledged at ${time(acknowledged.at)}${form}`,
    effective === null
      ? 'not read back'
      : effective.at === null
        ? `says ${power(effective.powerW)} instead`
        : `in force at ${time(effective.at)}`,
    observed === null
      ? 'not seen by its meter yet'
      : `metered ${formatPower(observed.powerW)} at ${time(observed.at)}`,
  ]
}
