import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Hex } from '#domain/ids.ts'
import type { SignedRounds } from '#verifier/verifier.ts'

type Line = { readonly requestId: Hex; readonly round: number; readonly statement: Hex }

/**
 * What a verifier has signed, in a file beside its key that only grows: a line is on the disk
 * before the signature is made. A last line that a crash cut off never led to a signature.
 * @throws Error naming a line that cannot be read
 */
export async function openSignedRounds(file: string): Promise<SignedRounds> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const known = await readLines(file)
  let last: Promise<unknown> = Promise.resolve()

  async function keep(requestId: Hex, round: number, statement: Hex): Promise<Hex> {
    const key = keyOf({ requestId, round })
    const kept = known.get(key)
    if (kept !== undefined) return kept
    const handle = await open(file, 'a', 0o600)
    try {
      await handle.write(`${JSON.stringify({ requestId, round, statement })}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    known.set(key, statement)
    return statement
  }

  return {
    keep(requestId, round, statement) {
      const kept = last.then(() => keep(requestId, round, statement))
      last = kept.catch(() => undefined) // told to who asked
      return kept
    },
  }
}

function keyOf({ requestId, round }: Pick<Line, 'requestId' | 'round'>): string {
  return `${requestId} ${round}`
}

async function readLines(file: string): Promise<Map<string, Hex>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  // Without its end a line would swallow the next one.
  if (whole.length < text.length) await shorten(file, Buffer.byteLength(whole))
  const lines = whole.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line, i) => {
      const found = parsed(line)
      if (found === null) throw new Error(`${file}, line ${i + 1}: expected what was signed`)
      return [keyOf(found), found.statement]
    }),
  )
}

async function shorten(file: string, length: number): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.truncate(length)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function parsed(line: string): Line | null {
  try {
    const found = JSON.parse(line) as Partial<Line>
    const isWhole = found.requestId !== undefined && found.statement !== undefined
    return isWhole && Number.isInteger(found.round) ? (found as Line) : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
