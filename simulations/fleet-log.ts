import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export type LogLine = {
  /** Business time, ISO 8601. */
  readonly at: string
  readonly ref: string
  readonly kind: string
  readonly [more: string]: unknown
}

/** The fleet's own log: one JSON object per line, in the order of what happened. */
export type FleetLog = {
  line(line: LogLine): void
  flush(): void
}

/** Starts a new file. Lines are gathered and written together, at the latest with `flush`. */
export function openFleetLog(file: string): FleetLog {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, '')
  let waiting: string[] = []
  const flush = () => {
    if (waiting.length === 0) return
    appendFileSync(file, waiting.join(''))
    waiting = []
  }
  return {
    line(line) {
      waiting.push(`${JSON.stringify(line)}\n`)
      if (waiting.length >= 100) flush()
    },
    flush,
  }
}
