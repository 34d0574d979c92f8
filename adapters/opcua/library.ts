import { format } from 'node:util'
import type { Log } from '#ports.ts'

/** The OPC UA stack; loaded when the first driver needs it, because that takes most of a second. */
export type Opcua = typeof import('node-opcua')

const textsKept = 500

/**
 * Loads the stack and turns its console output, which would go to stdout, into log lines: each
 * text once, because the stack repeats itself at every attempt to reconnect.
 */
export async function loadOpcua(log: Log): Promise<Opcua> {
  const opcua = await import('node-opcua')
  const said = new Set<string>()
  const once =
    (say: (text: string) => void) =>
    (_context: unknown, ...parts: unknown[]) => {
      const text = format(...parts)
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, 200)
      if (said.has(text) || said.size >= textsKept) return
      said.add(text)
      say(text)
    }
  guardTransport(opcua)
  opcua.setErrorLogger(once((text) => log.warn('opcua stack', { text })))
  opcua.setWarningLogger(once((text) => log.info('opcua stack', { text })))
  opcua.setDebugLogger(once((text) => log.info('opcua stack', { text })))
  return opcua
}

/** What reads a socket in the library's client. */
type Reading = {
  _socket: { destroy(error: Error): void } | null
  _on_socket_data(data: Buffer): void
}

const guarded = new WeakSet<Reading>()

/**
 * The library throws out of its socket's data event where a message has an impossible length
 * (packet_assembler.js: "maximum chunk size exceeded", "chunk is too small"), which would end the
 * whole process: one server could take every battery of the gateway away. Here such a message ends
 * the connection that brought it.
 */
function guardTransport({ ClientTCP_transport: transport }: Opcua): void {
  const reading = transport.prototype as unknown as Reading
  if (guarded.has(reading)) return
  guarded.add(reading)
  const read = reading._on_socket_data
  reading._on_socket_data = function (this: Reading, data: Buffer): void {
    try {
      read.call(this, data)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this._socket?.destroy(new Error(`the server sent what is no message: ${text}`))
    }
  }
}
