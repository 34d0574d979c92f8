import type { ArmedDroop, FrequencySample } from '#domain/frequency-response.ts'
import { type Instant, instant, type TimeWindow } from '#domain/time.ts'
import { type Argument, type BatterySession, Refused } from './battery-session.ts'
import type { FrequencyMethods, Product } from './product.ts'
import { powerFromProduct, refusalOf } from './wire.ts'

/** One answer holds this much at most, whatever the battery keeps: some 45 kB. */
const RECORDING_SLICE_MS = 30 * 60_000

/**
 * Arms a droop curve on a battery until its end, or takes it back (null). Answers why the battery
 * turned it down; null: accepted.
 * @throws Refused where the battery answers no frequency
 */
export async function callDroop(
  session: BatterySession,
  product: Product,
  armed: ArmedDroop | null,
  sequence: number,
): Promise<string | null> {
  const methods = methodsOf(session, product)
  const number: Argument = { type: 'UInt32', value: sequence }
  if (armed === null) return refusalOf(await session.call(methods.disarm, [number]))
  const { droop, reservedW, validUntil } = armed
  const double = (value: number): Argument => ({ type: 'Double', value })
  const args = [
    double(droop.deadBandOverMilliHz / 1000),
    double(droop.deadBandUnderMilliHz / 1000),
    double(droop.droopOverBp / 10_000),
    double(droop.droopUnderBp / 10_000),
    double(droop.responseMs / 1000),
    double(droop.nominalMilliHz / 1000),
    double(reservedW),
    { type: 'DateTime', value: new Date(validUntil) } as const,
    number,
  ]
  return refusalOf(await session.call(methods.arm, args))
}

/** What a battery recorded itself, oldest first. @throws Refused, RangeError */
export async function readRecording(
  session: BatterySession,
  product: Product,
  { start, end }: TimeWindow,
): Promise<FrequencySample[]> {
  const { recording } = methodsOf(session, product)
  const samples: FrequencySample[] = []
  for (let from: number = start; from <= end; from += RECORDING_SLICE_MS) {
    const until = Math.min(end, from + RECORDING_SLICE_MS - 1)
    const answer = await session.call(recording, [
      { type: 'DateTime', value: new Date(from) },
      { type: 'DateTime', value: new Date(until) },
    ])
    samples.push(...samplesFrom(product, answer, { start: instant(from), end: instant(until) }))
  }
  return samples
}

/** @throws RangeError for anything but triples of finite numbers within the time asked for */
export function samplesFrom(
  product: Product,
  value: unknown,
  { start, end }: TimeWindow,
): FrequencySample[] {
  const numbers = value instanceof Float64Array ? [...value] : value
  const isList = Array.isArray(numbers) && numbers.every((entry) => Number.isFinite(entry))
  if (!isList || numbers.length % 3 !== 0) {
    throw new RangeError(`recording: expected triples of finite numbers, got ${describe(value)}`)
  }
  const samples: FrequencySample[] = []
  for (let i = 0; i < numbers.length; i += 3) {
    const [stamp, hertz, power] = numbers.slice(i, i + 3) as [number, number, number]
    const at: Instant = instant(Math.round(stamp))
    if (at < start || at > end) {
      throw new RangeError(`recording: expected ${start} to ${end}, got a sample of ${at}`)
    }
    const frequencyMilliHz = Math.round(hertz * 1000)
    samples.push({ at, frequencyMilliHz, powerW: powerFromProduct(product, power) })
  }
  return samples
}

function describe(value: unknown): string {
  return Array.isArray(value) || value instanceof Float64Array
    ? `${value.length} entries`
    : typeof value
}

function methodsOf(session: BatterySession, { frequency, title }: Product): FrequencyMethods {
  const isThere =
    frequency !== undefined && Object.values(frequency).every((name) => session.hasMethod(name))
  if (!isThere) throw new Refused(`this ${title} answers no frequency`)
  return frequency
}
