import { describe, test } from 'vitest'
import { findServer, isRequired, type ServerName } from './servers.ts'

/**
 * A suite that needs a server of the machine and gets its path. Where there is none the suite is
 * one skipped test that names what is missing, or one that fails where all servers are demanded.
 */
export function describeWith(
  server: ServerName,
  name: string,
  suite: (path: string) => void,
): void {
  const { path, missing } = findServer(server)
  if (path !== null) {
    describe(name, () => suite(path))
    return
  }
  describe(name, () => {
    const title = `needs ${server}: ${missing}`
    if (isRequired(server)) {
      test(title, () => {
        throw new Error(title)
      })
    } else {
      test.skip(title, () => undefined)
    }
  })
}
