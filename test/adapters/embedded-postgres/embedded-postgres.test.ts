import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '#adapters/embedded-postgres/embedded-postgres.ts'
import { isRunning } from '#adapters/embedded-postgres/postmaster.ts'
import { recordingLog } from '#test/support/recording-log.ts'
import { wallTimer } from '#test/support/wall-timer.ts'

vi.setConfig({ testTimeout: 60_000 })

const isRoot = process.getuid?.() === 0

let folder: string
let dataDir: string

function make(): void {
  folder = mkdtempSync(join(tmpdir(), 'gridcall-postgres-'))
  chmodSync(folder, 0o711)
  dataDir = join(folder, 'data')
}

let made: string | null = null

/** The data folder is a copy of one that a server has made and left: making one takes its time. */
async function copyData(): Promise<void> {
  if (made === null) {
    made = mkdtempSync(join(tmpdir(), 'gridcall-postgres-made-'))
    chmodSync(made, 0o711)
    const server = await start(recordingLog(), { fsync: 'off' }, join(made, 'data'))
    await server.stop()
  }
  // Its files belong to the server's account.
  expect(spawnSync('cp', ['-a', join(made, 'data'), dataDir]).status).toBe(0)
}

afterAll(() => {
  if (made !== null) rmSync(made, { recursive: true, force: true })
})

async function remove(): Promise<void> {
  await removeEmbeddedPostgres(dataDir, wallTimer)
  rmSync(folder, { recursive: true, force: true })
}

/** Not durable, because waiting for a busy disk is most of a test's time. */
function start(
  log = recordingLog(),
  settings: Record<string, string> = { fsync: 'off' },
  folder = dataDir,
): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: folder, log, timer: wallTimer, settings })
}

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    return await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

/** Processes that work in a folder: the postmaster and its children do, in the data folder. */
function processesIn(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(path)
      } catch {
        return false // gone meanwhile
      }
    })
    .map(Number)
}

describe('refusals', () => {
  beforeEach(make)
  afterEach(remove)

  test('a folder of another PostgreSQL version is left alone, and named', async () => {
    await copyData()
    writeFileSync(join(dataDir, 'cluster', 'PG_VERSION'), '17\n')
    await expect(start()).rejects.toThrow(/was made by PostgreSQL 17 and this is PostgreSQL 18/)
  })

  test('a server that cannot start is named with the end of its log', async () => {
    await copyData()
    await expect(start(recordingLog(), { shared_buffers: 'much' })).rejects.toThrow(
      /invalid value for parameter "shared_buffers"/,
    )
    expect(processesIn(folder)).toEqual([])
  })
})

