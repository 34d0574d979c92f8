import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The Python packages that the stations are made of. */
const PACKAGES = ['ocpp==2.1.0', 'websockets==17.4']
const venv = resolve(import.meta.dirname, '..', '..', '.data', 'venv-ocpp')
export const python = join(venv, 'bin', 'python')

/** A Python environment of its own, made once and kept in a folder that git ignores. */
export function makeVenv(systemPython: string): void {
  if (existsSync(join(venv, 'ready'))) return
  execFileSync(systemPython, ['-m', 'venv', '--clear', venv], { timeout: 120_000 })
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', ...PACKAGES]
  execFileSync(python, pip, { timeout: 180_000 })
  execFileSync(python, ['-c', `open(${JSON.stringify(join(venv, 'ready'))}, 'w').close()`])
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
