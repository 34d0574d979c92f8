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
  opcua.setErrorLogger(once((text) => log.warn('opcua stack', { text })))
  opcua.setWarningLogger(once((text) => log.info('opcua stack', { text })))
  opcua.setDebugLogger(once((text) => log.info('opcua stack', { text })))
  return opcua
}
