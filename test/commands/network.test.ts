import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { run } from '#commands/network.ts'
import { ieee33 } from '#commands/bench/ieee33.ts'

const folder = mkdtempSync(join(tmpdir(), 'gridcall-network-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

/** The exit code of the command and what it printed. */
async function check(content: string, ...more: string[]): Promise<{ code: number; out: string }> {
  const file = join(folder, 'feeder.json')
  writeFileSync(file, content)
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  return { code: await run(['check', file, ...more]), out }
}

describe('gridcall network check', () => {
  test('names what is wrong with a file', async () => {
    expect(await check('{')).toMatchObject({ code: 1, out: expect.stringContaining('JSON') })
    const { code, out } = await check(JSON.stringify({ ...ieee33(), baseKv: null }), '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      problems: [{ field: 'baseKv', expected: 'a number from 0.001 to 1000000', got: 'null' }],
    })
  })

  test('solves a feeder that can be used, and tells what each bus does to a branch', async () => {
    const { code, out } = await check(JSON.stringify(ieee33()), '--json', '--branch', '6-26')
    const told = JSON.parse(out)
    expect(code).toBe(0)
    expect(told).toMatchObject({ ok: true, buses: 33, broken: [] })
    expect(told.solution.lowest).toEqual({ bus: '18', pu: expect.closeTo(0.9131, 4) })
    expect(told.solution.linDistFlowFurthestPu).toBeLessThanOrEqual(0.005)
    expect(Object.keys(told.effects)).toEqual(['26', '27', '28', '29', '30', '31', '32', '33'])
  })

  test('says which limits its own loads break', async () => {
    const file = { ...ieee33(), voltageBandPu: { min: 0.95, max: 1.05 } }
    const { code, out } = await check(JSON.stringify(file))
    expect(code).toBe(1)
    expect(out).toContain('18: 0.9131 pu, allowed are 0.9550 pu')
  })

  test('tells by how much voltages rise for 100 kW less at a bus, there most', async () => {
    const feeder = ieee33()
    const { out } = await check(JSON.stringify(feeder), '--json', '--bus', '18')
    const { risesPuPer100Kw } = JSON.parse(out) as { risesPuPer100Kw: Record<string, number> }
    const { [18]: there = 0, [17]: before = 0, [33]: beside = 0, [1]: root } = risesPuPer100Kw
    expect(there).toBeGreaterThan(before)
    expect(before).toBeGreaterThan(beside)
    expect(beside).toBeGreaterThan(0)
    expect(root).toBe(undefined)
    await expect(check(JSON.stringify(feeder), '--bus', 'x')).rejects.toThrow(
      /--bus: expected a bus of IEEE 33-bus, got x/,
    )
  })

  test('refuses a branch that the feeder has not', async () => {
    await expect(check(JSON.stringify(ieee33()), '--branch', 'x')).rejects.toThrow(
      /--branch: expected a branch of IEEE 33-bus, got x/,
    )
  })
})
