import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findServer, isRequired } from '../support/servers.ts'

export type TestRedis = {
  readonly url: string
  /** Ends the server at once, as a crash would, and brings it back empty. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const found = findServer('redis-server')

/** null: a server is there. Otherwise why tests with Redis are skipped; demanded, they fail. */
export const whyNoRedis: string | null = (() => {
  if (found.path !== null) return null
  if (isRequired('redis-server')) throw new Error(found.missing)
  console.warn(`skipped: ${found.missing}`)
  return found.missing
})()

/** A Redis of our own on a free port, without files. */
export async function startRedis(policy = 'noeviction'): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'gridcall-redis-'))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const start = async () => {
    const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
    const child = spawn(found.path ?? 'redis-server', [...settings, '--maxmemory-policy', policy], {
      stdio: 'ignore',
    })
    const probe = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: 100 })
    probe.on('error', () => undefined) // not up yet
    await probe.ping()
    probe.disconnect()
    return child
  }
  let server = await start()
  const kill = async () => {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  return {
    url,
    async restart() {
      await kill()
      server = await start()
    },
    async stop() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
