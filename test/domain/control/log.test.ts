import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Allocation } from '#domain/allocation.ts'
import { unexplained } from '#domain/control/explain.ts'
import type { Correction } from '#domain/control/correction.ts'
import { unfollowed } from '#domain/control/follow-log.ts'
import { correctionsBetween } from '#domain/control/log.ts'
import { resourceId } from '#domain/ids.ts'
import { asAtGate, withAdded, withLess } from '#domain/reserve.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { WINDOW_START } from '../../support/builders.ts'

const at = (seconds: number): Instant => addSeconds(WINDOW_START, seconds)
const figures = { at: at(80), errorW: 2000, makeUpW: 0 }
/** The metering boundary after the decision. */
const FROM = at(90)
/** The window's. */
const END = at(1800)

/** Settlement periods of a quarter of an hour, all of them delivered. */
const raster = (periods: number) => ({
  until: at(periods * 900),
  meteringIntervalSeconds: 30,
  starts: new Set(Array.from({ length: periods }, (_, i) => at(i * 900))),
})

/** A battery that gives 3 kW for two quarters of an hour. */
function part(name: string, changes: Partial<Allocation> = {}): Allocation {
  const periods = [0, 900].map((start) => {
    return { start: at(start), end: at(start + 900), powerW: 3000, setpointW: -3000 }
  })
  return { resourceId: resourceId(name), role: 'order', periods, releasedAt: null, ...changes }
}

/** Another one that does so from an instant of the first quarter on, in reserve until then. */
function calledFrom(start: Instant): Allocation {
  const [first, ...rest] = part('b').periods
  return part('b', { role: 'repair', periods: first ? [{ ...first, start }, ...rest] : [] })
}

const lines = (before: readonly Allocation[], after: readonly Allocation[]) =>
  correctionsBetween(before, after, FROM, END, figures).map(({ reason, fromW, toW }) => [
    reason,
    fromW,
    toW,
  ])

describe('the log of corrections', () => {
  const before = [part('a')]

  it('has no line where nothing was told anew', () => {
    expect(lines(before, before)).toEqual([])
    expect(lines(before, [part('a', { role: 'repair' })])).toEqual([])
  })

  it('says why each device was told something new', () => {
    const released = { releasedAt: at(60) }
    expect(lines(before, [part('a', released)])).toEqual([['not-responding', 3000, 0]])
    const overridden = { ...released, releaseReason: 'overridden' as const }
    expect(lines(before, [part('a', overridden)])).toEqual([['overridden', 3000, 0]])
    expect(lines(before, [part('a', { floorW: -1000 })])).toEqual([['cannot-pause', 3000, 1000]])
    expect(lines([], before)).toEqual([['reserve', 0, 3000]])
    const less = { resourceId: resourceId('a'), from: FROM, byW: 500 }
    const stands = [part('a', { role: 'repair' })]
    expect(lines(stands, withLess(stands, less, 'reduce-import'))).toEqual([
      ['too-much', 3000, 2500],
    ])
    expect(lines(withLess(stands, less, 'reduce-import'), stands)).toEqual([
      ['headroom', 2500, 3000],
    ])
  })

  it('leads to the parts that the call ends with; another one is named', () => {
    const stands = calledFrom(FROM)
    const after = [part('a', { releasedAt: at(60) }), stands]
    const log = correctionsBetween(before, after, FROM, END, figures)
    const check = (parts: readonly Allocation[], told = log, until = at(1800)) =>
      unexplained(parts, told, { ...raster(2), until }).map(({ resourceId: id }) => id)
    expect(check(after)).toEqual([])
    expect(check(before, [])).toEqual([])
    expect(check(after, [])).toEqual(['a', 'b'])
    expect(check([part('a'), stands])).toEqual(['a'])
    const less = { resourceId: stands.resourceId, from: at(0), byW: 100 }
    expect(check(withLess(after, less, 'reduce-import'))).toEqual(['b'])
    expect(check([...after.slice(0, 1), calledFrom(at(60))])).toEqual(['b'])
    // What was told for after the window's end was never in force.
    expect(check([part('a'), stands], log, FROM)).toEqual([])
  })
})

