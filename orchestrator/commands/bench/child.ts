import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Timer } from '#ports.ts'

type Question = { readonly id: number; readonly word: string; readonly input: unknown }
type Answer = { readonly id: number; readonly answer?: unknown; readonly error?: string }

/** A process of a bench that can be asked things. */
export type Child = {
  readonly pid: number
  /** @throws Error with the words of the child, or when it is gone or too slow */
  ask<T>(word: string, input: unknown, deadlineMs: number): Promise<T>
  /** Resolves when it is gone. */
  stop(): Promise<void>
}

const STOP_DEADLINE_MS = 10_000

/** Starts a file of this folder, which calls `serve`. */
export function startChild(file: string, timer: Timer, nodeFlags: readonly string[] = []): Child {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    execArgv: [...nodeFlags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'], // standard output is for the report alone
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const gone = once(child, 'exit')
  let last = 0
  let error: Error | null = null
  child.on('message', (message: Answer) => {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) asked?.resolve(message.answer)
    else asked?.reject(new Error(`${file}: ${message.error}`))
  })
  child.once('exit', (code, signal) => {
    error = new Error(`${file} ended (${signal ?? code})`)
    for (const asked of waiting.values()) asked.reject(error)
  })
  return {
    pid: child.pid ?? 0,
    async ask<T>(word: string, input: unknown, deadlineMs: number) {
      if (error !== null) throw error
      const asked = Promise.withResolvers<unknown>()
      const id = ++last
      waiting.set(id, asked)
      child.send({ id, word, input } satisfies Question)
      return (await timer.deadline(asked.promise, deadlineMs, `${file}: ${word}`)) as T
    },
    stop: () => stop(child, gone, timer),
  }
}

async function stop(child: ChildProcess, gone: Promise<unknown>, timer: Timer): Promise<void> {
  if (child.connected) child.disconnect()
  try {
    await timer.deadline(gone, STOP_DEADLINE_MS, 'the end of a process')
  } catch {
    child.kill('SIGKILL')
    await gone
  }
}

/** The child's side: answers questions until its parent lets go, then ends. */
export function serve(handlers: Readonly<Record<string, (input: never) => unknown>>): void {
  const answer = async ({ id, word, input }: Question) => {
    try {
      const handler = handlers[word]
      if (handler === undefined) throw new Error(`no word ${word}`)
      return { id, answer: await handler(input as never) }
    } catch (error) {
      return { id, error: error instanceof Error ? error.message : String(error) }
    }
  }
  process.on('message', (question: Question) => {
    void answer(question).then((given) => process.connected && process.send?.(given))
  })
  process.once('disconnect', () => process.exit(0))
}
