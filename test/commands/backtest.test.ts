import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Measurement } from '#commands/bench/measurement.ts'
import { describeWith } from '#test/support/describe-with.ts'
import { root } from '#test/support/imports.ts'

const folder = mkdtempSync(join(tmpdir(), 'gridcall-backtest-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Standard output of the command. @throws Error with `code` and `stderr` otherwise */
async function backtest(...args: string[]): Promise<string> {
  const cli = join(root, 'orchestrator', 'cli.ts')
  const run = promisify(execFile)
  const asked = [cli, 'backtest', ...args]
  return (await run(process.execPath, asked, { timeout: 60_000, maxBuffer: 1e7 })).stdout
}

describe('what is not asked as it should be', () => {
  test('a backtest of something else is refused, and what there is is named', async () => {
    await expect(backtest('weather')).rejects.toMatchObject({ code: 2 })
    await expect(backtest('weather')).rejects.toThrow(/expected baselines or policy/)
  })

  test('no file and two files are refused', async () => {
    await expect(backtest('baselines')).rejects.toThrow(/one of --sessions, --feeder and --meter/)
    await expect(backtest('baselines', '--feeder', 'a', '--meter', 'b')).rejects.toThrow(
      /got --feeder and --meter/,
    )
  })
})

/** What a report says of a figure. @throws Error naming it where there is none */
function figureIn(results: readonly Measurement[], measure: string): Measurement {
  const found = results.find((one) => one.measure === measure)
  if (found === undefined) throw new Error(`no figure "${measure}"`)
  return found
}

describeWith('GRIDCALL_DATA', 'real charging sessions', (data) => {
  const sessions = join(data, 'acn-charging-sessions.csv')
  const svg = join(folder, 'sessions.svg')
  let output = ''
  let results: Measurement[] = []

  beforeAll(async () => {
    output = await backtest('baselines', '--sessions', sessions, '--json', '--svg', svg)
    results = (JSON.parse(output) as { results: Measurement[] }).results
  }, 120_000)

  test('one JSON object is printed and nothing else', () => {
    expect(output.trimEnd().split('\n')).toHaveLength(1)
    const report = JSON.parse(output) as Record<string, unknown>
    expect(Object.keys(report)).toEqual(['bench', 'machine', 'versions', 'seed', 'results'])
    expect(report).toMatchObject({ bench: 'backtest baselines', seed: 1 })
  })

  test('every figure that is asked for is met', () => {
    const asked = results.filter(({ bar }) => bar !== null)
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.filter(({ ok }) => !ok)).toEqual([])
  })

  test('at its own level the fleet is off by less than 13 %, three quarters of the best standard', () => {
    const name = 'state-based-ev, 10:00-12:00'
    expect(figureIn(results, `${name}: windows counted`).value).toBe(266)
    expect(figureIn(results, `${name}: RRMSE asked for`).value).toBeCloseTo(11.5, 0)
    expect(figureIn(results, `${name}: size of the bias asked for`).value).toBeLessThan(1)
    const against = results.find(({ measure }) => measure.startsWith(`${name}: RRMSE against`))
    expect(against).toMatchObject({ bar: 0.75, ok: true })
    expect(against?.reference).toBeLessThanOrEqual(
      figureIn(results, 'mean-10-of-10-add-1h-no-gap, 10:00-12:00: RRMSE').value,
    )
  })

  test('the methods of the rule books have the error that is published for this file', () => {
    const published: [string, number, number][] = [
      ['mean-10-of-10', 28.1, -0.6],
      ['mean-10-of-10-mult-20', 21.9, 5.3],
      ['mean-10-of-10-add-20', 22.0, 5.3],
      ['mean-10-of-10-add-3h', 18.1, -0.2],
      ['mid-8-of-10', 28.6, 2.9],
      ['high-4-of-5', 30.7, 8.1],
      ['high-5-of-10', 32.3, 16.2],
      ['mid-8-of-10-add-3h', 19.0, -4.7],
      ['high-4-of-5-add-3h', 19.0, -0.9],
      ['high-5-of-10-add-3h', 18.9, 4.8],
      ['meter-before', 32.6, 26.4],
      ['state-based-ev', 11.5, -0.3],
      ['state-based-ev-capped', 13.5, 1.6],
    ]
    for (const [method, error, bias] of published) {
      const name = `${method}, 10:00-12:00`
      const errorOff = figureIn(results, `${name}: RRMSE`).value - error
      const biasOff = figureIn(results, `${name}: bias`).value - bias
      expect.soft(Math.max(Math.abs(errorOff), Math.abs(biasOff)), method).toBeLessThan(0.06)
    }
  })

  test('in no window of the day it is worse than the best rule book', () => {
    const windows = ['09:00-11:00', '11:00-13:00', '12:00-14:00', '13:00-15:00']
    for (const window of windows) {
      const name = `state-based-ev, ${window}: RRMSE against`
      const against = results.find(({ measure }) => measure.startsWith(name))
      expect(against, window).toMatchObject({ bar: 1, ok: true })
    }
  })

  test('a fleet that did nothing is paid for at most 2 % of its load, by either policy', () => {
    const name = 'paid for no response, state-based-ev, 10:00-12:00'
    const band = figureIn(results, `${name}: dead-band`)
    const month = figureIn(results, `${name}: monthly-net`)
    expect(band).toMatchObject({ bar: 2, ok: true })
    expect(month).toMatchObject({ bar: 2, ok: true })
    expect(figureIn(results, `${name}: each-window-alone`).value).toBeGreaterThan(band.value)
  })

  test('whoever is told beforehand gains nothing, and ours is not used then', () => {
    const told = results.filter(({ measure }) =>
      /^phantom delivery, .* told .* before$/.test(measure),
    )
    expect(told.length).toBeGreaterThan(10)
    expect(told.filter(({ value }) => value > 0.05)).toEqual([])
    expect(told.filter(({ measure }) => measure.includes('state-based'))).toEqual([])
  })

  test('whoever does not know the window gains less than a twentieth of what is burnt', () => {
    const blind = results.filter(({ measure }) => measure.includes('silent, any half-hour of'))
    expect(blind.length).toBeGreaterThan(1)
    expect(blind.filter(({ bar, value }) => bar !== 0.05 || value > 0.05 || value === 0)).toEqual(
      [],
    )
  })

  test('a half-hour raised above three deviations is flagged, an honest one is not', () => {
    const name = 'pre-window check, 10:00-12:00, half-hour before'
    const above = figureIn(results, `${name} raised above 3 sigma: flagged`)
    expect(above).toMatchObject({ value: 100, bar: 100, ok: true })
    expect(figureIn(results, `${name} honest: flagged`).value).toBeLessThan(5)
    const doubled = figureIn(results, `${name} raised by 1 times the mean load: flagged`)
    expect(doubled.value).toBeGreaterThan(50)
  })

  test('the picture is drawn: a bar per method, for light and dark', () => {
    const drawn = readFileSync(svg, 'utf8')
    expect(drawn).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [^]*<\/svg>\n$/)
    expect(drawn).toContain('prefers-color-scheme: dark')
    expect(drawn).toContain('>state-based-ev</text>')
    expect(drawn.match(/<rect class="own"/g)?.length).toBeGreaterThan(1)
    expect(drawn.match(/<rect class="standard"/g)?.length).toBeGreaterThan(10)
  })
})

describeWith('GRIDCALL_DATA', 'a real feeder', (data) => {
  const feeder = join(data, 'ukpn-brighton-33kv.csv')

  test('the best method is off by less than 3.5 %; days with a gap are named', async () => {
    const json = await backtest('baselines', '--feeder', feeder, '--json')
    const { results } = JSON.parse(json) as { results: Measurement[] }
    const best = results.find(({ measure }) => measure.startsWith('best method, '))
    expect(best).toMatchObject({ bar: 3.5, ok: true })
    expect(figureIn(results, 'mean-10-of-10, 17:00-19:00: RRMSE').value).toBeCloseTo(5.5, 1)
    expect(figureIn(results, 'mean-10-of-10-add-3h, 17:00-19:00: RRMSE').value).toBeCloseTo(3.2, 1)
    expect(figureIn(results, 'mean-10-of-10, 17:00-19:00: windows counted').value).toBe(32)
    const table = await backtest('baselines', '--feeder', feeder, '--methods', 'mean-10-of-10')
    expect(table).toMatch(/an interval is missing: .*2024-01-27, 2024-02-03, 2024-02-14/)
  })
})