describe('the embedded PostgreSQL', () => {
  beforeEach(make)
  afterEach(remove)

  test('keeps data and address over a restart, and stopping leaves no process', async () => {
    await copyData()
    const first = await start()
    await query(first.url, "create table kept as select 'é' as letter")
    await first.stop()
    expect(isRunning(first.pid)).toBe(false)
    expect(processesIn(folder)).toEqual([])

    const second = await start(recordingLog(), {})
    expect(second.isReused).toBe(false)
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'select upper(letter) as letter from kept')).toEqual([
      { letter: 'É' },
    ])
    const [durable] = await query(
      second.url,
      "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
    )
    expect(durable).toEqual({ fsync: 'on', commit: 'on' })
  })

  test('is found again, and two starts at once make one server', async () => {
    const [one, other] = await Promise.all([start(), start()])
    expect(other.pid).toBe(one.pid)
    expect(other.url).toBe(one.url)
    const later = await start()
    expect(later).toMatchObject({ pid: one.pid, url: one.url, isReused: true })
  })

  test('goes on when the process that started it is killed', async () => {
    await copyData()
    const script = `
      import { startEmbeddedPostgres } from '#adapters/embedded-postgres/embedded-postgres.ts'
      import { recordingLog } from '#test/support/recording-log.ts'
      import { wallTimer as timer } from '#test/support/wall-timer.ts'
      const { pid } = await startEmbeddedPostgres({
        dataDir: ${JSON.stringify(dataDir)}, log: recordingLog(), timer })
      console.log(pid)
      setInterval(() => undefined, 1000)`
    const service = spawn(process.execPath, ['--input-type=module', '-e', script])
    const printed = await new Promise<string>((resolve) => {
      service.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    })
    const ended = new Promise((resolve) => service.once('exit', resolve))
    service.kill('SIGKILL')
    await ended
    const found = await start()
    expect(found).toMatchObject({ pid: Number(printed), isReused: true })
    expect(await query(found.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('recovers from the kill of its own processes, with what was committed', async () => {
    await copyData()
    const first = await start()
    await query(first.url, 'create table kept as select 42 as answer')
    process.kill(first.pid, 'SIGKILL')
    const second = await start()
    expect(second.pid).not.toBe(first.pid)
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('sets a half-made data folder aside and says so', async () => {
    const cluster = join(dataDir, 'cluster')
    mkdirSync(join(cluster, 'base'), { recursive: true })
    writeFileSync(join(cluster, 'PG_VERSION'), '18\n')
    const log = recordingLog()
    await start(log)
    expect(log.lines).toEqual([
      `warn: the database folder ${cluster} was only half made; ` +
        `it was moved to ${cluster}.half-made`,
    ])
    expect(readdirSync(`${cluster}.half-made`)).toEqual(['PG_VERSION', 'base'])
  })
})

describe.runIf(isRoot)('as root', () => {
  beforeEach(make)
  afterEach(remove)

  test('keeps its data elsewhere where the folder is closed to that account', async () => {
    chmodSync(folder, 0o700)
    const { url, pid } = await start()
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
    const cluster = readlinkSync(`/proc/${pid}/cwd`)
    expect(cluster).toMatch(/^\/var\/tmp\/gridcall-[0-9a-f]{16}\/cluster$/)
    await removeEmbeddedPostgres(dataDir, wallTimer)
    expect(isRunning(pid)).toBe(false)
    expect(existsSync(cluster)).toBe(false)
  })

  test('clears what a deleted temporary folder left there', async () => {
    chmodSync(folder, 0o700)
    const first = await start()
    const left = readlinkSync(`/proc/${first.pid}/cwd`)
    await first.stop()
    rmSync(folder, { recursive: true })
    expect(existsSync(left)).toBe(true)
    make()
    await start()
    expect(existsSync(left)).toBe(false)
  })
})

describe.runIf(isRoot)('as root, on a disk of its own', () => {
  beforeEach(make)
  afterEach(remove)

  test('a full disk is named in one sentence, and nothing half-made is left', async ({ skip }) => {
    mkdirSync(dataDir)
    const options = ['-t', 'tmpfs', '-o', 'size=20m,mode=711', 'tmpfs', dataDir]
    if (spawnSync('mount', options).status !== 0) skip('no file system may be mounted here')
    try {
      await expect(start()).rejects.toThrow(
        `no disk space left for the embedded PostgreSQL in ${dataDir}: about 150 MB are needed`,
      )
      expect(readdirSync(dataDir)).toEqual([])
    } finally {
      spawnSync('umount', [dataDir])
    }
  })
})

describe('one running server', () => {
  let server: EmbeddedPostgres

  beforeAll(async () => {
    vi.stubEnv('LC_ALL', 'xx_XX.UTF-8')
    make()
    server = await start()
    vi.unstubAllEnvs()
  })

  afterAll(remove)

  test('a wrong password opens nothing', async () => {
    const { url } = server
    const wrong = url.replace(/:[0-9a-f]{48}@/, ':wrong@')
    expect(wrong).not.toBe(url)
    await expect(query(wrong, 'select 1')).rejects.toThrow(/password authentication failed/)
  })

  test('takes no locale from the machine', async () => {
    const [row] = await query(
      server.url,
      'select datlocprovider, datlocale from pg_database limit 1',
    )
    expect(row).toEqual({ datlocprovider: 'b', datlocale: 'C.UTF-8' })
  })

  test('writes no row and no statement into its log', async () => {
    const { url } = server
    await query(url, 'create table owners (iban text primary key)')
    const insert = "insert into owners values ('NL91ABNA0417164300')"
    await query(url, insert)
    await expect(query(url, insert)).rejects.toThrow(/duplicate key/)
    const written = readFileSync(join(dataDir, 'postgres.log'), 'utf8')
    expect(written).toContain('duplicate key value')
    expect(written).not.toContain('NL91')
  })

  test.runIf(isRoot)('runs as another account when root starts it', () => {
    expect(statSync(`/proc/${server.pid}`).uid).toBe(65534)
  })
})
