/** One installation at a time per checkout, whoever starts it and however it may die. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { refuseIfInterrupted, runningPid } from './child.mjs'
import { readText, Refusal, root, runtimeFolder, say } from './place.mjs'

const deadlineMs = 15 * 60_000
const heartbeatMs = 500
/** A holder may be on another host, where its process ids mean nothing: its heartbeat counts. */
const pulseMs = 5_000
/** Somebody else may have got the process id of a holder that died long ago. */
const silenceMs = 5 * 60_000

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** True once the holder and what it had started are gone: an npm may outlive who started it. */
function isAbandoned(lock) {
  const entry = fs.statSync(lock, { throwIfNoEntry: false })
  if (entry === undefined) return false
  const silentMs = Date.now() - entry.mtimeMs
  if (silentMs < pulseMs) return false
  const pids = (readText(lock) ?? '').split(' ').map(Number)
  return silentMs > silenceMs || !pids.some((pid) => pid > 0 && isAlive(pid))
}

/** True if the file is ours now, false if somebody else has it. */
function take(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Shows that we live, and names what we have started. */
function beat(lock) {
  try {
    const pids = `${process.pid} ${runningPid() ?? 0}`
    fs.writeFileSync(lock, pids.padEnd(30), { flag: 'r+' })
  } catch (error) {
    // Somebody deleted it by hand, as they were told; or the disk is full, which npm will say.
    if (error.code !== 'ENOENT' && error.code !== 'ENOSPC') throw error
  }
}

/** Removes an abandoned lock. One process at a time may, and looks again once it is the one. */
function breakAbandoned(lock) {
  if (!isAbandoned(lock)) return
  const breaking = `${lock}.breaking`
  if (take(breaking)) {
    if (isAbandoned(lock)) fs.rmSync(lock, { force: true })
    fs.rmSync(breaking, { force: true })
  } else if (isAbandoned(breaking)) {
    fs.rmSync(breaking, { force: true })
  }
}

/** Runs `work` while no other bootstrap of this checkout runs its own. */
export async function alone(work) {
  const lock = join(runtimeFolder, 'lock')
  const since = performance.now()
  for (let round = 0; !take(lock); round += 1) {
    if (round === 1) say(`another gridcall is installing in ${root}; waiting for it`)
    if (performance.now() - since > deadlineMs) {
      throw new Refusal(`another gridcall installs for 15 minutes; if none does, delete ${lock}`)
    }
    breakAbandoned(lock)
    await new Promise((resolve) => setTimeout(resolve, 100))
    refuseIfInterrupted()
  }
  const heartbeat = setInterval(() => beat(lock), heartbeatMs)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    fs.rmSync(lock, { force: true })
  }
}
