import { format } from 'node:util'
import { setDebugLogger, setErrorLogger, setWarningLogger } from 'node-opcua'

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
