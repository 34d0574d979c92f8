import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createParser, type Message } from '#dashboards/shared/event-stream.ts'

const read = (...parts: string[]) => {
  const messages: Message[] = []
  const parse = createParser((message) => messages.push(message))
  for (const part of parts) parse(part)
  return messages
}
const EVENTS = [{ sequence: 7, message: 'über 5 kW: erreicht' }]
const TEXT = `: connected\n\nevent: events\ndata: ${JSON.stringify(EVENTS)}\nid: 7\n\n: alive\n\n`

describe('the reader of the event stream', () => {
  test('comments are no messages, and half a message is none yet', () => {
    expect(read(': connected\n\n')).toEqual([])
    expect(read('data: []\nid: 3\n')).toEqual([])
  })

  test('what is no JSON is an error, not silence', () => {
    expect(() => read('data: <html>\n\n')).toThrow(SyntaxError)
  })

  test('a message has its id and its events', () => {
    expect(read(TEXT)).toEqual([{ id: '7', events: EVENTS }])
  })

  test('lines may end as the standard allows, data may be several', () => {
    expect(read('id:3\r\ndata: [\r\ndata: ]\r\n\r\n')).toEqual([{ id: '3', events: [] }])
    expect(read('data: []\r', '\nid: 4\r\n', '\r\n')).toEqual([{ id: '4', events: [] }])
  })

  test('it does not matter where the network cuts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(TEXT.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), TEXT.length]
        const parts = at.slice(1).map((end, i) => TEXT.slice(at[i], end))
        expect(read(...parts)).toEqual([{ id: '7', events: EVENTS }])
      }),
    )
  })
})
