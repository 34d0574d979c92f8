import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Kept out of `npm test`: each runs by a command of its own, which names it in GRIDCALL_SUITE. */
const suitesApart = ['faults', 'interop', 'bench'] as const

const suite = process.env.GRIDCALL_SUITE
const isApart = suitesApart.some((name) => name === suite)

/** Tests of pure code: they share a process, which saves starting one for each file. */
const pure = [
  'test/domain/**/*.test.ts',
  'test/properties/**/*.test.ts',
  'test/lifecycle/**/*.test.ts',
]
const others = ['test/**/*.test.{ts,tsx}']
const apart = suitesApart.map((name) => `test/${name}/**`)

const seeded = join(import.meta.dirname, 'test', 'support', 'seeded-fast-check.ts')

export default defineConfig({
  plugins: [
    {
      name: 'properties draw from the seed of the run',
      enforce: 'pre',
      resolveId: (name, importer) =>
        name === 'fast-check' && importer !== seeded ? seeded : undefined,
    },
  ],
  test: {
    ...(isApart
      ? { include: [`test/${suite}/**/*.test.ts`], exclude: [] }
      : {
          projects: [
            { extends: true, test: { name: 'pure', include: pure, isolate: false } },
            {
              extends: true,
              test: { name: 'rest', include: others, exclude: [...apart, ...pure] },
            },
          ],
        }),
    globals: false,
    pool: 'forks',
    // The machines this is made for have two cores; more workers only make deadlines pass.
    maxWorkers: 2,
    // Calls at speed 1 wait most of the time; those at 60 want the machine for themselves.
    fileParallelism: !isApart || suite === 'interop',
    // Generous: what is slow shows in the report; a busy machine is no failure.
    testTimeout: isApart ? 300_000 : 60_000,
    hookTimeout: 60_000,
    // What is polled for comes late on a busy machine; a test that waits for nothing ends at once.
    expect: { poll: { timeout: 15_000 } },
    teardownTimeout: 20_000,
    globalSetup: [
      'test/support/test-run.ts',
      ...(suite === 'interop' ? ['test/interop/python.ts'] : []),
    ],
  },
})
