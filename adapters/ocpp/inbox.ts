import { hash } from 'node:crypto'

/**
 * What a station has already been answered, over all its connections: a message that comes twice
 * (the answer was lost on the way) is answered again with the same words and not processed again.
 */
export type Inbox = {
  /** The answer given before; null: not seen, or the id now stands for something else. */
  answerGiven(id: string, text: string): string | null
  remember(id: string, text: string, answer: string): void
}

/** Ids alone prove nothing: stations that count from 1 after each start repeat them. */
export function createInbox(limit = 64): Inbox {
  const answers = new Map<string, { digest: string; answer: string }>()
  return {
    answerGiven(id, text) {
      const known = answers.get(id)
      return known !== undefined && known.digest === digest(text) ? known.answer : null
    },
    remember(id, text, answer) {
      answers.delete(id)
      answers.set(id, { digest: digest(text), answer })
      for (const oldest of answers.keys()) {
        if (answers.size <= limit) break
        answers.delete(oldest)
      }
    },
  }
}

function digest(text: string): string {
  return hash('sha256', text, 'base64')
}
