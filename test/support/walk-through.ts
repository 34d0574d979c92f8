import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..', '..')

/** A shell block of a page, and the heading under which it stands. */
export type Block = { readonly section: string; readonly text: string }

export type Ran = Block & {
  readonly output: string
  readonly seconds: number
  readonly isDone: boolean
}

export type Walk = {
  readonly exitCode: number | null
  /** Every block that was begun, in order. */
  readonly blocks: readonly Ran[]
}

/** The shell blocks of a page, as they stand there. */
export function shellBlocks(page: string): Block[] {
  const blocks: Block[] = []
  let section = ''
  for (const [, heading, text] of page.matchAll(/^#+ ([^\n]+)$|^```sh\n(.*?)^```$/gms)) {
    if (heading !== undefined) section = heading
    if (text !== undefined) blocks.push({ section, text })
  }
  return blocks
}

/**
 * Runs blocks one after the other in one bash, in the checkout, as somebody would who pastes them;
 * the first command that fails ends the walk. Whatever still runs afterwards is ended.
 * @param folder holds the script and every temporary file of the walk
 */
export async function walk(
  blocks: readonly Block[],
  options: { readonly folder: string; readonly deadlineMs: number },
): Promise<Walk> {
  const { folder, deadlineMs } = options
  const script = join(folder, 'walk.sh')
  const marks = blocks.map((_, i) => `-- block ${i} of ${folder} is done --`)
  const lines = blocks.map(({ text }, i) => `${text}\necho; echo '${marks[i]}'\n`)
  writeFileSync(script, lines.join(''))
  const bash = spawn('bash', ['-eo', 'pipefail', script], {
    cwd: root,
    env: { ...ownEnvironment(), TMPDIR: folder, ...(await freePorts()) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a session of its own, in which everything is found again
  })
  const heard = listen(bash, blocks, marks)
  const late = setTimeout(() => endSession(bash, 'SIGTERM'), deadlineMs)
  await once(bash, 'exit')
  clearTimeout(late)
  endSession(bash, 'SIGTERM')
  await sessionEmpty(bash)
  return { exitCode: bash.exitCode, blocks: heard() }
}

/** Cuts what bash says into blocks as it comes. */
function listen(
  bash: ChildProcess,
  blocks: readonly Block[],
  marks: readonly string[],
): () => Ran[] {
  const done: Ran[] = []
  let output = ''
  let since = performance.now()
  const cut = (block: Block, text: string, isDone: boolean): Ran => {
    const seconds = (performance.now() - since) / 1000
    since = performance.now()
    return { ...block, output: text, seconds, isDone }
  }
  const hear = (chunk: Buffer) => {
    output += chunk.toString()
    for (;;) {
      const block = blocks[done.length]
      const mark = `\n${marks[done.length]}\n`
      const at = output.indexOf(mark)
      if (block === undefined || at === -1) return
      done.push(cut(block, output.slice(0, at), true))
      output = output.slice(at + mark.length)
    }
  }
  bash.stdout?.on('data', hear)
  bash.stderr?.on('data', hear)
  return () => {
    const next = blocks[done.length]
    return next === undefined ? done : [...done, cut(next, output, false)]
  }
}

/** What the machine has, without what this run of the tests has put there. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const foreign =
    /^(npm_|NODE_|VITEST|GRIDCALL_|DATABASE_URL$|REDIS_URL$|CHAIN_RPC_URL$|LOG_LEVEL$)/i
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  const folders = (process.env.PATH ?? '').split(delimiter)
  const others = folders.filter((folder) => !folder.startsWith(root))
  const hasNode = others.some((folder) => existsSync(join(folder, 'node')))
  return { ...Object.fromEntries(kept), PATH: (hasNode ? others : folders).join(delimiter) }
}

async function freePorts(): Promise<{ PORT: string; OCPP_PORT: string }> {
  const servers = [createServer(), createServer()]
  const ports: string[] = []
  for (const server of servers) {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    ports.push(String((server.address() as { port: number }).port))
  }
  for (const server of servers) await once(server.close(), 'close')
  return { PORT: ports[0] ?? '', OCPP_PORT: ports[1] ?? '' }
}

const pidsOf = ({ pid }: ChildProcess) =>
  (spawnSync('ps', ['-o', 'pid=', '-s', String(pid)]).stdout ?? '').toString().match(/\d+/g) ?? []

function endSession(bash: ChildProcess, signal: NodeJS.Signals): void {
  for (const pid of pidsOf(bash)) {
    try {
      process.kill(Number(pid), signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // gone meanwhile
    }
  }
}

async function sessionEmpty(bash: ChildProcess): Promise<void> {
  for (let waited = 0; pidsOf(bash).length > 0; waited += 100) {
    if (waited >= 20_000) endSession(bash, 'SIGKILL')
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** What a failed walk said last, for whoever has to find out why. */
export function lastWords({ exitCode, blocks }: Walk, logs: readonly string[]): string {
  const last = blocks.at(-1)
  const ends = logs
    .filter((file) => existsSync(file))
    .map((file) => {
      return `${file}:\n${readFileSync(file, 'utf8').slice(-4000)}`
    })
  const place = `exit code ${exitCode} in "${last?.section}" after ${last?.seconds.toFixed(1)} s`
  return [place, last?.text, last?.output, ...ends].join('\n')
}
