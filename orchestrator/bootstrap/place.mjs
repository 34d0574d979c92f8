/** Where things are, and the one way to talk and to fail while nothing is installed yet. */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Git-ignored: the Node that was brought, stamps and the lock. */
export const runtimeFolder = join(root, '.runtime')

export const windows = process.platform === 'win32'

/** A failure that the reader can do something about: one sentence, no stack. */
export class Refusal extends Error {}

/** On stderr only: stdout belongs to the command. */
export function say(text) {
  process.stderr.write(`gridcall: ${text}\n`)
}

/** The file's text, or null where there is none. */
export function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  }
}
