import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

/** What some suites need and npm does not bring. */
export type ServerName = 'chromium' | 'redis-server' | 'python3-venv' | 'GRIDCALL_DATA'

export type Found =
  | { readonly path: string; readonly missing: null }
  | { readonly path: null; readonly missing: string }

const root = resolve(import.meta.dirname, '..', '..')

/** Where the server or the data is, or in words why a suite has to be skipped. */
export function findServer(name: ServerName): Found {
  switch (name) {
    case 'chromium':
      return onPath(['chromium', 'chromium-browser', 'google-chrome'], 'chromium')
    case 'redis-server':
      return onPath(['redis-server', 'valkey-server'], 'redis-server')
    case 'python3-venv':
      return pythonWithVenv()
    case 'GRIDCALL_DATA':
      return realData()
  }
}

/**
 * True if a suite without this server has to fail instead of being skipped. Data are not demanded:
 * nothing can install them.
 */
export function isRequired(name: ServerName): boolean {
  return process.env.GRIDCALL_REQUIRE_ALL === '1' && name !== 'GRIDCALL_DATA'
}

function onPath(programs: readonly string[], debianPackage: string): Found {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const program = programs.find((name) => folder !== '' && existsSync(join(folder, name)))
    if (program !== undefined) return { path: join(folder, program), missing: null }
  }
  const missing = `${debianPackage} is not on PATH (Debian: apt-get install ${debianPackage})`
  return { path: null, missing }
}

function pythonWithVenv(): Found {
  const python = onPath(['python3'], 'python3')
  if (python.path === null) return python
  const { status } = spawnSync(python.path, ['-c', 'import ensurepip, venv'], { timeout: 20_000 })
  if (status === 0) return python
  return { path: null, missing: 'python3 has no venv (Debian: apt-get install python3-venv)' }
}

function realData(): Found {
  const folder = resolve(process.env.GRIDCALL_DATA ?? join(root, '..', 'shared', 'data'))
  if (existsSync(folder)) return { path: folder, missing: null }
  return { path: null, missing: `no measured data in ${folder} (set GRIDCALL_DATA)` }
}
