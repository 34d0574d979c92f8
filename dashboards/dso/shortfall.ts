import type { Period, WholeCall } from '../api.ts'
import { formatClock, formatEnergy, formatPower } from '../format.ts'
import { shortW } from '../shared/short-power.ts'

/** The one number a control room looks for: what is missing, of what, and whether that is much. */
export type Shortfall = {
  readonly label: string
  /** null: nothing is known yet. */
  readonly figure: string | null
  readonly of: string
  readonly isAbnormal: boolean
}

/** Below this share of the order a device's noise is not a shortfall. */
const NOTICEABLE = 0.05

export function shortfallOf(call: WholeCall, now: number | null, zone: string): Shortfall {
  if (call.deficientWh !== null && call.deliveredWh !== null) {
    return {
      label: 'Shortfall',
      figure: formatEnergy(call.deficientWh),
      of: `${formatEnergy(call.deliveredWh)} delivered of ${formatEnergy(call.orderedWh)} ordered`,
      isAbnormal: call.deficientWh > call.orderedWh * NOTICEABLE,
    }
  }
  if (call.reserve !== null && call.state === 'dispatched') {
    return standingBy(call, call.reserve, now)
  }
  if (call.state === 'dispatched') return inWindow(call, now, zone)
  const open = call.requestedWh - call.orderedWh
  if (call.state === 'requested') {
    return {
      label: 'Requested',
      figure: formatEnergy(call.requestedWh),
      of: 'offers are being collected',
      isAbnormal: false,
    }
  }
  return {
    label: 'Not covered by offers',
    figure: formatEnergy(Math.max(0, open)),
    of: `${formatEnergy(call.orderedWh)} of ${formatEnergy(call.requestedWh)} requested`,
    isAbnormal: open > 0,
  }
}

/** Of what stands by nothing is missing but in an activation. */
function standingBy(
  { activations }: WholeCall,
  { heldW }: NonNullable<WholeCall['reserve']>,
  now: number | null,
): Shortfall {
  const running = activations.find(({ start, end }) => {
    return now !== null && Date.parse(start) <= now && now < Date.parse(end)
  })
  const isAbnormal = false
  if (running === undefined) {
    return {
      label: 'Standing by',
      figure: formatPower(heldW),
      of: 'none of it activated',
      isAbnormal,
    }
  }
  const { deliveredWh, orderedWh } = running
  return {
    label: 'Delivered of the activation',
    figure: deliveredWh === null ? null : formatEnergy(deliveredWh),
    of: `of ${formatEnergy(orderedWh)} ordered to its end`,
    isAbnormal,
  }
}

function inWindow(call: WholeCall, now: number | null, zone: string): Shortfall {
  const period = periodToShow(call.periods, now)
  const missing = period === undefined ? null : shortW(period)
  const { orderedW = 0, deliveredW = null } = period ?? {}
  return {
    label:
      period === undefined ? 'Shortfall' : `Shortfall since ${formatClock(period.start, zone)}`,
    figure: missing === null ? null : formatPower(missing),
    of:
      deliveredW === null
        ? `${formatPower(orderedW)} ordered, no reading yet`
        : `${formatPower(deliveredW)} delivered of ${formatPower(orderedW)} ordered`,
    isAbnormal: missing !== null && missing > orderedW * NOTICEABLE,
  }
}

/** The newest period with figures; at the window's start the first. */
function periodToShow(periods: readonly Period[], now: number | null): Period | undefined {
  const measured = periods.filter(({ deliveredW }) => deliveredW !== null)
  const begun = measured.filter(({ start }) => now === null || Date.parse(start) <= now)
  return begun.at(-1) ?? periods[0]
}
