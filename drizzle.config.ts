import { defineConfig } from 'drizzle-kit'

/** `drizzle-kit generate --name …` writes the next migration from the two schema files. */
export default defineConfig({
  dialect: 'postgresql',
  casing: 'snake_case',
  schema: ['./orchestrator/db/schema.ts', './orchestrator/db/schema-records.ts'],
  schemaFilter: ['gridcall'],
  out: './orchestrator/db/migrations',
})
