import { parentPort, workerData } from 'node:worker_threads'
import { load, solve, type Task } from './solve.ts'

/** A thread that solves one program and says the answer. */
parentPort?.postMessage(solve(await load(), workerData as Task))
