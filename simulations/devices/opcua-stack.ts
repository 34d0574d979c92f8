import { format } from 'node:util'
import { ServerTCP_transport, setDebugLogger, setErrorLogger, setWarningLogger } from 'node-opcua'

const TEXTS_KEPT = 200

/**
 * Hands on what the OPC UA stack would print, each text once: it repeats itself for every server,
 * and stdout belongs to whoever started the fleet.
 */
export function redirectOpcuaOutput(say: (level: string, text: string) => void): void {
  const said = new Set<string>()
  const once =
    (level: string) =>
    (_context: unknown, ...parts: unknown[]) => {
      const text = format(...parts)
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, 200)
      if (said.has(text) || said.size >= TEXTS_KEPT) return
      said.add(text)
      say(level, text)
    }
  setErrorLogger(once('error'))
  setWarningLogger(once('warning'))
  setDebugLogger(once('debug'))
}

/** What reads a socket in the library's server. */
type Reading = {
  _socket: { destroy(error: Error): void } | null
  _on_socket_data(data: Buffer): void
}

let isGuarded = false

/**
 * The library throws out of its socket's data event where a message of impossible length follows
 * one that has ended the connection: a stranger who sends two in one go would end the whole process,
 * and with it every battery in it. Here such a message ends the connection that brought it.
 */
export function guardServers(): void {
  if (isGuarded) return
  isGuarded = true
  const reading = ServerTCP_transport.prototype as unknown as Reading
  const read = reading._on_socket_data
  reading._on_socket_data = function (this: Reading, data: Buffer): void {
    try {
      read.call(this, data)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this._socket?.destroy(new Error(`the client sent what is no message: ${text}`))
    }
  }
}
