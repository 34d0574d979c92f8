/** docs/measurement.md: its commands as they stand there, and every figure that it tells. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '#test/support/describe-with.ts'
import { root } from '#test/support/imports.ts'
import { measuredBundle } from '#test/support/measured-bundle.ts'
import { shellBlocks } from '#test/support/walk-through.ts'

const page = readFileSync(join(root, 'docs', 'measurement.md'), 'utf8')
const FIGURE = /^(refused|[+-]?\d+\.\d+( \/ [+-]\d+\.\d+)?)$/

/** Rows of the page's tables that tell figures of a method: its name and the figures. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.slice(2, -2).split(' | '))
  .filter((cells) => cells.length > 1 && cells.slice(1).every((cell) => FIGURE.test(cell)))
  .map(([name = '', ...figures]) => ({ name: name.replaceAll('`', ''), figures }))

describeWith('GRIDCALL_DATA', 'its commands, one after the other', (data) => {
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-measurement-'))
  let said = ''

  beforeAll(async () => {
    writeFileSync(join(folder, 'evidence.json'), await measuredBundle(folder))
    // The page's own lines; only what installs and updates before each of them is left out.
    const npm = `npm() { shift 4; "${process.execPath}" orchestrator/cli.ts backtest "$@"; }`
    const script = [npm, ...shellBlocks(page).map(({ text }) => text)].join('\n')
    const env = { ...process.env, WALK: folder, GRIDCALL_DATA: data }
    const options = { cwd: root, env, timeout: 120_000, maxBuffer: 1e7 }
    said = (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], options)).stdout
  }, 150_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('print every figure of its tables', () => {
    expect(rows.length).toBeGreaterThan(70)
    const printed = new Set(said.split('\n').map((line) => line.replaceAll(/\s+/g, ' ')))
    const isPrinted = (text: string) =>
      [...printed].some((line) => line === text || line.startsWith(`${text} `))
    const unprinted = rows
      .map(({ name, figures }) => [name, ...figures].join(' '))
      .filter((row) => !isPrinted(row))
    expect(unprinted).toEqual([])
  })

  test('print every figure of its sentences', () => {
    const blind = / gets back ([\d.]+) of it [^]*? and ([\d.]+) if\s+it is one of 08:00-18:00/.exec(
      page,
    )
    expect(said).toContain(
      `any half-hour of the day, one call in five days: state-based-ev ${blind?.[1]}\n`,
    )
    expect(said).toContain(
      `half-hour of 08:00-18:00, one call in five days: state-based-ev ${blind?.[2]}\n`,
    )
    const found = /Found are [^]*?as much\./.exec(page)?.[0] ?? ''
    const [honest, above, once, twice] = [...found.matchAll(/([\d.]+) %/g)].map(
      ([, share]) => share,
    )
    expect(said).toContain(
      `honest ${honest} %, raised above 3 sigma ${above} %, raised by 0.5 times the mean load`,
    )
    expect(said).toContain(
      `raised by 1 times the mean load ${once} %, raised by 2 times the mean load ${twice} %`,
    )
  })

  test('draw their pictures and repeat the settlement', () => {
    for (const name of ['meter', 'fleet', 'feeder', 'policies']) {
      expect(readFileSync(join(folder, `${name}.svg`), 'utf8')).toMatch(/^<svg [^]*<\/svg>\n$/)
    }
    expect(said).toContain('their own policy replayed pays what the bundles say')
  })

  test('with quarters of an hour ours stays below the best rule book in every window', () => {
    const [, after = ''] = said.split(', 15 min, America/Los_Angeles')
    const [quarters = ''] = after.split(', 30 min, Europe/London')
    const verdicts = [
      ...quarters.matchAll(/^\d\d:00-\d\d:00: best .* state-based-ev .* %, (0\.\d\d) of it$/gm),
    ]
    expect(verdicts).toHaveLength(5)
    expect(Number(verdicts[0]?.[1])).toBeLessThanOrEqual(0.75)
    for (const [line, ratio] of verdicts) expect(Number(ratio), line).toBeLessThan(1)
  })
})
