import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { run } from '#commands/simulate.ts'

const folder = mkdtempSync(join(tmpdir(), 'gridcall-year-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

async function simulate(...args: string[]): Promise<{ code: number; out: string }> {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  return { code: await run(['--scenario', ...args]), out }
}

describe('gridcall simulate --scenario', () => {
  test('refuses a scenario, a seed and a count that it does not know', async () => {
    await expect(simulate('month')).rejects.toThrow(/--scenario: expected .+ year, got month/)
    await expect(simulate('year', '--seed', 'x')).rejects.toThrow(/--seed: expected a whole number/)
    await expect(simulate('year', '--calls', '900')).rejects.toThrow(/expected 1 to 365, got 900/)
    await expect(simulate('year', '--through', 'paper')).rejects.toThrow(
      /--through: expected domain or app, got paper/,
    )
  })

  test('year: prints what each margin held and how often it was short, and draws it', {
    timeout: 60_000,
  }, async () => {
    const svg = join(folder, 'year.svg')
    const { code, out } = await simulate(
      'year',
      '--seed',
      '3',
      '--calls',
      '20',
      '--json',
      '--svg',
      svg,
    )
    const told = JSON.parse(out)
    expect(told).toMatchObject({ scenario: 'year', seed: 3, calls: 20, promisedRisk: 0.05 })
    expect(told.margins.map(({ name }: { name: string }) => name)).toEqual([
      'calibrated',
      'common-mode',
      'independent',
    ])
    expect(code).toBe(told.ok ? 0 : 1)
    expect(told.ok).toBe(told.margins[0].isInside)
    expect(told.margins[0].interval).toEqual([0, 3])
    const drawn = readFileSync(svg, 'utf8')
    for (const line of ['baseline', 'requested', 'ordered', 'measured']) {
      expect(drawn).toContain(`class="series series-${line}"`)
    }
    expect(drawn).toContain('>repaired</text>')
    expect(drawn).not.toContain('NaN')
  })
})
