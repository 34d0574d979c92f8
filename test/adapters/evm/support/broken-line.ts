import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a node says to a method, changed: its result, or an error in its place. */
export type Lie = (
  result: unknown,
  params: readonly unknown[],
) => { readonly result: unknown } | { readonly error: { code: number; message: string } }

export type BrokenLine = {
  readonly url: string
  /** Methods that were asked, in order. */
  readonly asked: string[]
  /** Cuts the line when the method is asked: before the node hears of it, or before its answer. */
  cut(method: string, when: 'before' | 'after'): void
  /** The node does what it is asked, and what it says of this method is something else. */
  lie(method: string, lie: Lie): void
  /** Takes the question and never answers. */
  stall(method: string): void
  /** Answers every question with this text. */
  babble(text: string): void
  /** From here on another node answers. */
  lead(url: string): void
  mend(): void
  stop(): Promise<void>
}

/** A line to a node that can be cut, stalled and lied on: bad days as they look from outside. */
export async function startBrokenLine(first: string): Promise<BrokenLine> {
  let broken: { method: string; when: 'before' | 'after' } | null = null
  let target = first
  let stalled: string | null = null
  let babbled: string | null = null
  const lies = new Map<string, Lie>()
  const asked: string[] = []
  const headers = { 'content-type': 'application/json' }
  const server = createServer((request, response) => void pass(request, response))

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk as Uint8Array)
      const body = Buffer.concat(chunks).toString()
      const { method, params } = JSON.parse(body) as { method: string; params?: unknown[] }
      asked.push(method)
      if (stalled === method) return
      if (babbled !== null) return void response.writeHead(200, headers).end(babbled)
      const hit = broken?.method === method ? broken.when : null
      if (hit === 'before') return void request.socket.destroy()
      const answer = await fetch(target, { method: 'POST', headers, body })
      const text = await answer.text()
      if (hit === 'after') return void request.socket.destroy()
      const lie = lies.get(method)
      response.writeHead(answer.status, headers).end(lie ? lied(text, lie, params ?? []) : text)
    } catch {
      request.socket.destroy()
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    cut: (method, when) => void (broken = { method, when }),
    lie: (method, lie) => void lies.set(method, lie),
    stall: (method) => void (stalled = method),
    babble: (text) => void (babbled = text),
    lead: (url) => void (target = url),
    mend() {
      broken = null
      target = first
      stalled = null
      babbled = null
      lies.clear()
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An answer with another result; an error of the node's own stays what it is. */
function lied(text: string, lie: Lie, params: readonly unknown[]): string {
  const { id, result, error } = JSON.parse(text) as { id: number; result: unknown; error?: object }
  if (error !== undefined) return text
  return JSON.stringify({ jsonrpc: '2.0', id, ...lie(result, params) })
}
