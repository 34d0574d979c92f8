import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A chain that runs, or is coming up. */
export type Note = { readonly pid: number; readonly port: number }

/** Somebody who is about to start one. */
type Claim = { readonly starter: number }

const nameOf = (dataDir: string) => join(dataDir, 'anvil.json')

/** Null where there is no note, or one that another process is just writing. */
export function readNote(dataDir: string): Note | Claim | null {
  try {
    return JSON.parse(readFileSync(nameOf(dataDir), 'utf8')) as Note | Claim
  } catch (error) {
    if (error instanceof SyntaxError) return null
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** True if we are the one to start the chain: none runs, and nobody else is about to start one. */
export function claim(dataDir: string): boolean {
  const note = readNote(dataDir)
  if (note !== null) {
    const isHeld = 'starter' in note ? isAlive(note.starter) : isRunning(note)
    if (isHeld) return false
    forget(dataDir)
  }
  try {
    writeFileSync(nameOf(dataDir), JSON.stringify({ starter: process.pid }), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Replaced as a whole, so that a reader never sees half of it. */
export function writeNote(dataDir: string, note: Note): void {
  const part = `${nameOf(dataDir)}.${process.pid}.part`
  writeFileSync(part, JSON.stringify(note))
  renameSync(part, nameOf(dataDir))
}

export function forget(dataDir: string): void {
  rmSync(nameOf(dataDir), { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** True while the chain's process runs: its number may belong to another program by now. */
export function isRunning({ pid, port }: Note): boolean {
  if (!isAlive(pid)) return false
  if (process.platform !== 'linux') return true
  try {
    // Empty for a process that has ended and that nobody has waited for.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(`--port=${port}`)
  } catch {
    return false // gone between the two looks
  }
}
