import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { measurement, median } from '#commands/bench/measurement.ts'
import { root } from '#test/support/imports.ts'

/** Standard output of a run with few stations. @throws Error with `code` and `stderr` otherwise */
async function bench(...args: string[]): Promise<string> {
  const cli = join(root, 'orchestrator', 'cli.ts')
  const run = promisify(execFile)
  return (await run(process.execPath, [cli, 'bench', ...args], { timeout: 60_000 })).stdout
}

describe('what is not asked as it should be', () => {
  test('a bench that does not exist is refused, and those that do are named', async () => {
    const refused = bench('conect')
    await expect(refused).rejects.toMatchObject({ code: 2 })
    await expect(refused).rejects.toThrow(/no bench "conect"[^]*connect[^]*fanout/)
  })

  test.each([
    ['--stations', 'many'],
    ['--stations', '0'],
    ['--size', 'stations'],
    ['--seed', '-1'],
  ])('%s %s is refused with a sentence', async (option, value) => {
    await expect(bench('connect', `${option}=${value}`)).rejects.toThrow(`${option}`)
  })
})

describe('the report', () => {
  test.each([
    [
      'allocation',
      'highs',
      [
        'town=20',
        'region=30',
        'country=200',
        'instances=1',
        'few=10',
        'chargers=3',
        'alike=4',
        'many=5',
      ],
      '1 × 10 devices × 8 periods: most that greedy and HiGHS differ',
    ],
    ['connect', 'ws', ['stations=12'], 'stations connected and set up in one process'],
    [
      'control',
      'temporal-polyfill',
      ['hours=2'],
      '2 hours, one device in five disobeys: least energy delivered in an hour',
    ],
    ['fanout', 'ws', ['stations=12', 'meterms=200'], '12 setpoints acknowledged'],
    ['gas', 'solc', ['payees=10', 'calls=1'], 'propose, 3 signatures'],
    [
      'network',
      'temporal-polyfill',
      ['loads=2'],
      'IEEE 33-bus at its own load: most that LinDistFlow and the sweep differ',
    ],
    [
      'opcua',
      'node-opcua',
      ['clients=2', 'orders=5', 'seconds=1'],
      'an order acknowledged, median',
    ],
    [
      'rebound',
      'highs',
      ['evenings=2', 'cars=10'],
      '2 evenings × 10 cars × 24 quarter hours: most above the room, where a schedule keeps it',
    ],
    ['tree', '@noble/hashes', ['leaves=50'], '50 leaves: tree and every proof'],
    [
      'settlement',
      'temporal-polyfill',
      ['devices=20', 'periods=2'],
      '20 devices × 2 periods measured and settled, 10 days each',
    ],
  ])(
    '%s prints one JSON object and nothing else',
    { timeout: 60_000 },
    async (name, library, sizes, expected) => {
      const told = sizes.flatMap((size) => ['--size', size])
      const output = await bench(name, ...told, '--seed', '7')
      expect(output.trimEnd().split('\n')).toHaveLength(1)
      const report = JSON.parse(output) as Record<string, unknown>
      expect(Object.keys(report)).toEqual(['bench', 'machine', 'versions', 'seed', 'results'])
      expect(report).toMatchObject({
        bench: name,
        seed: 7,
        machine: { cores: expect.any(Number) as number },
        versions: { node: process.version, [library]: expect.any(String) as string },
      })
      const results = report['results'] as Record<string, unknown>[]
      for (const result of results) {
        expect(Object.keys(result)).toEqual([
          'measure',
          'value',
          'unit',
          'better',
          'reference',
          'ratio',
          'bar',
          'ok',
        ])
        expect(result['value']).toSatisfy(Number.isFinite)
        expect(result['better']).toBeOneOf(['lower', 'higher'])
      }
      expect(results.map(({ measure }) => measure)).toContain(expected)
    },
  )
})

describe('the verdict', () => {
  const told = { measure: 'x', unit: 's' } as const

  test('what misses its bar is not ok, on either side', () => {
    expect(measurement({ ...told, value: 2, better: 'lower', bar: 1 }).ok).toBe(false)
    expect(measurement({ ...told, value: 2, better: 'higher', bar: 3 }).ok).toBe(false)
    expect(measurement({ ...told, value: Number.NaN, better: 'higher', bar: 3 }).ok).toBe(false)
  })

  test('what meets its bar exactly is ok, and so is what no bar is set for', () => {
    expect(measurement({ ...told, value: 1, better: 'lower', bar: 1 }).ok).toBe(true)
    expect(measurement({ ...told, value: 1, better: 'higher' }).ok).toBe(true)
  })

  test('with a reference the bar is asked of the ratio', () => {
    const slow = measurement({ ...told, value: 40, better: 'higher', reference: 100, bar: 0.5 })
    expect(slow).toMatchObject({ ratio: 0.4, ok: false })
    const fast = measurement({ ...told, value: 60, better: 'higher', reference: 100, bar: 0.5 })
    expect(fast).toMatchObject({ ratio: 0.6, ok: true })
  })

  test('the median of nothing is a mistake', () => {
    expect(() => median([])).toThrow(RangeError)
    expect(median([3, 1, 2])).toBe(2)
  })
})
