import postgres from 'postgres'
import { migrate } from '#db/migrate.ts'
import { createPostgresStore } from '#db/store.ts'
import { silentLog } from './silent-log.ts'
import { describeStore } from './store-conformance.ts'
import { startTestServer } from './test-server.ts'

describeStore('on PostgreSQL', async () => {
  const server = await startTestServer()
  const template = await server.createDatabase()
  await migrate({ url: template, log: silentLog })
  let made = 0
  return {
    async open() {
      const url = new URL(template)
      url.pathname = `/copy_${++made}`
      const admin = postgres(template.replace(/[^/]*$/, 'postgres'), { max: 1 })
      await admin.unsafe(
        `CREATE DATABASE copy_${made} TEMPLATE ${new URL(template).pathname.slice(1)}`,
      )
      await admin.end()
      return createPostgresStore({ url: url.href, log: silentLog })
    },
    close: () => server.stop(),
  }
})
