import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { partyApi } from '#demo/api.ts'
import { freePort } from '#demo/stage.ts'
import { removeServers } from '#supervisor.ts'
import { apiUrlOf, gridcall, operatorOf, type Run, startService } from '../support/demo-run.ts'
import { wallTimer } from '../support/wall-timer.ts'

const isRoot = process.getuid?.() === 0

let folder: string
let dataDir: string
let run: Run | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gridcall-sentence-'))
  chmodSync(folder, 0o711)
  dataDir = join(folder, 'data')
})
afterEach(async () => {
  await run?.stop()
  run = undefined
  await removeServers(dataDir, wallTimer)
  rmSync(folder, { recursive: true, force: true })
})

/** What the demo asks for, with a clock that stands still. */
const ON_LOCAL_CHAIN = { GRIDCALL_RAIL: 'evm', GRIDCALL_CLOCK_START: '2027-01-19T15:51:00Z' }

async function environment(changes: Readonly<Record<string, string>> = {}) {
  const ports = { PORT: String(await freePort(28_080)), OCPP_PORT: String(await freePort(28_887)) }
  return {
    GRIDCALL_DATA_DIR: dataDir,
    LOG_LEVEL: 'error',
    ...ports,
    ...changes,
  }
}

/** `gridcall start` ends at once: all it says is one sentence. */
async function sentence(changes: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, stdout, stderr } = await gridcall(['start'], await environment(changes))
  const said = stderr.trimEnd().split('\n')
  expect({ code, stdout, lines: said.length }, stderr).toEqual({ code: 1, stdout: '', lines: 1 })
  return said[0] ?? ''
}

async function bringUp(changes: Readonly<Record<string, string>> = {}): Promise<Run> {
  run = startService(await environment(changes))
  await run.line(/^Gridcall answers at/)
  return run
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

describe('gridcall start says in one sentence', { timeout: 180_000 }, () => {
  test('that its port, or the port for charge points, is taken; and starts nothing', async () => {
    const server = await listenOn(0)
    const { port } = server.address() as { port: number }
    try {
      const taken = (name: string) =>
        `gridcall: port ${port} of 127.0.0.1 is taken: end what listens there, or set ${name}`
      expect(await sentence({ PORT: String(port) })).toBe(taken('PORT'))
      expect(await sentence({ OCPP_PORT: String(port) })).toBe(taken('OCPP_PORT'))
    } finally {
      server.close()
    }
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false)
  })

  test('which setting is wrong, what was expected and what came', async () => {
    expect(await sentence({ PORT: 'eighty' })).toMatch(/^gridcall: PORT: .*got "eighty"$/)
    expect(await sentence({ GRIDCALL_DISPUTE_WINDOW: '1 week' })).toBe(
      'gridcall: GRIDCALL_DISPUTE_WINDOW: expected a duration like 90s, 15m, 24h, got 1 week, ' +
        'got "1 week"',
    )
    expect(await sentence({ GRIDCALL_SPEED: '60' })).toMatch(
      /^gridcall: GRIDCALL_SPEED: expected 1 .*, got 60$/,
    )
  })

  test('that a database or a chain that was named does not answer', async () => {
    const port = await freePort(29_000)
    const databaseUrl = `postgres://somebody:secret@127.0.0.1:${port}/gridcall`
    const database = await sentence({ DATABASE_URL: databaseUrl })
    expect(database).toMatch(/^gridcall: .*database/)
    expect(database).not.toContain('secret')
    const chain = await sentence({ CHAIN_RPC_URL: `http://127.0.0.1:${port}` })
    expect(chain).toMatch(/^gridcall: .*chain/)
  })

  test.runIf(isRoot)('that the disk is full, and leaves nothing behind', async ({ skip }) => {
    mkdirSync(dataDir)
    const options = ['-t', 'tmpfs', '-o', 'size=20m,mode=711', 'tmpfs', dataDir]
    if (spawnSync('mount', options).status !== 0) skip('no file system may be mounted here')
    try {
      expect(await sentence()).toMatch(/^gridcall: no disk space left for the embedded PostgreSQL/)
      expect(readdirSync(join(dataDir, 'postgres'))).toEqual([])
    } finally {
      spawnSync('umount', [dataDir])
    }
  })

  test('that the chain forgot what the database remembers, or that a key is another one', async () => {
    const first = await bringUp(ON_LOCAL_CHAIN)
    const operator = operatorOf(first)
    const parties = await operator.get('/v1/operator/parties')
    await first.stop()
    expect(first.left()).toEqual([])
    const putAside = (name: string) => renameSync(join(dataDir, name), join(folder, 'aside'))
    const putBack = (name: string) => {
      rmSync(join(dataDir, name), { recursive: true, force: true })
      renameSync(join(folder, 'aside'), join(dataDir, name))
    }
    putAside('chain')
    expect(await sentence(ON_LOCAL_CHAIN)).toMatch(
      /^gridcall: the chain forgot what the database remembers \(it .+\): bring that chain back, or /,
    )
    putBack('chain')
    putAside('parties/verifier-2.key')
    expect(await sentence(ON_LOCAL_CHAIN)).toMatch(
      /^gridcall: .*verifier-2\.key is not the key of 0x\w+, which .+: put that key back, or /,
    )
    putBack('parties/verifier-2.key')

    // Killed between registering a verifier and writing down its key to our API.
    rmSync(join(dataDir, 'parties', 'verifier-1.token'))
    const again = await bringUp(ON_LOCAL_CHAIN)
    expect(await operator.get('/v1/operator/parties')).toEqual(parties)
    expect(again.lines.filter((line) => line.startsWith("The operator's key"))).toEqual([])
    const token = readFileSync(join(dataDir, 'parties', 'verifier-1.token'), 'utf8').trim()
    expect(await partyApi(() => apiUrlOf(again), token).get('/v1/verification/tasks')).toEqual([])
  })

  test('that a database belongs to a ledger, or to a chain', async () => {
    const ledger = await bringUp()
    expect(ledger.lines.filter((line) => line.startsWith('No chain is configured'))).toHaveLength(1)
    await ledger.stop()
    expect(ledger.left()).toEqual([])
    expect(existsSync(join(dataDir, 'chain'))).toBe(false)
    expect(await sentence(ON_LOCAL_CHAIN)).toMatch(
      /^gridcall: this database belongs to a ledger without a chain: leave CHAIN_RPC_URL and /,
    )
    await removeServers(dataDir, wallTimer)
    const chain = await bringUp(ON_LOCAL_CHAIN)
    await chain.stop()
    expect(await sentence()).toMatch(
      /^gridcall: this database belongs to the pool 0x\w{40} on chain 31338 .*: set CHAIN_RPC_URL /,
    )
  })
})

describe('gridcall start needs no words about', { timeout: 180_000 }, () => {
  test('a machine without locales', async () => {
    const without = { LC_ALL: 'xx_XX.UTF-8', LANG: 'xx_XX.UTF-8', LOCPATH: join(folder, 'none') }
    const { lines } = await bringUp(without)
    expect(lines.filter((line) => /locale/i.test(line))).toEqual([])
  })

  test('a first start that was killed at any moment: the next one makes the rest', async () => {
    for (const afterMs of [600, 1200, 1800, 2400, 3000]) {
      const killed = startService(await environment())
      await wallTimer.sleep(afterMs)
      process.kill(killed.pid, 'SIGKILL')
      await killed.ended()
    }
    const { lines } = await bringUp()
    expect(lines.filter((line) => line.startsWith('verifier-'))).toHaveLength(3)
  })
})