describe('a part that was changed between two lines of the log', () => {
  const a = resourceId('a')
  const more = part('a').periods.map((one, i) => {
    return { ...one, powerW: 2000, setpointW: -5000, ...(i === 0 ? { start: FROM } : {}) }
  })
  const raised = withAdded([part('a')], [part('a', { periods: more })])
  const less = { resourceId: a, from: at(600), byW: 1800 }
  const lowered = withLess(raised, less, 'reduce-import')
  const released = lowered.map((one) => ({ ...one, releasedAt: at(700) }))
  const log = [
    ...correctionsBetween([part('a')], raised, FROM, END, figures),
    ...correctionsBetween(raised, lowered, at(600), END, { ...figures, at: at(570) }),
  ]
  const letGo = correctionsBetween(lowered, released, at(720), END, { ...figures, at: at(700) })
  type Period = Allocation['periods'][number]
  const found = (
    change: (period: Period) => Period[],
    parts: readonly Allocation[] = lowered,
    told: readonly Correction[] = log,
  ) => {
    const changed = parts.map((one) => ({ ...one, periods: one.periods.flatMap(change) }))
    return unexplained(changed, told, raster(2)).map(({ byLogW, byPartW }) => [byLogW, byPartW])
  }
  const between = (period: Period) => period.start === FROM
  const cut = (period: Period, powerW: number): Period[] => [
    { ...period, end: at(300) },
    { ...period, start: at(300), powerW },
  ]

  it('is right as it was told', () => {
    expect(log.map(({ reason, fromW, toW }) => [reason, fromW, toW])).toEqual([
      ['headroom', 3000, 5000],
      ['too-much', 5000, 3200],
    ])
    expect(found((one) => [one])).toEqual([])
    expect(found((one) => [one], released, [...log, ...letGo])).toEqual([])
    // A cut alone changes nothing.
    expect(found((one) => (between(one) ? cut(one, one.powerW) : [one]))).toEqual([])
  })

  it('is named where a line leads to other W, also where it was let go later', () => {
    const wider = (one: Period) => [between(one) ? { ...one, powerW: 9000 } : one]
    expect(found(wider)).toEqual([[5000, 9000]])
    expect(found(wider, released, [...log, ...letGo])).toEqual([[5000, 9000]])
    const gone = (one: Period) => (between(one) ? [] : [one])
    expect(found(gone)).toEqual([[5000, 0]])
  })

  it('is named where it changes without a line, up or down', () => {
    expect(found((one) => (between(one) ? cut(one, 9000) : [one]))).toEqual([[null, 9000]])
    const atGate = ({ atGate: ordered, ...one }: Period) => ({ ...one, ...ordered })
    const down = (one: Period) => {
      const [head, tail] = cut(one, 3000) as [Period, Period]
      return between(one) ? [head, atGate(tail)] : [one]
    }
    expect(found(down)).toEqual([[null, 3000]])
    const twice = found((one) => (between(one) ? [one, one] : [one]))
    expect(twice).toEqual([[null, 5000]])
  })

  it('is named where the next line says that it found other W', () => {
    const forged = log.map((one, i) => (i === 1 ? { ...one, fromW: 4000 } : one))
    expect(found((one) => [one], lowered, forged)).toEqual([[4000, 5000]])
  })
})

const PERIODS = 4
const WINDOW = at(PERIODS * 900)
/** W per settlement period; 0: it has no part there. */
const someW = fc.array(fc.constantFrom(0, 500, 2000), { minLength: PERIODS, maxLength: PERIODS })
/** What befalls a device, or who is called for it, in cycles of 30 s. */
const aRepair = fc.record({
  cycle: fc.nat({ max: PERIODS * 30 - 2 }),
  what: fc.constantFrom('let-go', 'held', 'called', 'more', 'less'),
  which: fc.nat({ max: 5 }),
  powersW: someW,
})

function drawnPart(name: string, role: 'order' | 'repair', powersW: readonly number[], from = 0) {
  const periods = powersW.flatMap((powerW, i) => {
    const start = Math.max(i * 900, from)
    if (powerW === 0 || start >= (i + 1) * 900) return []
    return [{ start: at(start), end: at((i + 1) * 900), powerW, setpointW: 3000 - powerW }]
  })
  return part(name, { role, periods })
}

type Drawn = typeof aRepair extends fc.Arbitrary<infer T> ? T : never

function repaired(parts: readonly Allocation[], { cycle, what, which, powersW }: Drawn, n: number) {
  const from = (cycle + 1) * 30
  const chosen = parts[which % parts.length]
  const name = `stands-in-${n}`
  const change = (changes: Partial<Allocation>) =>
    parts.map((one) => (one === chosen ? { ...one, ...changes } : one))
  if (chosen === undefined || what === 'called') {
    const added = drawnPart(name, 'repair', powersW, from)
    return added.periods.length === 0 ? [...parts] : [...parts, added]
  }
  if (chosen.releasedAt !== null) return [...parts]
  if (what === 'let-go') return change({ releasedAt: at(cycle * 30) })
  if (what === 'held') return change({ floorW: chosen.floorW ?? 1400 })
  const { resourceId: id } = chosen
  const byW = powersW[0] ?? 0
  if (what === 'less') {
    return withLess(parts, { resourceId: id, from: at(from), byW }, 'reduce-import')
  }
  return withAdded(parts, [drawnPart(id, 'repair', powersW, from)])
}

