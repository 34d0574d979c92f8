import { defineConfig } from 'drizzle-kit'

/** `drizzle-kit generate --name …` writes the next migration from the schema files. */
export default defineConfig({
  dialect: 'postgresql',
  casing: 'snake_case',
  schema: ['./orchestrator/db/schema*.ts'],
  schemaFilter: ['gridcall'],
  out: './orchestrator/db/migrations',
})
