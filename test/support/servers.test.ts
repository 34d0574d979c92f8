import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findServer, isRequired } from './servers.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gridcall-servers-'))
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

test('a server that is missing is named with the way to install it', () => {
  vi.stubEnv('PATH', folder)
  expect(findServer('redis-server')).toEqual({
    path: null,
    missing: 'redis-server is not on PATH (Debian: apt-get install redis-server)',
  })
  expect(findServer('chromium').missing).toMatch(/apt-get install chromium/)
  expect(findServer('python3-venv').missing).toMatch(/apt-get install python3/)
})

test('a server on PATH is found', () => {
  writeFileSync(join(folder, 'redis-server'), '')
  vi.stubEnv('PATH', [join(folder, 'none'), folder].join(delimiter))
  expect(findServer('redis-server')).toEqual({ path: join(folder, 'redis-server'), missing: null })
})

test('measured data are looked for where GRIDCALL_DATA says', () => {
  vi.stubEnv('GRIDCALL_DATA', join(folder, 'data'))
  expect(findServer('GRIDCALL_DATA').missing).toMatch(/no measured data in .*data/)
  mkdirSync(join(folder, 'data'))
  expect(findServer('GRIDCALL_DATA')).toEqual({ path: join(folder, 'data'), missing: null })
})

test('where all servers are demanded, data still are not: nothing can install them', () => {
  vi.stubEnv('GRIDCALL_REQUIRE_ALL', '')
  expect(isRequired('chromium')).toBe(false)
  vi.stubEnv('GRIDCALL_REQUIRE_ALL', '1')
  expect(isRequired('chromium')).toBe(true)
  expect(isRequired('GRIDCALL_DATA')).toBe(false)
})
