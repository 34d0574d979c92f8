import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findServer } from '../support/servers.ts'

/** The independent peers, pinned. */
const PACKAGES = ['ocpp==2.1.0', 'websockets==17.4', 'asyncua==2.0.1']
const venv = resolve(import.meta.dirname, '..', '..', '.data', 'venv-interop')
export const python = join(venv, 'bin', 'python')

/**
 * Once before all files of the suite: a Python environment of its own, kept in a folder that git
 * ignores. Where Python is missing, the files say so themselves.
 */
export function setup(): void {
  const systemPython = findServer('python3-venv').path
  const ready = join(venv, 'ready')
  const wanted = PACKAGES.join('\n')
  if (systemPython === null) return
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return
  execFileSync(systemPython, ['-m', 'venv', '--clear', venv], { timeout: 120_000 })
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', ...PACKAGES]
  execFileSync(python, pip, { timeout: 300_000 })
  writeFileSync(ready, wanted)
}

/** A script beside this file as a process of its own, with all that it says. */
export function runPython(script: string, args: readonly string[]) {
  const child = spawn(python, ['-u', join(import.meta.dirname, script), ...args])
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  return {
    said: () => said,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGINT')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(late)
    },
  }
}
