import type { Limits, Resource } from '../api.ts'
import { formatClock } from '../format.ts'

/** Who leads a device at this moment, for its owner. */
export function leadsIt(
  { lease, consent, chargeNow }: Limits,
  zone: string,
  kind: Resource['kind'],
): string {
  switch (lease.holder) {
    case 'emergency-stop':
      return 'An emergency stop has ended all control: it runs as usual.'
    case 'owner':
      if (consent.withdrawnBy === 'aggregator') {
        return 'Your aggregator has withdrawn the consent: nobody tells it anything.'
      }
      return consent.withdrawnAt !== null || chargeNow === null
        ? 'You have withdrawn your consent: nobody tells it anything.'
        : takenBack(kind, formatClock(chargeNow.until, zone))
    case 'driver':
      return 'Its driver asked for full power, and has it.'
    case 'elsewhere':
      return 'Somebody else steers it at the moment.'
    case 'call':
      return 'It helps the grid at the moment.'
    case 'nobody':
      return 'It runs as usual.'
  }
}

function takenBack(kind: Resource['kind'], until: string): string {
  return kind === 'battery'
    ? `It is kept for you until ${until}, as you wish.`
    : `It has full power until ${until}, as you wish.`
}

/** `06:30` of a minute of the day. */
export function clockOf(minuteOfDay: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minuteOfDay / 60))}:${two(minuteOfDay % 60)}`
}

/** The minute of the day that a clock shows; null: none. */
export function minuteOf(text: string): number | null {
  const found = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim())
  return found === null ? null : Number(found[1]) * 60 + Number(found[2])
}

/** Thousandths of what was typed, such as Wh of kWh; null: no such figure. */
export function thousandthsOf(text: string): number | null {
  const found = /^(\d{1,4})(?:[.,](\d{1,3}))?$/.exec(text.trim())
  if (found === null) return null
  return Number(found[1]) * 1000 + Number((found[2] ?? '').padEnd(3, '0'))
}
