import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { removeEmbeddedPostgres } from '#adapters/embedded-postgres/embedded-postgres.ts'
import { wallTimer } from './wall-timer.ts'

declare module 'vitest' {
  interface ProvidedContext {
    testRunFolder: string
  }
}

const prefix = 'gridcall-test-'

/** A folder for what the test files of one run share; the database starts in it when first needed. */
export function setup({ provide }: TestProject): () => Promise<void> {
  const sweeping = removeAbandonedRuns()
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  chmodSync(folder, 0o711) // the server's account is another one when we are root
  provide('testRunFolder', folder)
  return async () => {
    await sweeping
    await removeRun(folder)
  }
}

async function removeRun(folder: string): Promise<void> {
  await removeEmbeddedPostgres(join(folder, 'postgres'), wallTimer)
  rmSync(folder, { recursive: true, force: true })
}

/** A run that was killed could not stop its database: the next run does. */
async function removeAbandonedRuns(): Promise<void> {
  const own = process.getuid?.()
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    const folder = join(tmpdir(), name)
    if (ownerOf(folder) === own) await removeRun(folder)
  }
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
