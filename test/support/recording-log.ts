import type { Log } from '#ports.ts'

/** A log that keeps its lines, each with its level in front. */
export function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (message: string) => {
    lines.push(`${level}: ${message}`)
  }
  return { lines, info: write('info'), warn: write('warn'), error: write('error') }
}
