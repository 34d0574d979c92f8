import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type BrokenLine = {
  readonly url: string
  /** Methods that were asked, in order. */
  readonly asked: string[]
  /** Cuts the line when the method is asked: before the node hears of it, or before its answer. */
  cut(method: string, when: 'before' | 'after'): void
  mend(): void
  stop(): Promise<void>
}

/** A line to a node that can be cut: what a crash between two steps looks like from outside. */
export async function startBrokenLine(target: string): Promise<BrokenLine> {
  let broken: { method: string; when: 'before' | 'after' } | null = null
  const asked: string[] = []
  const server = createServer((request, response) => void pass(request, response))
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk as Uint8Array)
      const body = Buffer.concat(chunks).toString()
      const { method } = JSON.parse(body) as { method: string }
      asked.push(method)
      const hit = broken?.method === method ? broken.when : null
      if (hit === 'before') return void request.socket.destroy()
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(target, { method: 'POST', headers, body })
      const text = await answer.text()
      if (hit === 'after') return void request.socket.destroy()
      response.writeHead(answer.status, headers).end(text)
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
    mend: () => void (broken = null),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