/** A call of three devices at most, after what befell them, and its log. */
function ran(ordered: readonly (readonly number[])[], repairs: readonly Drawn[]) {
  let parts = ordered.map((powersW, i) => drawnPart(`ordered-${i}`, 'order', powersW))
  const log: Correction[] = []
  const inOrder = repairs.toSorted((a, b) => a.cycle - b.cycle)
  for (const [n, repair] of inOrder.entries()) {
    const now = at(repair.cycle * 30)
    const after = repaired(parts, repair, n)
    const decidedOn = { ...figures, at: now }
    log.push(...correctionsBetween(parts, after, addSeconds(now, 30), WINDOW, decidedOn))
    parts = after
  }
  return { parts, log }
}
const aCall = fc
  .tuple(fc.array(someW, { maxLength: 3 }), fc.array(aRepair))
  .map(([ordered, repairs]) => ({ ordered, ...ran(ordered, repairs) }))

describe('the log of any number of repairs over several settlement periods', () => {
  const starts = new Set(Array.from({ length: PERIODS }, (_, i) => at(i * 900)))
  const named = (parts: readonly Allocation[], log: readonly Correction[]) =>
    unfollowed(parts, log, raster(PERIODS)).map(({ resourceId: id }) => id)

  it('leads to the parts that the call ends with', () => {
    fc.assert(
      fc.property(aCall, ({ ordered, parts, log }) => {
        expect(unexplained(parts, log, raster(PERIODS))).toEqual([])
        expect(named(parts, log)).toEqual([])
        // Whatever was raised and lowered: what the gate ordered can still be told from it.
        const atGate = parts.filter(({ role }) => role === 'order')
        expect(atGate.map((one) => asAtGate(one, starts))).toEqual(
          ordered.map((powersW, i) => drawnPart(`ordered-${i}`, 'order', powersW).periods),
        )
      }),
    )
  })

  it('binds every W of every part: none is changed but what the gate ordered would differ, too', () => {
    const which = fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(-300, 200, 5000))
    fc.assert(
      fc.property(aCall, which, ({ parts, log }, [i, j, byW]) => {
        const part = parts[i % parts.length]
        const period = part?.periods[j % part.periods.length]
        if (part === undefined || period === undefined) return
        const other = { ...period, powerW: period.powerW + byW }
        const periods = part.periods.map((one) => (one === period ? other : one))
        const changed = { ...part, periods }
        const isOrder = part.role === 'order'
        const [gate, forged] = [asAtGate(part, starts), asAtGate(changed, starts)]
        if (isOrder && JSON.stringify(gate) !== JSON.stringify(forged)) return
        expect(named(parts.with(i % parts.length, changed), log)).toContain(part.resourceId)
      }),
    )
  })

  it('is bound to the W that were told before each line, also the first one', () => {
    fc.assert(
      fc.property(aCall, fc.nat(), fc.constantFrom(-300, 200), ({ parts, log }, i, byW) => {
        const line = log[i % log.length]
        if (line === undefined) return
        const forged = log.map((one) => (one === line ? { ...one, fromW: one.fromW + byW } : one))
        expect(named(parts, forged)).toContain(line.resourceId)
      }),
    )
  })
})

