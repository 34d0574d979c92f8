import { migrate } from '#db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'

/** A database of this program's version, cloned in some 30 ms. */
export async function createMigratedDatabase(): Promise<TestDatabase> {
  return createTestDatabase({
    template: { name: 'gridcall', prepare: (url) => migrate({ url, log: recordingLog() }) },
  })
}
