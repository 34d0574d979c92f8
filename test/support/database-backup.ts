import type { Sql } from 'postgres'

/** Keeps every table of the service as it is at one moment, as a backup of that moment would. */
export async function takeBackup(sql: Sql, name: string): Promise<void> {
  await sql.begin('ISOLATION LEVEL REPEATABLE READ', async (tx) => {
    const tables = await tablesOf(tx)
    await tx.unsafe(`CREATE SCHEMA ${name}`)
    for (const table of tables) {
      await tx.unsafe(`CREATE TABLE ${name}.${table} AS TABLE gridcall.${table}`)
    }
  })
}

/** The database is again what it was then. Whoever is connected loses the connection first. */
export async function restoreBackup(sql: Sql, name: string): Promise<void> {
  await sql.begin(async (tx) => {
    const tables = await tablesOf(tx)
    await tx`SET LOCAL session_replication_role = replica` // no triggers, no order among tables
    await tx`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()`
    await tx.unsafe(`TRUNCATE ${tables.map((table) => `gridcall.${table}`).join(', ')}`)
    for (const table of tables) {
      const columns = (await columnsOf(tx, table)).map((column) => `"${column}"`).join(', ')
      await tx.unsafe(
        `INSERT INTO gridcall.${table} (${columns}) OVERRIDING SYSTEM VALUE
         SELECT ${columns} FROM ${name}.${table}`,
      )
    }
  })
}

type Querying = Pick<Sql, 'unsafe'>

async function tablesOf(tx: Querying): Promise<string[]> {
  const rows = await tx.unsafe<{ name: string }[]>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = 'gridcall' AND table_type = 'BASE TABLE' ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

async function columnsOf(tx: Querying, table: string): Promise<string[]> {
  const rows = await tx.unsafe<{ name: string }[]>(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = 'gridcall' AND table_name = '${table}' AND is_generated = 'NEVER'
     ORDER BY ordinal_position`,
  )
  return rows.map(({ name }) => name)
}
