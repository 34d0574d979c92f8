import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { root } from './support/imports.ts'
import { wallTimer } from './support/wall-timer.ts'

vi.setConfig({ testTimeout: 60_000 })

const isRoot = process.getuid?.() === 0

/** Stands for npm: notes each call, does what `FAKE_DOES` says, and makes the folder. */
const npm = `
  const fs = require('node:fs')
  fs.appendFileSync(process.env.FAKE_CALLS, process.argv.slice(2).join(' ') + '\\n')
  fs.writeFileSync(process.env.FAKE_CALLS + '.pid', String(process.pid))
  const [what, detail] = (process.env.FAKE_DOES ?? '').split(' ')
  if (what === 'fail') {
    console.error('npm error code ' + detail)
    process.exit(1)
  }
  setTimeout(() => fs.mkdirSync('node_modules', { recursive: true }), Number(detail ?? 0))`

/** Stands for the product: prints what reached it, or waits for a signal. */
const cli = `
  const [word, code] = process.argv.slice(2)
  if (word === 'wait') {
    process.on('SIGTERM', () => process.exit(7))
    setInterval(() => {}, 1000)
  }
  if (word === 'die') process.kill(process.pid, 'SIGKILL')
  const npm = Object.keys(process.env).filter((name) => /^npm_/i.test(name))
  console.log(JSON.stringify({ args: process.argv.slice(2), npm }))
  process.exitCode = Number(code ?? 0)`

let checkout: string
let calls: string

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'gridcall-bootstrap-'))
  calls = join(checkout, 'npm-calls')
  cpSync(join(root, 'bootstrap.mjs'), join(checkout, 'bootstrap.mjs'))
  cpSync(join(root, 'orchestrator', 'bootstrap'), join(checkout, 'orchestrator', 'bootstrap'), {
    recursive: true,
  })
  writeFileSync(join(checkout, 'orchestrator', 'cli.ts'), cli)
  mkdirSync(join(checkout, 'npm'))
  writeFileSync(join(checkout, 'npm', 'npm-cli.js'), npm)
  lockPackages({})
})

afterEach(() => rmSync(checkout, { recursive: true, force: true }))

function lockPackages(packages: Record<string, unknown>): void {
  const dependencies = Object.fromEntries(
    Object.keys(packages).map((path) => [path.replace('node_modules/', ''), '*']),
  )
  const project = { name: 'gridcall', version: '0.1.0', dependencies }
  writeFileSync(join(checkout, 'package.json'), JSON.stringify(project))
  const lock = { ...project, lockfileVersion: 3, requires: true }
  const all = { '': project, ...packages }
  writeFileSync(join(checkout, 'package-lock.json'), JSON.stringify({ ...lock, packages: all }))
}

type Run = { code: number | null; signal: string | null; stdout: string; stderr: string }

function start(
  args: string[],
  options: { env?: Record<string, string>; uid?: number; node?: string } = {},
): { child: ChildProcess; ended: Promise<Run> } {
  const { env = {}, uid, node = process.execPath } = options
  const child = spawn(node, [join(checkout, 'bootstrap.mjs'), ...args], {
    cwd: checkout,
    env: {
      PATH: process.env.PATH,
      HOME: checkout,
      FAKE_CALLS: calls,
      npm_execpath: join(checkout, 'npm', 'npm-cli.js'),
      npm_config_loglevel: 'silent',
      ...env,
    },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended }
}

function run(args: string[], options?: Parameters<typeof start>[1]): Promise<Run> {
  return start(args, options).ended
}

function npmCalls(): string[] {
  return existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []
}

async function until(isTrue: () => boolean): Promise<void> {
  const wait = async () => {
    while (!isTrue()) await wallTimer.sleep(10)
  }
  await wallTimer.deadline(wait(), 20_000, 'the bootstrap')
}

describe('refusals, each one sentence and no stack', () => {
  test('no registry answers (the real npm)', async () => {
    const integrity = `sha512-${'A'.repeat(86)}==`
    lockPackages({ 'node_modules/is-number': { version: '7.0.0', integrity } })
    const settings = join(checkout, 'npmrc')
    writeFileSync(settings, 'fetch-retries=0\n') // it would only wait and ask again
    const env = {
      npm_execpath: '',
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_userconfig: settings,
    }
    const { code, stderr, stdout } = await run(['hello'], { env })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /packages .*: the package registry does not answer as it should \(ECONNREFUSED\): check the /,
    )
  })

  test.each([
    ['ENOSPC', /no disk space left: .* needs 1\.2 GB; free some and run the command again\n$/],
    ['EACCES', /cannot write: .* must be writable for this account\n$/],
    ['EROFS', /cannot write: .* must be writable for this account\n$/],
    ['ENOTFOUND', /the package registry does not answer as it should \(ENOTFOUND\)/],
    ['EWHATEVER', /failed with 1; the last lines were:\nnpm error code EWHATEVER\n$/],
  ])('npm says %s', async (code, sentence) => {
    const outcome = await run(['hello'], { env: { FAKE_DOES: `fail ${code}` } })
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) })
    expect(existsSync(join(checkout, '.runtime', 'lock'))).toBe(false)
  })

  test('the folder cannot be written', async () => {
    // Root may write everywhere, so another account tries, with a Node that it can reach.
    const node = join(checkout, 'node')
    if (isRoot) copyFileSync(process.execPath, node)
    chmodSync(checkout, 0o555)
    const { code, stderr } = await run(['hello'], isRoot ? { uid: 65534, node } : {})
    chmodSync(checkout, 0o755)
    expect(code).toBe(1)
    expect(stderr).toBe(
      `gridcall: cannot write: ${checkout} and npm's cache ${join(checkout, '.runtime', 'npm-cache')} ` +
        'must be writable for this account\n',
    )
  })
})

