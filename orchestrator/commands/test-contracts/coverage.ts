/** The lines of our contracts that no test has executed, out of a coverage report (lcov). */
export function uncoveredLines(lcov: string): {
  readonly files: number
  readonly lines: number
  readonly missed: readonly string[]
} {
  const missed: string[] = []
  let [files, lines, file] = [0, 0, '']
  for (const row of lcov.split('\n')) {
    if (row.startsWith('SF:')) {
      file = row.slice(3).trim().replaceAll('\\', '/')
      if (isOurs(file)) files += 1
    }
    const [, line, hits] = /^DA:(\d+),(\d+)/.exec(row) ?? []
    if (line === undefined || !isOurs(file)) continue
    lines += 1
    if (hits === '0') missed.push(`${file}:${line}`)
  }
  return { files, lines, missed }
}

/** A mock stands in for somebody else's contract. */
function isOurs(file: string): boolean {
  return file.startsWith('contracts/') && !file.includes('contracts/mocks/')
}
