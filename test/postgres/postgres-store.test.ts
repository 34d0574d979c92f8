import { createPostgresStore } from '#db/store.ts'
import type { TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { createMigratedDatabase } from './migrated-database.ts'
import { describeStore } from './store-conformance.ts'

describeStore('on PostgreSQL', async () => {
  const made: TestDatabase[] = []
  return {
    async open() {
      const database = await createMigratedDatabase()
      made.push(database)
      return createPostgresStore({ url: database.url, log: recordingLog() })
    },
    async close() {
      for (const database of made) await database.drop()
    },
  }
})
