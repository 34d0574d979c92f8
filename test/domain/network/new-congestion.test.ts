import { describe, expect, it } from 'vitest'
import { busIndex } from '#domain/network/feeder.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { type LoadedInterval, newCongestions } from '#domain/network/new-congestion.ts'
import { addSeconds } from '#domain/time.ts'
import { WINDOW_START } from '#test/support/builders.ts'
import { ieee33 } from '#commands/bench/ieee33.ts'

/** The 33-bus feeder with a limit on the branch to bus 26. */
function limited(limitKva: number, band: { min: number; max: number } = { min: 0.9, max: 1.1 }) {
  const file = ieee33()
  const branch = file.branches.find(({ from, to }) => from === '6' && to === '26')
  Object.assign(branch ?? {}, { limitKva })
  return importFeeder({ ...file, voltageBandPu: band })
}

const feeder = limited(1_400)

function interval(
  part: LoadedInterval['part'],
  changesW: Readonly<Record<string, number>>,
  of = feeder,
): LoadedInterval {
  const start = part === 'window' ? WINDOW_START : addSeconds(WINDOW_START, 3600)
  return {
    part,
    start,
    end: addSeconds(start, 900),
    loads: of.buses,
    changes: new Map(Object.entries(changesW).map(([bus, w]) => [busIndex(of, bus), w])),
  }
}

describe('a call that congests nothing', () => {
  it('is one that relieves, and takes back less than there is room for', () => {
    const intervals = [interval('window', { 33: -200_000 }), interval('rebound', { 33: 20_000 })]
    expect(newCongestions(feeder, intervals)).toEqual([])
  })

  it('is one that lessens an overload and does not end it', () => {
    const overloaded = limited(900)
    const relieved = [interval('window', { 33: -10_000 }, overloaded)]
    expect(newCongestions(overloaded, relieved)).toEqual([])
  })
})

describe('a call that congests anew', () => {
  it('is found by a branch that its rebound overloads', () => {
    const intervals = [interval('window', { 33: -200_000 }), interval('rebound', { 33: 600_000 })]
    const found = newCongestions(feeder, intervals)
    const branch = found.find(({ kind }) => kind === 'branch')
    expect(branch).toMatchObject({ part: 'rebound', element: '6-26', limit: 1_400_000 })
    expect(branch?.withoutCall).toBeLessThan(1_400_000)
    expect(branch?.withCall).toBeGreaterThan(1_400_000)
    expect(found.every(({ part }) => part === 'rebound')).toBe(true)
  })

  it('is found by an overload that it makes worse', () => {
    const overloaded = limited(900)
    const [found] = newCongestions(overloaded, [interval('window', { 33: 1_000 }, overloaded)])
    expect(found).toMatchObject({ kind: 'branch', element: '6-26' })
  })

  it('is found by a voltage within the margin above the band', () => {
    // 0.9131 pu stand at bus 18; the band ends at 0.9 and the margin at 0.905.
    const found = newCongestions(feeder, [interval('window', { 18: 130_000 })])
    expect(found.map(({ kind, limit }) => [kind, limit])).toContainEqual(['voltage-low', 0.905])
    const values = found.map(({ withCall }) => withCall ?? 0)
    expect(Math.max(...values)).toBeLessThan(0.905)
    expect(Math.min(...values)).toBeGreaterThan(0.9)
    expect(newCongestions(feeder, [interval('window', { 18: 130_000 })], 0)).toEqual([])
  })

  it('is found by a voltage that turn-down lifts too high', () => {
    const narrow = limited(2_000, { min: 0.8, max: 1.005 })
    const found = newCongestions(narrow, [interval('window', { 22: -1_500_000 }, narrow)])
    expect(found).toContainEqual(expect.objectContaining({ kind: 'voltage-high', element: '22' }))
  })

  it('is found where no voltage carries it at all', () => {
    const [found] = newCongestions(feeder, [interval('rebound', { 18: 20_000_000 })])
    expect(found).toMatchObject({ kind: 'no-solution', element: null })
  })
})
