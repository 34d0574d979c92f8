import { points, type PointName, type PointType, widths } from './point-map.ts'

/** Where the models of one device lie: address of a model's ID register, and registers after L. */
export type ModelMap = ReadonlyMap<number, { readonly address: number; readonly length: number }>

export type PointValue = number | string | null

/** Reads registers of the device, at most 125 in one request (Modbus application protocol, 6.3). */
export type ReadRegisters = (address: number, count: number) => Promise<readonly number[]>

export const registersPerRead = 125

/**
 * Reads points, each run of neighbours in one request. null: the device has not got the point, or
 * says "not implemented".
 */
export async function readPoints<Name extends PointName>(
  read: ReadRegisters,
  map: ModelMap,
  names: readonly Name[],
): Promise<Record<Name, PointValue>> {
  const values = Object.fromEntries(names.map((name) => [name, null])) as Record<Name, PointValue>
  for (const run of runsOf(map, names)) {
    const { address } = map.get(run.model) as { address: number }
    const words = await read(address + run.from, run.until - run.from)
    for (const name of run.names) {
      const { at, type } = points[name]
      values[name] = decode(type, words.slice(at - run.from, at - run.from + widths[type]))
    }
  }
  return values
}

type Run<Name> = { model: number; from: number; until: number; names: Name[] }

function runsOf<Name extends PointName>(map: ModelMap, names: readonly Name[]): Run<Name>[] {
  const runs: Run<Name>[] = []
  for (const name of [...names].sort((a, b) => points[a].at - points[b].at)) {
    const { model, at, type } = points[name]
    const until = at + widths[type]
    const known = map.get(model)
    if (known === undefined || until > known.length + 2) continue // an older, shorter model
    const run = runs.find((one) => one.model === model && until - one.from <= registersPerRead)
    if (run === undefined) runs.push({ model, from: at, until, names: [name] })
    else Object.assign(run, { until: Math.max(run.until, until), names: [...run.names, name] })
  }
  return runs
}

/** What registers say; null for the value by which each type says "not implemented". */
export function decode(type: PointType, words: readonly number[]): PointValue {
  if (words.length !== widths[type]) {
    throw new RangeError(`expected ${widths[type]} registers of ${type}, got ${words.length}`)
  }
  if (type === 'text16' || type === 'text8') return textOf(words)
  const value = words.reduce((sum, word) => sum * 0x1_0000n + BigInt(word), 0n)
  const bits = BigInt(words.length * 16)
  const isSigned = type === 'int16' || type === 'int32' || type === 'sunssf'
  const missing = isSigned ? 1n << (bits - 1n) : (1n << bits) - 1n
  if (value === missing) return null
  const number = Number(isSigned ? BigInt.asIntN(Number(bits), value) : value)
  return Number.isSafeInteger(number) ? number : null
}

function textOf(words: readonly number[]): string | null {
  const bytes = words.flatMap((word) => [word >> 8, word & 0xff])
  const end = bytes.indexOf(0)
  const printable = (end === -1 ? bytes : bytes.slice(0, end)).filter((b) => b >= 32 && b < 127)
  const text = String.fromCharCode(...printable).trim()
  return text === '' ? null : text
}

/** Two registers, most significant first. */
export function wordsOf32(value: number): readonly [number, number] {
  const whole = value >>> 0 // two's complement for what is negative
  return [whole >>> 16, whole & 0xffff]
}

/** A number of the device times ten to the power of its scale factor; null where it has none. */
export function scaled(value: PointValue, factor: PointValue): number | null {
  if (typeof value !== 'number') return null
  const power = typeof factor === 'number' ? factor : 0
  // Dividing keeps tenths exact, where multiplying by 0.1 would not.
  return power < 0 ? value / 10 ** -power : value * 10 ** power
}
