import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { callsPicture } from '#commands/simulate/call-picture.ts'
import { drawnCall, drawnRebound } from '#commands/simulate/drawn-call.ts'
import { playScenario, type PlayedCall } from '#commands/simulate/play-scenario.ts'
import { run } from '#commands/simulate.ts'
import { decisionsOf } from '#domain/decision.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'

const SEED = 7
const DISOBEY = 3
const folder = mkdtempSync(join(tmpdir(), 'gridcall-scenario-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

describe('gridcall simulate --scenario bundled', () => {
  test('refuses a real day without its files', async () => {
    const args = ['--scenario', 'real-day', '--feeder', 'feeder.csv']
    await expect(run(args)).rejects.toThrow(/expected --feeder, --sessions and --day/)
  })

  test('prints what was decided about every device and why, and draws both calls', async () => {
    let out = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text)
      return true
    })
    const svg = join(folder, 'bundled.svg')
    const code = await run(['--scenario', 'bundled', '--seed', `${SEED}`, '--json', '--svg', svg])
    const told = JSON.parse(out)
    expect(told).toMatchObject({ scenario: 'bundled', seed: SEED, disobey: 2, ok: true })
    expect(code).toBe(0)
    expect(told.calls).toHaveLength(2)
    for (const { state, decisions, rebound, afterWindow } of told.calls) {
      expect(state).toBe('measured')
      expect(rebound.peakW).toBeGreaterThan(0)
      expect(rebound.peakW).toBeLessThanOrEqual(rebound.plannedPeakW)
      expect(rebound).toMatchObject({ plannedOvershootW: 0, overshootW: 0 })
      expect(afterWindow).toMatch(/planned: at most .* Measured: at most \d+ W at once/)
      for (const { sentence, toOwner } of decisions) {
        expect(sentence).toMatch(/\.$/)
        expect(toOwner).toMatch(/\byour (device|car|charger)\b/i)
      }
    }
    const drawn = readFileSync(svg, 'utf8')
    const curves = (line: string) =>
      drawn.match(new RegExp(`class="series series-${line}" d="M[0-9]`, 'g'))
    // In the legend and in the window of each call; what is known after it once more.
    for (const line of ['requested', 'ordered', 'planned', 'room']) {
      expect(curves(line)).toHaveLength(4)
    }
    for (const line of ['baseline', 'measured']) expect(curves(line)).toHaveLength(6)
    expect(drawn.match(/>those that come back<\/text>/g)).toHaveLength(2)
    expect(drawn.match(/>repaired<\/text>/g)).toHaveLength(2)
    expect(drawn).not.toContain('NaN')
  })
})

describe('a scenario without sockets or wall time', () => {
  let played: PlayedCall[]
  beforeAll(async () => {
    played = await playScenario(bundledScenario(SEED), DISOBEY)
  })
  const bundleOf = (index: number): EvidenceBundle => {
    const bundle = played[index]?.bundle
    if (!bundle) throw new Error(`call ${index} was not measured`)
    return bundle
  }

  test('finds out those that say yes and do nothing, and nobody else', () => {
    const [main] = played
    const released = decisionsOf((main as PlayedCall).call)
      .filter(({ final }) => final.code === 'released-not-obeying')
      .map(({ resourceId }) => resourceId)
    expect(released).toHaveLength(DISOBEY)
    expect((main as PlayedCall).call.repairs.map(({ resourceId }) => resourceId).sort()).toEqual(
      released,
    )
  })

  test('is drawn as it was measured: what lies under the baseline is what was delivered', () => {
    for (const index of [0, 1]) {
      const { terms, settlement } = bundleOf(index)
      const { moments, ticks } = drawnCall('a call', bundleOf(index))
      const hours = terms.program.meteringIntervalSeconds / 3600
      const savedWh = moments.reduce((sum, one) => sum + (one.baselineW - one.measuredW) * hours, 0)
      expect(Math.abs(savedWh / settlement.deliveredWh - 1)).toBeLessThan(0.03)
      expect(ticks.at(-1)).toEqual({ at: moments.length, words: '17:30' })
      const [first] = moments
      expect((first?.baselineW ?? 0) - (first?.orderedW ?? 0)).toBeCloseTo(terms.orderedW[0] ?? 0)
    }
  })

  test('shows after the window how devices come back: in steps, under what was planned', () => {
    for (const { call, bundle } of played) {
      if (bundle === null) throw new Error('it was measured')
      const { measured } = call.rebound ?? {}
      const { after, moments, ticks } = drawnCall('a call', bundle, drawnRebound(call.rebound))
      expect(after.length).toBeGreaterThan(4)
      expect(ticks.at(-1)?.at).toBe(moments.length + after.length)
      const powersW = after.map(({ measuredW }) => measuredW ?? Number.NaN)
      expect(Math.max(...powersW)).toBe(measured?.peakW)
      expect(powersW).toEqual([...powersW].sort((a, b) => a - b))
      expect(new Set(powersW).size).toBeGreaterThan(1)
      for (const { plannedW, measuredW, roomW } of after) {
        expect(measuredW).toBeLessThanOrEqual(plannedW ?? 0)
        expect(plannedW).toBeLessThanOrEqual(roomW ?? 0)
      }
    }
    expect(drawnCall('a call', bundleOf(0)).after).toEqual([])
  })

  test('shows what stand-ins gave only once there are any', () => {
    const { moments } = drawnCall('a call', bundleOf(0))
    const repairedW = moments.map((one) => one.withoutRepairW - one.measuredW)
    expect(repairedW[0]).toBe(0)
    expect(repairedW.at(-1)).toBeGreaterThan(1_000)
  })

  test('shows a device that nothing was heard of at its baseline', () => {
    const bundle = bundleOf(0)
    const deaf = drawnCall('a call', { ...bundle, readings: [] })
    for (const { baselineW, measuredW } of deaf.moments) expect(measuredW).toBe(baselineW)
    expect(callsPicture('deaf', [deaf])).not.toContain('NaN')
  })
})
