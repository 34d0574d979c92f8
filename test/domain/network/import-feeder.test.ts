import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DomainError } from '#domain/errors.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { root } from '#test/support/imports.ts'
import { type FeederFile, ieee33 } from '#commands/bench/ieee33.ts'

/** The problems of a feeder in which something was changed, as `field: expected …, got …`. */
function problemsOf(change: (file: FeederFile) => void): string[] {
  const file = ieee33()
  change(file)
  try {
    importFeeder(file)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    expect(error.code).toBe('malformed')
    return error.problems.map(({ field, expected, got }) => `${field}: ${expected}, got ${got}`)
  }
  throw new Error('the feeder was taken')
}

describe('a feeder that cannot be used', () => {
  it.each<[string, (file: FeederFile) => void, string]>([
    [
      'a loop',
      (file) => file.branches.push({ from: '18', to: '33', rOhm: 0.5, xOhm: 0.5 }),
      'a loop through 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 26, 27, 28, 29, 30, 31, 32, 33, 18, 17',
    ],
    [
      'an island',
      (file) => file.branches.splice(31, 1),
      'buses[32]: a way from the root, got an island with 33',
    ],
    [
      'a bus twice',
      (file) => file.buses.push({ id: '7' }),
      'buses[33].id: another id than buses[6], got 7',
    ],
    [
      'a branch twice',
      (file) => file.branches.push({ from: '1', to: '2', rOhm: 1, xOhm: 1 }),
      'branches[32].id: another id than branches[0], got 1-2',
    ],
    ['no root', (file) => delete (file as Partial<FeederFile>).root, 'root: a text of 1'],
    ['a root that is no bus', (file) => (file.root = '99'), 'root: the id of a bus, got 99'],
    [
      'a branch to nowhere',
      (file) => Object.assign(file.branches[4] ?? {}, { to: 'x' }),
      'branches[4].to: the id of a bus, got x',
    ],
    [
      'a branch to itself',
      (file) => Object.assign(file.branches[4] ?? {}, { to: '5' }),
      'branches[4].to: another bus than from, got 5',
    ],
    [
      'an endless resistance',
      (file) => Object.assign(file.branches[2] ?? {}, { rOhm: JSON.parse('1e999') }),
      'branches[2].rOhm: a number from 0 to 1000000, got Infinity',
    ],
    [
      'a reactance below 0',
      (file) => Object.assign(file.branches[2] ?? {}, { xOhm: -0.1 }),
      'branches[2].xOhm: a number from 0 to 1000000, got -0.1',
    ],
    [
      'a load that is a text',
      (file) => Object.assign(file.buses[3] ?? {}, { loadKw: '120' }),
      'buses[3].loadKw: a number from -1000000 to 1000000, got 120',
    ],
    [
      'a limit of 0',
      (file) => Object.assign(file.branches[0] ?? {}, { limitKva: 0 }),
      'branches[0].limitKva: a number from 0.001 to 1000000, got 0',
    ],
    [
      'a misspelt load',
      (file) => Object.assign(file.buses[1] ?? {}, { loadKW: 400 }),
      'buses[1].loadKW: one of id, loadKw, loadKvar, got 400',
    ],
    [
      'a misspelt limit',
      (file) => Object.assign(file.branches[0] ?? {}, { limitKVA: 70 }),
      'branches[0].limitKVA: one of id, from, to, rOhm, xOhm, limitKva, got 70',
    ],
    [
      'a misspelt band',
      (file) => Object.assign(file, { VoltageBandPu: { min: 0.9, max: 1.1 } }),
      'VoltageBandPu: one of name, root, baseKv',
    ],
    [
      'a voltage of next to nothing',
      (file) => (file.baseKv = 1e-200),
      'baseKv: a number from 0.001 to 1000000, got 1e-200',
    ],
    ['no voltage', (file) => (file.baseKv = 0), 'baseKv: a number from 0.001 to 1000000, got 0'],
    [
      'a band upside down',
      (file) => (file.voltageBandPu = { min: 1.1, max: 0.9 }),
      'voltageBandPu.max: more than min (1.1), got 0.9',
    ],
    [
      'a device nowhere',
      (file) => (file.resources = [{ id: 'home-1', bus: '77' }]),
      'resources[0].bus: the id of a bus, got 77',
    ],
    [
      'a device without a name',
      (file) => (file.resources = [{ bus: '7' }]),
      "resources[0].id: 1 to 80 letters, digits, '_', '.', ':' or '-', got nothing",
    ],
    ['no buses', (file) => (file.buses = []), 'buses: a list of at least one, got []'],
  ])('%s is refused and named', (_what, change, problem) => {
    expect(problemsOf(change)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]))
  })

  it('is told all that is wrong at once', () => {
    const found = problemsOf((file) => {
      file.baseKv = -1
      Object.assign(file.branches[2] ?? {}, { rOhm: null })
      Object.assign(file.buses[9] ?? {}, { id: '' })
    })
    expect(found.map((one) => one.split(':')[0])).toEqual([
      'buses[9].id',
      'branches[2].rOhm',
      'baseKv',
      'branches[8].to',
      'branches[9].from',
    ])
  })

  it.each([[null], ['text'], [[]], [7]])('%j is no feeder', (raw) => {
    expect(() => importFeeder(raw)).toThrow(/feeder: expected an object/)
  })
})

describe('a feeder that can', () => {
  it('was taken before, with a field and numbers that a new one is refused for', () => {
    const file = Object.assign(ieee33(), { voltage: 'high', baseMva: 2e6, rootVoltagePu: 1 })
    Object.assign(file.buses[1] ?? {}, { colour: 'red', loadKw: 1e-9 })
    Object.assign(file.branches[0] ?? {}, { limitKva: 5e-4 })
    expect(() => importFeeder(file)).toThrow(/^voltage: .*colour: .*limitKva: .*baseMva: /)
    const feeder = importFeeder(file, { strict: false })
    expect([feeder.baseMva, feeder.branches[0]?.limitVa]).toEqual([2e6, 0.5])
    expect(() => importFeeder({ ...file, baseMva: 0 }, { strict: false })).toThrow(/^baseMva: /)
    const loop = { from: '18', to: '33', rOhm: 0.5, xOhm: 0.5 }
    const branches = [...file.branches, loop]
    expect(() => importFeeder({ ...file, branches }, { strict: false })).toThrow(/a loop through/)
  })

  it('is the example of the guide', () => {
    const guide = readFileSync(join(root, 'docs', 'network.md'), 'utf8')
    const [, example = ''] = /```json\n(.*?)```/s.exec(guide) ?? []
    const feeder = importFeeder(JSON.parse(example))
    expect(feeder.branches).toMatchObject([{ id: 'transformer-street', limitVa: 70_000 }])
    expect(feeder.resources).toEqual([{ resourceId: 'charger-1', bus: 'street' }])
  })

  it('comes root first, every bus after its parent, whichever way round a branch was written', () => {
    const file = ieee33()
    file.buses.reverse()
    file.branches.reverse()
    for (const branch of file.branches.slice(0, 12)) {
      Object.assign(branch, { id: `b${branch.to}`, from: branch.to, to: branch.from })
    }
    const feeder = importFeeder(file)
    expect(feeder.buses[0]?.id).toBe('1')
    expect(feeder.buses).toHaveLength(33)
    feeder.branches.forEach((branch, index) => {
      const parent = feeder.parents[index] ?? Number.NaN
      expect(parent).toBeLessThanOrEqual(index)
      expect(feeder.buses[parent]?.id).toBe(branch.from)
      expect(feeder.buses[index + 1]?.id).toBe(branch.to)
    })
  })
})
