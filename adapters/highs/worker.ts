import { parentPort, workerData } from 'node:worker_threads'
import { type Answer, type Found, load, solve, type Task } from './solve.ts'

/** What the thread says: the best so far, as often as there is a better one, then its answer. */
export type Said = { readonly found: Found } | { readonly answer: Answer }

const say = (said: Said) => parentPort?.postMessage(said)

/** A thread that solves one program. */
say({ answer: solve(await load(), workerData as Task, (found) => say({ found })) })
