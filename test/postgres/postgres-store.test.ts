import postgres from 'postgres'
import { createPostgresStore } from '#db/store.ts'
import { recordingLog } from '../support/recording-log.ts'
import { createMigratedDatabase } from './migrated-database.ts'
import { describeStore } from './store-conformance.ts'

describeStore('on PostgreSQL', async () => {
  const database = await createMigratedDatabase()
  const admin = postgres(database.url, { max: 1, onnotice: () => undefined })
  return {
    async open() {
      // Faster than a database per test; the append-only triggers look away for once.
      await admin`SET session_replication_role = replica`
      const tables = await admin<{ name: string }[]>`
        SELECT format('%I.%I', schemaname, tablename) AS name
        FROM pg_tables WHERE schemaname = 'gridcall'`
      await admin.unsafe(tables.map((table) => `DELETE FROM ${table.name}`).join(';'))
      return createPostgresStore({ url: database.url, log: recordingLog() })
    },
    async close() {
      await admin.end()
      await database.drop()
    },
  }
})