describe('what was told where a settlement period begins', () => {
  /** 3 kW, raised to 5 kW from 90 s on, in both periods; let go in the second one. */
  const more = part('a').periods.map((one, i) => {
    return { ...one, powerW: 2000, setpointW: -5000, ...(i === 0 ? { start: FROM } : {}) }
  })
  const raised = withAdded([part('a')], [part('a', { periods: more })])
  const log = correctionsBetween([part('a')], raised, FROM, END, figures)
  const named = (parts: readonly Allocation[], lines: readonly Correction[]) =>
    unfollowed(parts, lines, raster(2)).map(({ byLogW, byPartW }) => [byLogW, byPartW])
  const wider = (from: number, powerW: number, parts = raised) =>
    parts.map((one) => {
      const periods = one.periods.map((period) =>
        period.start === at(from) ? { ...period, powerW } : period,
      )
      return { ...one, periods }
    })

  it('follows from the line before it, to the W', () => {
    expect(log).toMatchObject([{ fromW: 3000, toW: 5000 }])
    expect(log[0]).not.toHaveProperty('later')
    expect(named(raised, log)).toEqual([])
    expect(named(wider(900, 9000), log)).toEqual([[5000, 9000]])
    // By the first version of the log nobody could tell.
    expect(unexplained(wider(900, 9000), log, raster(2))).toEqual([])
  })

  it('stands in the line where it differs from what is told first', () => {
    const [first, second] = part('b').periods
    const periods =
      first && second
        ? [
            { ...first, start: FROM },
            { ...second, powerW: 1200 },
          ]
        : []
    const after = [part('a'), part('b', { role: 'repair', periods })]
    const lines = correctionsBetween([part('a')], after, FROM, END, figures)
    expect(lines).toMatchObject([{ fromW: 0, toW: 3000, later: [{ at: at(900), toW: 1200 }] }])
    expect(named(after, lines)).toEqual([])
    expect(named(wider(900, 3000, after), lines)).toEqual([[1200, 3000]])
    const without = lines.map(({ later: _left, ...line }) => line)
    expect(named(after, without)).toEqual([[3000, 1200]])
  })

  it('is what the first line finds that counts from there on', () => {
    const less = { resourceId: resourceId('a'), from: at(900), byW: 1500 }
    const lowered = withLess(raised, less, 'reduce-import')
    const decidedOn = { ...figures, at: at(880) }
    const both = [...log, ...correctionsBetween(raised, lowered, at(900), END, decidedOn)]
    expect(both[1]).toMatchObject({ fromW: 5000, toW: 3500 })
    expect(named(lowered, both)).toEqual([])
    const forged = both.map((one, i) => (i === 1 ? { ...one, fromW: 4000 } : one))
    expect(unexplained(lowered, forged, raster(2))).toEqual([])
    expect(named(lowered, forged)).toEqual([[4000, 5000]])
    // The same where it is the very first one: what the gate ordered.
    const released = [part('a', { releasedAt: at(880) })]
    const letGo = correctionsBetween([part('a')], released, at(900), END, decidedOn)
    expect(named(released, letGo)).toEqual([])
    expect(
      named(
        released,
        letGo.map((one) => ({ ...one, fromW: 9000 })),
      ),
    ).toEqual([[9000, 3000]])
  })

  it('stays as it was told where the device is let go later', () => {
    const released = raised.map((one) => ({ ...one, releasedAt: at(700) }))
    const decidedOn = { ...figures, at: at(700) }
    const both = [...log, ...correctionsBetween(raised, released, at(720), END, decidedOn)]
    expect(named(released, both)).toEqual([])
    expect(named(wider(900, 9000, released), both)).toEqual([[5000, 9000]])
    expect(named(raised, both)).toEqual([[0, 5000]])
    expect(named(released, log)).toEqual([[null, 0]])
  })

  it('is not told twice, and a floor needs its line', () => {
    const twice = raised.map((one) => {
      return { ...one, periods: one.periods.flatMap((period) => [period, period]) }
    })
    expect(named(twice, log)).toEqual([[null, 3000]])
    expect(
      named(
        raised.map((one) => ({ ...one, floorW: -4000 })),
        log,
      ),
    ).toEqual([[null, -4000]])
    // Nor does one hide what was never told.
    const neverTold = [part('a', { role: 'repair', floorW: 7000 })]
    expect(named(neverTold, [])).toEqual([[null, 7000]])
  })

  it('does not follow from what a line says of the time before it', () => {
    const early = log.map((line) => ({ ...line, later: [{ at: at(0), toW: 9000 }] }))
    expect(named(wider(0, 9000, raised), early)).toEqual([[null, 9000]])
  })
})

describe('a part that gives less', () => {
  const less = (
    byW: number,
    from = FROM,
    direction: 'reduce-import' | 'increase-import' = 'reduce-import',
  ) => {
    const standsIn = [part('a', { role: 'repair' }), part('b')]
    return withLess(standsIn, { resourceId: resourceId('a'), from, byW }, direction)
  }

  it('is cut from an instant on, in all periods that follow, and no other part is', () => {
    const [mine, other] = less(500)
    expect(mine?.periods).toEqual([
      { start: at(0), end: FROM, powerW: 3000, setpointW: -3000 },
      { start: FROM, end: at(900), powerW: 2500, setpointW: -2500 },
      { start: at(900), end: at(1800), powerW: 2500, setpointW: -2500 },
    ])
    expect(other).toEqual(part('b'))
  })

  it('ends where nothing of it is left', () => {
    expect(less(3000)[0]?.periods).toEqual([
      { start: at(0), end: FROM, powerW: 3000, setpointW: -3000 },
    ])
    expect(less(9000, at(900))[0]?.periods).toHaveLength(1)
  })

  it('that imports more than usual imports less', () => {
    expect(less(500, at(900), 'increase-import')[0]?.periods[1]).toMatchObject({ setpointW: -3500 })
  })
})
