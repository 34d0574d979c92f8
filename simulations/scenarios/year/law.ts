import { type SeededRandom, seededRandom } from '../../random.ts'
import { MAKE_NAMES, type YearDevice } from './fleet.ts'

/*
 * How this year fails. None of it is told to whoever sets margins: it sees which devices are connected
 * when the gate closes, and what those that it called gave.
 */

export const DAYS = 365

/** What a device would do in the call of a day. */
export type Truth = {
  /** A car stands there, the owner is in, the line is up: seen at gate closure. */
  readonly isOffered: boolean
  readonly isReached: boolean
  /** Of its power, once it is reached. */
  readonly share: number
}

export type YearLaw = {
  /** Days that a calendar knows. */
  readonly holidays: ReadonlySet<number>
  /** By day: what was wrong with more than one device. */
  readonly shocksOn: (day: number) => readonly string[]
  readonly truth: (device: YearDevice, day: number) => Truth
}

type Spell = { readonly from: number; readonly until: number }
/** A make's cloud is down, or its firmware gives less than it says. */
type MakeSpell = Spell & {
  readonly make: string
  readonly kind: 'outage' | 'firmware'
  /** Of its devices, or of their power. */
  readonly severity: number
  /** Seen before the gate closes, so that nobody counts on them. */
  readonly isSeen: boolean
}
type Line = Spell & { readonly severity: number }

export function yearLaw(seed: number): YearLaw {
  const random = seededRandom(seed, 'year', 'law')
  const spells = MAKE_NAMES.flatMap((make) => makeSpells(make, seededRandom(seed, 'year', make)))
  const lines = spellsOf(random, random.integer(3, 9), 0.3, 1.5).map((spell): Line => {
    return { ...spell, severity: random.between(0.05, 0.4) }
  })
  const cold = spellsOf(random, random.integer(2, 4), 3, 8)
    .filter(({ from }) => from < 80 || from > 300)
    .map((spell): Line => ({ ...spell, severity: random.between(0.1, 0.4) }))
  const holidays = holidaysOf(random)
  const characters = new Map<string, Character>()
  const told = new Map<string, Truth>()
  const characterOf = ({ ref }: YearDevice) => {
    const known = characters.get(ref) ?? drawCharacter(seed, ref)
    characters.set(ref, known)
    return known
  }
  return {
    holidays,
    shocksOn: (day) => [
      ...spells.filter((one) => isIn(one, day)).map(({ make, kind }) => `${make} ${kind}`),
      ...lines.filter((one) => isIn(one, day)).map(() => 'lines down'),
      ...cold.filter((one) => isIn(one, day)).map(() => 'cold'),
      ...(holidays.has(day) ? ['holiday'] : []),
    ],
    truth: (device, day) => {
      const key = `${device.ref} ${day}`
      const known = told.get(key)
      if (known !== undefined) return known
      const dice = seededRandom(seed, 'year', device.ref, 'day', day)
      const own = characterOf(device)
      const mine = spells.filter((one) => one.make === device.make && isIn(one, day))
      const drawn = draw({ device, dice, own, mine, day, holidays, lines, cold })
      told.set(key, drawn)
      return drawn
    },
  }
}

type Dice = {
  readonly device: YearDevice
  readonly dice: SeededRandom
  readonly own: Character
  readonly mine: readonly MakeSpell[]
  readonly day: number
  readonly holidays: ReadonlySet<number>
  readonly lines: readonly Line[]
  readonly cold: readonly Line[]
}

function draw({ device, dice, own, mine, day, holidays, lines, cold }: Dice): Truth {
  const isHoliday = holidays.has(day)
  const isCharger = device.kind === 'charger'
  const standsThere = isCharger ? (isHoliday ? 0.3 : day % 7 >= 5 ? 0.45 : 0.6) : 0.98
  let isOffered = dice.next() < standsThere
  const reach = own.broken !== null && isIn(own.broken, day) ? 0.05 : own.reach
  let isReached = dice.next() < reach
  let share = ownShare(dice, own)
  for (const { kind, severity, isSeen } of mine) {
    const isHit = dice.next() < severity
    if (kind === 'firmware') share *= 1 - severity
    else if (isHit && isSeen) isOffered = false
    else if (isHit) isReached = false
  }
  for (const line of lines) {
    if (isIn(line, day) && dice.next() < line.severity) isReached = false
  }
  for (const spell of cold) if (isIn(spell, day) && !isCharger) share *= 1 - spell.severity
  // Whoever is at home on a holiday drives off when it suits them.
  if (isCharger && isHoliday && dice.next() < 0.2) share *= dice.next()
  return { isOffered, isReached, share: Math.min(1, Math.max(0, share)) }
}

/** A mixture: most give all, some a part, some nothing although they answered. */
function ownShare(dice: SeededRandom, own: Character): number {
  const kind = dice.next()
  const full = 1 - Math.abs(dice.normal()) * 0.02
  if (kind < own.partial) return dice.between(0.3, 0.9)
  return kind < own.partial + 0.02 ? 0 : full
}

type Character = { readonly reach: number; readonly partial: number; readonly broken: Spell | null }

/** Most are solid, some patchy, a few hopeless; one in two breaks for a while in the year. */
function drawCharacter(seed: number, ref: string): Character {
  const random = seededRandom(seed, 'year', ref, 'character')
  const kind = random.next()
  const partial = random.between(0.02, 0.12)
  const [least, most] = kind < 0.8 ? [0.975, 0.999] : kind < 0.95 ? [0.75, 0.92] : [0.2, 0.6]
  const reach = random.between(least, most)
  const [broken = null] = spellsOf(random, random.next() < 0.5 ? 1 : 0, 5, 60)
  return { reach, partial, broken }
}

function makeSpells(make: string, random: SeededRandom): MakeSpell[] {
  const outages = spellsOf(random, random.integer(1, 4), 0.3, 4).map((spell): MakeSpell => {
    const severity = random.between(0.4, 1)
    return { ...spell, make, kind: 'outage', severity, isSeen: random.next() < 0.5 }
  })
  const isBad = random.next() < 0.35
  const firmware = spellsOf(random, isBad ? 1 : 0, 10, 40).map((spell): MakeSpell => {
    const severity = random.between(0.15, 0.4)
    return { ...spell, make, kind: 'firmware', severity, isSeen: false }
  })
  return [...outages, ...firmware]
}

function spellsOf(random: SeededRandom, count: number, least: number, most: number): Spell[] {
  return Array.from({ length: count }, () => {
    const from = random.between(0, DAYS)
    return { from, until: from + random.between(least, most) }
  })
}

/** Two weeks around the turn of the year, six in summer, one in spring and autumn, single days. */
function holidaysOf(random: SeededRandom): ReadonlySet<number> {
  const weeks: readonly (readonly [number, number])[] = [
    [0, 6],
    [random.integer(45, 60), 7],
    [random.integer(185, 205), 42],
    [random.integer(285, 300), 7],
    [357, 8],
  ]
  const days = weeks.flatMap(([from, length]) => Array.from({ length }, (_, i) => from + i))
  const single = Array.from({ length: 6 }, () => random.integer(80, 180))
  return new Set([...days, ...single])
}

/** The call is in the evening. */
function isIn({ from, until }: Spell, day: number): boolean {
  return from <= day + 0.75 && day + 0.75 < until
}
