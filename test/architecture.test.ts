import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rowOf, violations } from './support/import-rules.ts'
import { rows } from './support/import-table.ts'
import { root } from './support/imports.ts'

/** Tracked, and not yet tracked but not ignored either: a new file is looked at before its commit. */
const sourceFiles = execFileSync(
  'git',
  ['-c', `safe.directory=${root}`, 'ls-files', '--cached', '--others', '--exclude-standard'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((file) => /\.[cm]?[jt]sx?$/.test(file) && existsSync(join(root, file)))

describe('who may import whom', () => {
  test('the whole product is looked at', () => {
    expect(sourceFiles.length).toBeGreaterThan(100)
    const looked = new Set(sourceFiles.map((file) => rowOf(file)?.name))
    const places = ['domain', 'lifecycle', 'db', 'http', 'adapters/ocpp', 'simulations', 'test']
    expect(places.filter((place) => !looked.has(place))).toEqual([])
  })

  test('no file imports what its row of the table does not allow', () => {
    const found = sourceFiles.flatMap((file) => {
      return violations(file, readFileSync(join(root, file), 'utf8'))
    })
    expect(found).toEqual([])
  })
})

describe('the table itself', () => {
  test.each(rows.map((row) => [row.name, row] as const))(
    '%s: its forbidden import is reported',
    (_name, row) => {
      const { file, source } = row.forbidden
      expect(rowOf(file)).toBe(row)
      expect(violations(file, source)).toEqual([expect.stringContaining(`${file}:1`)])
    },
  )

  test('a file in an unknown folder is reported', () => {
    for (const file of [
      'utils/text.ts',
      'orchestrator/helpers/money.ts',
      'adapters/mqtt/wire.ts',
    ]) {
      expect(violations(file, '')).toEqual([`${file}: no row of the import table knows this place`])
    }
  })

  test.each([
    ['a static import', "import { x } from '#db/store.ts'"],
    ['a type import', "import type { X } from '#db/store.ts'"],
    ['an inline type', "type X = import('#db/store.ts').X"],
    ['a re-export', "export * from '#db/store.ts'"],
    ['a dynamic import', "const x = await import('#db/store.ts')"],
    ['a require', "const x = require('../db/store.ts')"],
    ['a side effect', "import '#db/store.ts'"],
  ])('%s is seen', (_what, source) => {
    expect(violations('orchestrator/lifecycle/settle-call.ts', source)).toHaveLength(1)
  })

  test.each([
    ['the time', 'export const at = Date.now()'],
    ['the time as a date', 'export const at = new Date()'],
    ['chance', 'export const at = Math.random()'],
    ['the environment', 'export const at = process.env.TZ'],
    ['the network', "export const at = fetch('http://localhost')"],
  ])('domain may not ask the machine for %s', (_what, source) => {
    expect(violations('orchestrator/domain/money.ts', source)).toHaveLength(1)
  })

  test('a relative path into another folder is reported, one within a folder is not', () => {
    const file = 'orchestrator/http/routes/calls.ts'
    expect(violations(file, "import { x } from '../../lifecycle/settle-call.ts'")).toEqual([
      `${file}:1 imports ../../lifecycle/settle-call.ts: another folder is named with #`,
    ])
    expect(violations(file, "import { x } from '../auth.ts'")).toEqual([])
  })

  test('what starts the product is not imported by it', () => {
    const file = 'orchestrator/app.ts'
    expect(violations(file, "import { main } from '#main.ts'")).toEqual([
      `${file}:1 imports #main.ts: nothing of the product imports it`,
    ])
  })

  test('pages take the type of the API and nothing else of it', () => {
    const file = 'dashboards/api.ts'
    expect(violations(file, "import type { Api } from '#http/api.ts'")).toEqual([])
    expect(violations(file, "import type { ApiContext } from '#http/api.ts'")).toHaveLength(1)
  })
})
