import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../support/imports.ts'
import { shellBlocks } from '../support/walk-through.ts'

const page = readFileSync(join(root, 'adapters', 'README.md'), 'utf8')
const blocks = shellBlocks(page)

/**
 * What a newcomer is told is done here word for word, in a copy of the checkout. Only `npm test --`
 * stands for the same command without its installer: the copy shares what is installed.
 */
describe('the page that leads to a new driver', () => {
  let copy: string

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'gridcall-newcomer-'))
    const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
    const files = execFileSync('git', ['-c', `safe.directory=${root}`, ...list], {
      cwd: root,
      encoding: 'utf8',
    })
    for (const file of files.split('\0')) {
      if (file === '' || !existsSync(join(root, file))) continue
      mkdirSync(dirname(join(copy, file)), { recursive: true })
      cpSync(join(root, file), join(copy, file))
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    execFileSync('git', ['init', '-q'], { cwd: copy })
  }, 60_000)
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  test('points to folders that are there', () => {
    const links = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? '')
    expect(links.length).toBeGreaterThan(4)
    expect(links.filter((link) => !existsSync(join(root, 'adapters', link)))).toEqual([])
    const files = [...page.matchAll(/`((?:orchestrator|dashboards|test)\/[\w/-]+\.ts)`/g)]
    const gone = files.map(([, file]) => file ?? '').filter((file) => !/acme/.test(file))
    expect(gone.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  test.each(
    blocks.slice(0, -1).map(({ section, text }, i) => [`${i + 1}. under "${section}"`, text]),
  )(
    'block %s does what it says',
    (_, text) => {
      const script = text.replaceAll(
        'npm test --',
        `'${process.execPath}' orchestrator/cli.ts test`,
      )
      const env = { PATH: process.env['PATH'], HOME: copy, TMPDIR: tmpdir() }
      const said = execFileSync('bash', ['-eo', 'pipefail', '-c', script], {
        cwd: copy,
        encoding: 'utf8',
        env,
        timeout: 60_000,
      })
      if (text.includes('npm test')) expect(said).toMatch(/^\d+ passed, 0 failed$/m)
    },
    70_000,
  )

  test('its last command runs the suite that every driver has its file in', () => {
    const last = blocks.at(-1)?.text ?? ''
    expect(last.trim()).toBe('npm test -- test/adapters/conformance')
    const here = (name: string) => join(root, 'test', 'adapters', 'conformance', `${name}.test.ts`)
    const drivers = ['ocpp16', 'ocpp201', 'ocpp21', 'opcua', 'modbus', 'simulated', 'blueprint']
    expect(drivers.filter((name) => !existsSync(here(name)))).toEqual([])
  })
})