describe('a command', () => {
  test('gets its arguments, a clean stdout and none of what npm left behind', async () => {
    const { code, stdout, stderr } = await run(['demo', '0', '--json', 'two words'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ args: ['demo', '0', '--json', 'two words'], npm: [] })
    expect(stderr).toMatch(/installing packages .*\n.*packages .*: done in \d+\.\d s\n$/)
  })

  test('hands its exit code back', async () => {
    expect(await run(['check', '3'])).toMatchObject({ code: 3, signal: null })
  })

  test('hands back the signal that ended it', async () => {
    expect(await run(['die'])).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  test('is sent the signals that the bootstrap gets', async () => {
    const { child, ended } = start(['wait'])
    const started = new Promise((resolve) => child.stdout?.once('data', resolve))
    await started
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 7 })
  })
})

test('what npm started ends with npm, whose shell passes no signal on', async () => {
  await run(['hello'])
  const command = `'${process.execPath}' '${join(checkout, 'bootstrap.mjs')}' wait; true`
  const shell = spawn('sh', ['-c', command], {
    cwd: checkout,
    env: { PATH: process.env.PATH, HOME: checkout, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a group of its own, to be ended whatever becomes of the test
  })
  let isOver = false
  onTestFinished(() => void (isOver || process.kill(-Number(shell.pid), 'SIGKILL')))
  await once(shell.stdout, 'data')
  shell.kill('SIGTERM')
  // The pipe is closed when everybody who could write into it has ended.
  await wallTimer.deadline(once(shell, 'close'), 10_000, 'the end of what the shell started')
  isOver = true
})

describe('the installation', () => {
  test('happens once, and again when the lock file changed', async () => {
    await run(['hello'])
    expect(npmCalls()).toEqual([expect.stringMatching(/^ci --include=dev --include=optional /)])
    const second = await run(['hello'])
    expect(second.stderr).toBe('')
    expect(npmCalls()).toHaveLength(1)
    lockPackages({ 'node_modules/is-number': { version: '7.0.0' } })
    await run(['hello'])
    expect(npmCalls()).toHaveLength(2)
  })

  test('is done by one of two that start at once, and the other waits', async () => {
    const env = { FAKE_DOES: 'wait 700' }
    const both = await Promise.all([run(['hello'], { env }), run(['hello'], { env })])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(npmCalls()).toHaveLength(1)
    const waited = both.filter(({ stderr }) => stderr.includes('another gridcall is installing'))
    expect(waited).toHaveLength(1)
  })

  test('takes over from one that was killed, once its npm has ended too', async () => {
    const killed = start(['hello'], { env: { FAKE_DOES: 'wait 600000' } })
    const lock = join(checkout, '.runtime', 'lock')
    await until(() => existsSync(lock) && / [1-9]/.test(readFileSync(lock, 'utf8')))
    killed.child.kill('SIGKILL')
    await killed.ended
    const silent = new Date(Date.now() - 6_000) // longer than a lock without a heartbeat counts
    utimesSync(lock, silent, silent)
    const next = start(['hello'])
    let said = ''
    next.child.stderr?.on('data', (chunk) => (said += chunk))
    await until(() => said.includes('waiting for it'))
    await wallTimer.sleep(500) // it looks ten times a second
    expect(npmCalls()).toHaveLength(1)
    process.kill(Number(readFileSync(`${calls}.pid`, 'utf8')))
    expect(await next.ended).toMatchObject({ code: 0 })
    expect(npmCalls()).toHaveLength(2)
  })

  test('is stopped by Ctrl-C, npm with it, and leaves no lock', async () => {
    const { child, ended } = start(['hello'], { env: { FAKE_DOES: 'wait 600000' } })
    await until(() => npmCalls().length === 1)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/stopped by SIGINT\n$/)
    expect(existsSync(join(checkout, '.runtime', 'lock'))).toBe(false)
  })
})
