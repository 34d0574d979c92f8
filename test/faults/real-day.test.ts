import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type DemoRun, gridcall, root, startDemo } from '../support/demo-run.ts'

const folder = process.env.GRIDCALL_DATA ?? join(root, '..', 'shared', 'data')
const feeder = join(folder, 'ukpn-brighton-33kv.csv')
const sessions = join(folder, 'acn-charging-sessions.csv')
const hasData = existsSync(feeder) && existsSync(sessions)
if (!hasData) console.log(`real days are skipped: no measurements in ${folder} (GRIDCALL_DATA)`)

const filesOf = (day: string) => ['--feeder', feeder, '--sessions', sessions, '--day', day]

describe.skipIf(!hasData)('a call out of a measured day', () => {
  let run: DemoRun
  afterEach(() => run?.stop())

  it.each(['2024-01-17', '2024-02-07'])('%s is paid, and says what it was made of', async (day) => {
    run = startDemo('--once', '--disobey', '0', ...filesOf(day))
    const [, input] = await run.line(/^input (\{.*\})$/)
    const json = await run.json()
    expect(run.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
    expect(json.state).toBe('paid')
    expect(json.input).toEqual(JSON.parse(input ?? '{}'))
    expect(json.input).toMatchObject({
      limitW: expect.any(Number),
      scale: expect.any(Number),
      sessionDay: expect.stringMatching(/^2019-\d\d-\d\d$/),
      shiftHours: expect.any(Number),
      sessions: expect.any(Number),
    })
    expect(json.delivered.ocppWh).toBeGreaterThan(0)
    expect(json.delivered.opcuaWh).toBeGreaterThan(0)
    expect(json.reconciled).toBe(true)
    console.log(`${day}: ${JSON.stringify(json.seconds)}`)
    expect(await run.ended()).toBe(0)
    expect(run.left()).toEqual([])
  })

  it('is refused by name where a half-hour is missing', async () => {
    const { code, stderr, stdout } = await gridcall(['demo', '--once', ...filesOf('2024-01-27')])
    expect(code).not.toBe(0)
    expect(stdout).toBe('')
    expect(stderr).toContain('2024-01-27')
  })
})
