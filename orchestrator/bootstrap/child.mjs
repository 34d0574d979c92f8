/** The one process that runs at a time, and the signals that go on to it. */
import { spawn } from 'node:child_process'
import { Refusal } from './place.mjs'

let running = null
let interrupted = null

/** Stops a step that has no process to pass the signal on to. */
export function refuseIfInterrupted() {
  if (interrupted !== null) throw new Refusal(`stopped by ${interrupted}`)
}

/** The process id of what runs at the moment; undefined if nothing does. */
export function runningPid() {
  return running?.pid
}

/** Signals go on to whatever runs. A terminal sends Ctrl-C to the whole group by itself. */
export function passSignalsOn() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      interrupted = signal
      const sentByTerminal = signal === 'SIGINT' && process.stdin.isTTY
      if (!sentByTerminal) running?.kill(signal)
    })
  }
  if (process.env.npm_lifecycle_event !== undefined) endWithNpm()
}

/** A polite kill ends npm and its shell at once, and tells us nothing: we are adopted by another. */
function endWithNpm() {
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    interrupted ??= 'the end of npm'
    running?.kill('SIGTERM')
  }, 500)
  watch.unref()
}

/** Keeps the end of what a program prints; rejects with `explain`'s sentence when it fails. */
export function runQuietly(program, args, { cwd, env, explain }) {
  refuseIfInterrupted()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-65_536)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      running = null
      if (interrupted !== null) reject(new Refusal(`stopped by ${interrupted}`))
      else if (code === 0) resolve()
      else reject(new Refusal(explain(output, code ?? signal)))
    })
    running = child
  })
}

/** Runs the command itself; resolves with its exit code, or with the signal that ended it. */
export function runCommand(program, args, env) {
  refuseIfInterrupted()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'inherit' })
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? signal))
    running = child
  })
}
