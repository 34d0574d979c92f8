/** How figures, money and instants are written. Exact: nothing is rounded away. */

const MINOR_DIGITS = 6
const NARROW_SPACE = '\u202f'
const FIXED_SPACE = '\u00a0'

/** Euros of micro-EUR given as a decimal string: sign, whole euros and cents, and what is below. */
export function splitEuros(minor: string): { sign: string; cents: string; rest: string } {
  const value = BigInt(minor)
  const digits = (value < 0n ? -value : value).toString().padStart(MINOR_DIGITS + 1, '0')
  const whole = groupDigits(digits.slice(0, -MINOR_DIGITS))
  const fraction = digits.slice(-MINOR_DIGITS)
  return {
    sign: value < 0n ? '−' : '',
    cents: `€${whole}.${fraction.slice(0, 2)}`,
    rest: fraction.slice(2).replace(/0+$/, ''),
  }
}

/** `€1,234.56`, with more digits only where there is something below the cent. */
export function formatEuros(minor: string): string {
  const { sign, cents, rest } = splitEuros(minor)
  return sign + cents + rest
}

/** Whole cents as SEPA pays them. */
export function formatCents(cents: string): string {
  return formatEuros((BigInt(cents) * 10_000n).toString())
}

export function sumMinor(amounts: readonly string[]): string {
  return amounts.reduce((sum, amount) => sum + BigInt(amount), 0n).toString()
}

/** Parts of a whole in thousandths, for a picture; 0 of nothing. */
export function perMille(part: string, whole: string): number {
  const all = BigInt(whole)
  return all === 0n ? 0 : Number((BigInt(part) * 1000n) / all)
}

/** Whole W or Wh as kW or kWh without loss: 1380 is `1.38`. */
export function formatThousandth(value: number): string {
  const digits = Math.abs(value).toString().padStart(4, '0')
  const fraction = digits.slice(-3).replace(/0{1,2}$/, '')
  return `${value < 0 ? '−' : ''}${groupDigits(digits.slice(0, -3))}.${fraction}`
}

/** kW, below one kW in W. */
export function formatPower(watts: number): string {
  return withUnit(watts, 'W')
}

/** kWh, below one kWh in Wh. */
export function formatEnergy(wattHours: number): string {
  return withUnit(wattHours, 'Wh')
}

function withUnit(value: number, unit: 'W' | 'Wh'): string {
  return Math.abs(value) < 1000
    ? `${formatWatts(value)}${NARROW_SPACE}${unit}`
    : `${formatThousandth(value)}${NARROW_SPACE}k${unit}`
}

/** A price per kWh in micro-EUR. */
export function formatPrice(minorPerKwh: string): string {
  return `${formatEuros(minorPerKwh)} per kWh`
}

/** Whole W or Wh with grouped digits, for tables headed by the unit. */
export function formatWatts(watts: number): string {
  return `${watts < 0 ? '−' : ''}${groupDigits(Math.abs(watts).toString())}`
}

function groupDigits(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `2 d 3 h`, `1 h 05 min`, `4 min 30 s`, `12 s`: two units at most, cut, not rounded. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000)
  const [s, m, h] = [seconds % 60, Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)]
  const parts =
    h >= 48
      ? [Math.floor(h / 24), 'd', h % 24, 'h']
      : h > 0
        ? [h, 'h', pad(m), 'min']
        : m > 0
          ? [m, 'min', pad(s), 's']
          : [s, 's']
  return parts.join(FIXED_SPACE)
}

function pad(value: number): string {
  return value.toString().padStart(2, '0')
}

const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const
const CLOCK = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const DAY = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const

type Moment = string | number

const formats = new Map<string, Intl.DateTimeFormat>()

function format(at: Moment, zone: string, options: Intl.DateTimeFormatOptions): string {
  const key = zone + JSON.stringify(options)
  const known = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone })
  formats.set(key, known)
  return known.format(typeof at === 'string' ? Date.parse(at) : at)
}

/** `17:00`, with seconds where they are not 0. */
export function formatClock(at: Moment, zone: string): string {
  const ms = typeof at === 'string' ? Date.parse(at) : at
  return format(ms, zone, ms % 60_000 === 0 ? CLOCK : TIME)
}

/** `17:00:05` always with seconds, for lists and a running clock. */
export function formatTime(at: Moment, zone: string): string {
  return format(at, zone, TIME)
}

export function formatDay(at: Moment, zone: string): string {
  return format(at, zone, DAY)
}

/** `Wed, 17 Jan 2024, 17:00` */
export function formatMoment(at: Moment, zone: string): string {
  return `${formatDay(at, zone)}, ${formatClock(at, zone)}`
}

/** `Wed, 17 Jan 2024, 17:00–17:30`; a window over midnight names both days. */
export function formatWindow(window: { start: string; end: string }, zone: string): string {
  const [first, last] = [formatDay(window.start, zone), formatDay(window.end, zone)]
  const [from, to] = [formatClock(window.start, zone), formatClock(window.end, zone)]
  return first === last ? `${first}, ${from}–${to}` : `${first}, ${from} – ${last}, ${to}`
}

/** `CET` or `GMT+1`, as the zone calls itself at that instant. */
export function zoneName(at: Moment, zone: string): string {
  const text = format(at, zone, { timeZoneName: 'short', hour: '2-digit', hourCycle: 'h23' })
  return text.replace(/^\d+\s*/, '')
}

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g

/** In a message that names the unit after the last of several amounts. */
const MINOR_AMOUNT = /\b\d+(?=, | micro-EUR)/g

/** A sentence of the service for a reader: instants (UTC) in the zone, micro-EUR in euros. */
export function forReader(sentence: string, zone: string): string {
  return inEuros(inLocalTime(sentence, zone))
}

function inEuros(sentence: string): string {
  if (!sentence.includes(' micro-EUR')) return sentence
  return sentence.replace(MINOR_AMOUNT, formatEuros).replaceAll(' micro-EUR', '')
}

function inLocalTime(sentence: string, zone: string): string {
  let day = ''
  return sentence.replace(INSTANT, (text) => {
    const today = formatDay(text, zone)
    const clock = formatClock(text, zone)
    const told = today === day ? clock : `${today}, ${clock}`
    day = today
    return told
  })
}

/** The two ends of a hash or address; the whole stands beside it for machines. */
export function shortHex(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 8)}…${hex.slice(-4)}`
}
