import { type CallEvent, type Hear, Refused, refusal } from '../api.ts'

/** A message of a stream: its id resumes the stream after it. */
export type Message = { readonly id: string; readonly events: readonly CallEvent[] }

/** The service writes at least every 15 s; longer silence means that the connection is dead. */
const SILENCE_MS = 40_000

type Following = {
  readonly authorization: string
  readonly lastEventId: string | null
  readonly signal: AbortSignal
  readonly hear: Hear
  readonly onOpen: () => void
  readonly onMessage: (message: Message) => void
}

/**
 * Reads /v1/stream until it ends; with fetch, because EventSource cannot send a key.
 * @throws Refused, or what fetch throws when the connection breaks
 */
export async function followStream(following: Following): Promise<void> {
  const { authorization, lastEventId, signal, hear, onOpen, onMessage } = following
  const silence = new AbortController()
  let watchdog = setTimeout(() => silence.abort(), SILENCE_MS)
  try {
    const answer = await fetch('/v1/stream', {
      headers: { authorization, ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) },
      signal: AbortSignal.any([signal, silence.signal]),
      cache: 'no-store',
    })
    hear(answer.headers)
    if (!answer.ok) throw await refusal(answer)
    if (answer.body === null) throw new Refused(0, 'no-answer', 'The stream has no body.')
    onOpen()
    const parser = createParser(onMessage)
    const text = answer.body.pipeThrough(new TextDecoderStream())
    const reader = text.getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(watchdog)
      watchdog = setTimeout(() => silence.abort(), SILENCE_MS)
      parser(part.value)
    }
  } finally {
    clearTimeout(watchdog)
  }
}

/** Takes text as it comes, in whatever pieces, and hands over each whole message (WHATWG SSE). */
export function createParser(onMessage: (message: Message) => void): (text: string) => void {
  let rest = ''
  let data: string[] = []
  let id = ''
  const take = (line: string) => {
    if (line === '') {
      if (data.length > 0) onMessage({ id, events: JSON.parse(data.join('\n')) as CallEvent[] })
      data = []
      return
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'data') data.push(value)
    if (field === 'id') id = value
  }
  return (text) => {
    rest += text
    // A carriage return at the very end may be the first half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  }
}
