/** Frames of stations, and what can go wrong with them on the way: by a seed, so that it repeats. */
import type { SeededRandom } from '#simulations/random.ts'
import { exampleOf, OF_STATION, type Version } from './schema-example.ts'

/** One valid frame of each kind that a station may send. */
export function framesOf(version: Version): string[] {
  const calls = OF_STATION[version].map((action) =>
    JSON.stringify([2, action, action, exampleOf(version, `${action}Request`)]),
  )
  const answers = ['[3,"x",{"status":"Accepted"}]', '[4,"x","GenericError","",{}]']
  if (version !== 'ocpp2.1') return [...calls, ...answers]
  const stream = exampleOf(version, 'NotifyPeriodicEventStream')
  return [
    ...calls,
    ...answers,
    '[5,"x","FormatViolation","",{}]',
    JSON.stringify([6, 'x', 'NotifyPeriodicEventStream', stream]),
  ]
}

const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e-320,
  2 ** 53,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '🔌',
  '2026-13-45T99:99:99Z',
  '9999-12-31T23:59:59Z',
  '-000001-01-01T00:00:00Z',
  '__proto__',
  'constructor',
  'x'.repeat(20_000),
  [],
  {},
  [[[[]]]],
  [null],
  { a: { b: { c: [] } } },
]
/** Written as text, because JSON.stringify would not. */
const ODD_TEXTS: readonly string[] = [
  '',
  '[]',
  '[2]',
  '[2,"a"]',
  '[1e999,"a","Heartbeat",{}]',
  '[2,"a","Heartbeat",{"__proto__":{"status":1}}]',
  '[2,"a","MeterValues",{"connectorId":1,"connectorId":2,"meterValue":[]}]',
  `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
  `[2,"a","DataTransfer",{"vendorId":"v","data":${'[{"a":'.repeat(2_000)}1${'}]'.repeat(2_000)}}]`,
  '\ufeff[2,"a","Heartbeat",{}]',
]

/** The frame, changed; about one in eight is no frame at all any more. */
export function mutated(random: SeededRandom, frames: readonly string[]): string {
  const frame = random.pick(frames)
  const kind = random.next()
  if (kind < 0.1) return textMutated(random, frame)
  if (kind < 0.12) return random.pick(ODD_TEXTS)
  const value = JSON.parse(frame) as unknown[]
  // The head of a frame sometimes, its payload mostly; several changes at once, too.
  const times = 1 + random.integer(0, 2)
  for (let i = 0; i < times; i += 1) {
    if (random.next() < 0.08) value[random.integer(0, 2)] = structuredClone(random.pick(ODD))
    else valueMutated(random, value)
  }
  return JSON.stringify(value)
}

function textMutated(random: SeededRandom, text: string): string {
  const at = random.integer(0, text.length - 1)
  const end = Math.min(text.length, at + random.integer(1, 20))
  const part = text.slice(at, end)
  return random.pick([
    text.slice(0, at),
    text.slice(0, at) + text.slice(end),
    text.slice(0, end) + part + text.slice(end),
    `${text.slice(0, at)}${String.fromCharCode(random.integer(0, 0x2ff))}${text.slice(at + 1)}`,
    text + text,
  ])
}

/** Walks down to some place in a value and changes what is there. */
function valueMutated(random: SeededRandom, root: unknown[]): void {
  let holder: object = root
  let key: string = String(root.length - 1)
  for (;;) {
    const value: unknown = Reflect.get(holder, key)
    if (typeof value !== 'object' || value === null) break
    const keys = Object.keys(value)
    if (keys.length === 0 || random.next() < 0.1) break
    holder = value
    key = random.pick(keys)
  }
  const kind = random.next()
  if (kind < 0.3 && !Array.isArray(holder)) Reflect.deleteProperty(holder, key)
  else if (kind < 0.5 && !Array.isArray(holder)) {
    Reflect.set(holder, `${key}${random.integer(0, 8)}`, structuredClone(random.pick(ODD)))
  } else if (kind < 0.6) Reflect.set(holder, key, [Reflect.get(holder, key)])
  else if (kind < 0.7) Reflect.set(holder, key, String(Reflect.get(holder, key)))
  else Reflect.set(holder, key, structuredClone(random.pick(ODD)))
}
