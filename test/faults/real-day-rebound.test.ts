import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { run } from '#commands/simulate.ts'
import { secondsBetween, parseInstant } from '#domain/time.ts'
import { loadRealDay } from '#simulations/scenarios/real-day.ts'
import { describeWith } from '../support/describe-with.ts'

const folder = mkdtempSync(join(tmpdir(), 'gridcall-real-day-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

/** Two working days on which cars are held, and a Sunday with a battery alone. */
const DAYS = [
  { day: '2024-01-17', periods: 4 },
  { day: '2024-02-06', periods: 4 },
  { day: '2024-01-28', periods: 3 },
]

describeWith('GRIDCALL_DATA', 'gridcall simulate --scenario real-day', (data) => {
  const files = {
    feeder: join(data, 'ukpn-brighton-33kv.csv'),
    sessions: join(data, 'acn-charging-sessions.csv'),
  }
  const input = ['--feeder', files.feeder, '--sessions', files.sessions]

  async function simulate(day: string, svg: string) {
    let out = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text)
      return true
    })
    const scenario = ['--scenario', 'real-day', '--day', day, ...input]
    const code = await run([...scenario, '--seed', '7', '--json', '--svg', svg])
    vi.restoreAllMocks()
    return { code, told: JSON.parse(out) }
  }

  test('refuses a day with a missing half-hour by name', async () => {
    const scenario = ['--scenario', 'real-day', '--day', '2024-01-27', ...input]
    await expect(run(scenario)).rejects.toThrow(/^2024-01-27: expected 48 measured half-hours/)
  })

  test.each(DAYS)(
    '$day is measured, and its devices come back as there is room',
    async ({ day, periods }) => {
      const svg = join(folder, `${day}.svg`)
      const { code, told } = await simulate(day, svg)
      const { calls, devices, congestionPoints, sites } = await loadRealDay(7, day, files)
      expect({ code, ok: told.ok, calls: told.calls.length }).toEqual({
        code: 0,
        ok: true,
        calls: 1,
      })
      const [{ state, orderedWh, deliveredWh, deficientWh, decisions, rebound }] = told.calls
      expect(state).toBe('measured')
      expect(calls.main.periods).toHaveLength(periods)
      expect(deliveredWh).toBeGreaterThan(0.98 * orderedWh)
      expect(deficientWh).toBeLessThan(0.02 * orderedWh)
      const [north] = congestionPoints
      const near = sites.filter(({ congestionPoint }) => congestionPoint === north?.ref)
      const enrolled = devices.filter(({ site }) => near.some(({ ref }) => ref === site))
      expect(decisions).toHaveLength(enrolled.length)
      for (const { sentence, toOwner } of decisions) {
        expect(sentence).toMatch(/\.$/)
        expect(toOwner).toMatch(/\byour (device|car|charger)\b/i)
      }
      // The feeder is still near its limit: who has no room waits for the next half-hour, or more.
      const waitedS = secondsBetween(
        parseInstant(calls.main.windowEnd),
        parseInstant(rebound.doneAt),
      )
      expect(waitedS).toBeGreaterThanOrEqual(1800)
      expect(rebound).toMatchObject({ plannedOvershootW: 0, overshootW: 0 })
      expect(rebound.peakW).toBeLessThanOrEqual(rebound.plannedPeakW)
      const drawn = readFileSync(svg, 'utf8')
      expect(drawn).toContain('>those that come back</text>')
      expect(drawn).not.toContain('NaN')
    },
  )
})
