import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { removeServers } from '#supervisor.ts'
import { lastWords, shellBlocks, type Walk, walk } from '#test/support/walk-through.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

const docs = resolve(import.meta.dirname, '..', '..', 'docs')
const DEADLINE_MS = 360_000

export type Followed = {
  readonly result: Walk
  /** Every block of the page was run to its end. */
  readonly isWhole: boolean
  /** What the last block and the logs said, for whoever has to find out why. */
  readonly lastWords: string
  /** All that was printed. */
  readonly said: string
  /** A file of the folder that the page itself makes; '' where there is none. */
  read(name: string): string
  remove(): Promise<void>
}

/** Follows a page of docs/ word by word: its shell blocks, one after the other in one bash. */
export async function follow(page: string, logs: readonly string[]): Promise<Followed> {
  const blocks = shellBlocks(readFileSync(join(docs, page), 'utf8'))
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-guide-'))
  const result = await walk(blocks, { folder, deadlineMs: DEADLINE_MS })
  const made = readdirSync(folder).find((name) => existsSync(join(folder, name, 'service.log')))
  const walked = join(folder, made ?? 'nothing')
  return {
    result,
    isWhole: result.blocks.filter(({ isDone }) => isDone).length === blocks.length,
    lastWords: lastWords(
      result,
      logs.map((name) => join(walked, name)),
    ),
    said: result.blocks.map(({ output }) => output).join('\n'),
    read: (name) =>
      existsSync(join(walked, name)) ? readFileSync(join(walked, name), 'utf8') : '',
    async remove() {
      await removeServers(join(walked, 'data'), wallTimer)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Files that a page points to and that are not there. */
export function deadLinks(page: string): string[] {
  const text = readFileSync(join(docs, page), 'utf8')
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? '')
  return links.filter((link) => !existsSync(join(docs, link)))
}
