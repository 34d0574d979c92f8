import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Kept out of `npm test`: each runs by a command of its own, which names it in GRIDCALL_SUITE. */
const suitesApart = ['faults', 'interop', 'bench'] as const

const suite = process.env.GRIDCALL_SUITE
const isApart = suitesApart.some((name) => name === suite)

/**
 * Files that leave nothing behind in their process share one, which saves starting it and reading
 * the code for each: test/support/left-behind.ts refuses those that do not keep to it. These want a
 * process for themselves.
 */
const alone = [
  // It stands in for a module of Node, which whoever came before has read already.
  'test/adapters/ocpp/credential.test.ts',
  'test/demo.test.ts',
]
const all = ['test/**/*.test.{ts,tsx}']
const apart = suitesApart.map((name) => `test/${name}/**`)

const seeded = join(import.meta.dirname, 'test', 'support', 'seeded-fast-check.ts')

/** A shared process ends when the next file in the line wants its own: so those come together. */
class TogetherLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isAlone = ({ project }: TestSpecification) => project.config.isolate
    return [...sorted.filter(isAlone), ...sorted.filter((file) => !isAlone(file))]
  }
}

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
            {
              extends: true,
              test: {
                name: 'together',
                include: all,
                exclude: [...apart, ...alone],
                isolate: false,
                setupFiles: ['test/support/left-behind.ts'],
              },
            },
            {
              extends: true,
              test: { name: 'alone', include: alone },
            },
          ],
        }),
    sequence: { sequencer: TogetherLast },
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
