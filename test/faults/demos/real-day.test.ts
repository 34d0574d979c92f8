import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { loadRealDay } from '#simulations/scenarios/real-day.ts'
import { describeWith } from '../../support/describe-with.ts'
import { type DemoRun, gridcall, startDemo } from '../../support/demo-run.ts'

/** A Wednesday with four half-hours above the limit, and a Sunday with three and hardly any car. */
const DAYS = [
  { day: '2024-01-17', sessionDay: '2019-01-16', periods: 4 },
  { day: '2024-01-28', sessionDay: '2019-01-27', periods: 3 },
]

describeWith('GRIDCALL_DATA', 'a measured day', (data) => {
  const files = {
    feeder: join(data, 'ukpn-brighton-33kv.csv'),
    sessions: join(data, 'acn-charging-sessions.csv'),
  }
  const input = ['--feeder', files.feeder, '--sessions', files.sessions]
  let run: DemoRun | undefined
  afterEach(() => run?.stop())

  test('with a missing half-hour is refused by name, before anything is started', async () => {
    const { code, stdout, stderr } = await gridcall(['demo', ...input, '--day', '2024-01-27'])
    expect(stderr).toBe(
      'gridcall: 2024-01-27: expected 48 measured half-hours, 1 missing, from 19:30 UTC: ' +
        'this day is refused\n',
    )
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })

  test('without its sessions is refused', async () => {
    const { code, stderr } = await gridcall(['demo', ...input.slice(0, 2), '--day', '2024-01-17'])
    expect(stderr).toBe(
      'gridcall: --feeder, --sessions and --day: expected all three, got only some\n',
    )
    expect(code).toBe(1)
  })

  test.each(DAYS)('$day becomes a call that is paid', async ({ day, sessionDay, periods }) => {
    run = startDemo('--once', '--disobey', '1', ...input, '--day', day)
    const scenario = await loadRealDay(1, day, files)
    const [, printed = ''] = await run.line(/^input (\{.+\})$/)
    expect(JSON.parse(printed)).toEqual(scenario.input)

    const json = await run.json()
    expect(run.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
    expect(json).toMatchObject({ state: 'paid', reconciled: true, input: scenario.input })
    expect(json.input).toMatchObject({ sessionDay })
    expect(json.input?.scale).toBeGreaterThan(0)
    expect(json.periods).toHaveLength(periods)
    expect(json.deliveredWh).toBeGreaterThan(0)
    expect(json.driversShort).toBe(0)
    expect(await run.ended()).toBe(0)
    expect(run.left()).toEqual([])
    process.stderr.write(`${day}: ${json.seconds.total} s in all\n`)
  })

  test('has its limit from the feeder’s own file', () => {
    const rows = readFileSync(files.feeder, 'utf8').split('\n')
    const loads = rows
      .filter((row) => row.startsWith('2024-01-17'))
      .map((row) => row.split(',').slice(1).map(Number))
      .map(([first = Number.NaN, second = Number.NaN]) => Math.round((first + second) * 1e6))
    const fifthHighest = loads.toSorted((a, b) => b - a)[4]
    return expect(loadRealDay(1, '2024-01-17', files)).resolves.toMatchObject({
      input: { limitW: fifthHighest },
    })
  })
})
