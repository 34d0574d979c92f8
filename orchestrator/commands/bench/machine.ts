import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { root } from '../tool.ts'

export type Machine = {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  /** Of one process; null where the system does not tell. */
  readonly openFilesMax: number | null
}

/** What the figures were taken on. */
export function machine(): Machine {
  const [first] = cpus()
  return {
    processor: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${release()} ${process.arch}`,
    openFilesMax: openFilesMax(),
  }
}

/** Node raises its own limit to the hard one when it starts. */
export function openFilesMax(): number | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const [, hard] = /^Max open files\s+\d+\s+(\d+)/m.exec(limits) ?? []
    return hard === undefined ? null : Number(hard)
  } catch {
    return null // not Linux
  }
}

/** Of this program, of Node and of the packages that the figures depend on. */
export function versions(packages: readonly string[]): Record<string, string> {
  const own = versionIn(join(root, 'package.json'))
  const found = packages.map((name) => [
    name,
    versionIn(join(root, 'node_modules', name, 'package.json')),
  ])
  return { gridcall: own, node: process.version, ...Object.fromEntries(found) }
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
