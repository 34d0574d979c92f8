import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'

export type Anvil = {
  readonly url: string
  /** Any JSON-RPC method; throws what the node says. */
  ask(method: string, ...params: unknown[]): Promise<unknown>
  /** 'SIGTERM' lets it write its state. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A real local chain on a free port that mines only when told, beginning at a business second. */
export async function startAnvil(timestamp: number, ...extra: string[]): Promise<Anvil> {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const home = createRequire(import.meta.url).resolve(
    `@foundry-rs/anvil-${process.platform}-${arch}/package.json`,
  )
  const args = ['--port', '0', '--no-mining', '--timestamp', String(timestamp), '--accounts', '1']
  const child = spawn(join(home, '..', 'bin', 'anvil'), [...args, ...extra])
  const url = `http://${await listening(child)}`
  return {
    url,
    ask: (method, ...params) => askNode(url, method, params),
    async stop(signal = 'SIGKILL') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill(signal)
      await gone
    },
  }
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const late = setTimeout(() => reject(new Error(`anvil did not start: ${said}`)), 10_000)
    child.stdout?.on('data', (chunk) => {
      said += String(chunk)
      const found = /Listening on (\S+)/.exec(said)?.[1]
      if (found === undefined) return
      clearTimeout(late)
      resolve(found)
    })
    child.once('exit', () => reject(new Error(`anvil ended: ${said}`)))
  })
}

export async function askNode(url: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body })
  const { result, error } = (await response.json()) as { result: unknown; error?: unknown }
  if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`)
  return result
}
