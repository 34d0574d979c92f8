import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { inject } from 'vitest'

const dashboards = resolve(import.meta.dirname, '..', '..', 'dashboards')

/** The folder with the pages, built once a run by whoever needs them first. */
export async function builtPages(): Promise<string> {
  const folder = join(inject('testRunFolder'), 'pages')
  if (existsSync(folder)) return folder
  // Another file may build at the same time: the one that is whole first is taken by both.
  const own = `${folder}-${process.pid}`
  mkdirSync(own)
  const { build } = await import('vite')
  await build({
    configFile: join(dashboards, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: own },
  })
  if (!existsSync(folder)) rename(own, folder)
  return folder
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error // else the other one was quicker
  }
}
