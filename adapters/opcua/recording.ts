import { type Instant, instant, type TimeWindow } from '#domain/time.ts'
import { type BatterySession, Refused } from './battery-session.ts'
import type { CurveMethods } from './product.ts'

/** One answer holds this much at most, whatever the battery keeps: some 58 kB. */
const RECORDING_SLICE_MS = 30 * 60_000

/** What a battery wrote down at an instant, as it stands on the wire. */
type Row = { readonly at: Instant; readonly values: readonly number[] }

/**
 * What a battery recorded itself, oldest first, in rows of so many numbers of which the first one
 * is the instant. @throws Refused, RangeError
 */
export async function readRows(
  session: BatterySession,
  method: string,
  { start, end }: TimeWindow,
  width: number,
): Promise<Row[]> {
  const rows: Row[] = []
  for (let from: number = start; from <= end; from += RECORDING_SLICE_MS) {
    const until = Math.min(end, from + RECORDING_SLICE_MS - 1)
    const answer = await session.call(method, [
      { type: 'DateTime', value: new Date(from) },
      { type: 'DateTime', value: new Date(until) },
    ])
    rows.push(...rowsFrom(answer, { start: instant(from), end: instant(until) }, width))
  }
  return rows
}

/** @throws RangeError for anything but rows of finite numbers within the time asked for */
export function rowsFrom(value: unknown, { start, end }: TimeWindow, width: number): Row[] {
  const numbers: unknown = value instanceof Float64Array ? [...value] : value
  const isList = Array.isArray(numbers) && numbers.every((entry) => Number.isFinite(entry))
  if (!isList || numbers.length % width !== 0) {
    const got = describe(value)
    throw new RangeError(`recording: expected rows of ${width} finite numbers, got ${got}`)
  }
  const rows: Row[] = []
  for (let i = 0; i < numbers.length; i += width) {
    const [stamp, ...values] = numbers.slice(i, i + width) as [number, ...number[]]
    const at = instant(Math.round(stamp))
    if (at < start || at > end) {
      throw new RangeError(`recording: expected ${start} to ${end}, got a sample of ${at}`)
    }
    rows.push({ at, values })
  }
  return rows
}

function describe(value: unknown): string {
  return Array.isArray(value) || value instanceof Float64Array
    ? `${value.length} entries`
    : typeof value
}

/** @throws Refused where the battery has not all of them */
export function methodsThere(
  session: BatterySession,
  methods: CurveMethods | undefined,
  otherwise: string,
): CurveMethods {
  const isThere =
    methods !== undefined && Object.values(methods).every((name) => session.hasMethod(name))
  if (!isThere) throw new Refused(otherwise)
  return methods
}
