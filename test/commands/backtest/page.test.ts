import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BUILT_IN_METHODS } from '#domain/baseline/methods.ts'
import { root } from '#test/support/imports.ts'

/* test/interop/measurement.test.ts runs the page's commands and compares its figures. */
const page = readFileSync(join(root, 'docs', 'measurement.md'), 'utf8')

describe('the page on measurement', () => {
  test('is what README points to, and every file it points to is there', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('(docs/measurement.md)')
    const links = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? '')
    expect(links.filter((link) => !existsSync(join(root, 'docs', link)))).toEqual([])
  })

  test('names every built-in method, and marks what is a reading', () => {
    for (const { name, status } of BUILT_IN_METHODS) {
      const line = page
        .split('\n')
        .find((one) => one.startsWith('| `') && one.includes(`\`${name}\``))
      expect(line, name).toBeDefined()
      const told = page.match(new RegExp(`^\\| (?:\`[^|]*)?\`${name}\`.*reading: .*$`, 'm'))
      expect(told !== null, `${name} is ${status}`).toBe(status === 'reading')
    }
  })
})
